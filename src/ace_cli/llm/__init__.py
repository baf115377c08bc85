"""Chat models: litellm and embedded llama.cpp, with retry, usage and cost. The only importer of litellm."""

from ace_cli.llm.base import (
    ChatModel,
    ChatReply,
    ChatRequest,
    Message,
    ModelError,
    PermanentError,
    PromptStyle,
    RequestError,
    TransientError,
)

__all__ = [
    "ChatModel",
    "ChatReply",
    "ChatRequest",
    "Message",
    "ModelError",
    "PermanentError",
    "PromptStyle",
    "RequestError",
    "TransientError",
]
