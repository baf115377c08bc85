"""A model of one role that says what the test tells it to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ace_cli.llm.base import ChatReply, Message, PromptStyle


class ScriptedAsk:
    """An Ask that gives the replies in turn (texts, whole replies, or what becomes JSON) and keeps what it was asked."""

    def __init__(self, *replies: object, style: PromptStyle = PromptStyle.JSON) -> None:
        self.replies = [_reply(reply) for reply in replies]
        self.style = style
        self.asked: list[Sequence[Message]] = []
        self.schemas: list[Mapping[str, Any] | None] = []

    async def __call__(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        schema_name: str = "reply",
    ) -> ChatReply:
        assert (schema is None) == (self.style is PromptStyle.PLAIN), "a schema is for models that write JSON"
        self.asked.append(messages)
        self.schemas.append(schema)
        return self.replies[len(self.asked) - 1]

    @property
    def prompt(self) -> str:
        """All that the last call held."""
        return "\n".join(message.content for message in self.asked[-1])


def _reply(reply: object) -> ChatReply:
    if isinstance(reply, ChatReply):
        return reply
    return ChatReply(reply if isinstance(reply, str) else json.dumps(reply))
