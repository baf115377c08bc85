"""One small call of a model, to see whether it answers and what its server can do."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from ace_cli.llm.base import ChatModel, ChatRequest, Message, PromptStyle
from ace_cli.llm.body import parse

SHORT = 256
"""Tokens of the reply at most, where the role sets no limit."""

_MESSAGES = (
    Message("system", "You check whether a connection works."),
    Message("user", "Name three colours of a rainbow, and how many letters each name has."),
)
_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "colours": {"type": "array", "items": {"type": "string"}},
        "letters": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "number"}]}},
    },
    "required": ["colours", "letters"],
    "additionalProperties": False,
}
"""Has in it what the schemas of the roles have."""


@runtime_checkable
class TellsContext(Protocol):
    """A model that may know how much it can read."""

    async def context_length(self) -> int | None:
        """Tokens of prompt and reply together, or of the prompt; None where nobody says."""
        ...


class Schema(StrEnum):
    """What became of the JSON schema that went with a call."""

    FOLLOWED = "followed"
    IGNORED = "ignored"
    REFUSED = "refused"
    NOT_SENT = "not sent"


@dataclass(frozen=True, slots=True)
class Trial:
    """What a call gave. ``seconds`` are those of the whole call; ``cost_usd`` is None where the price is unknown.

    ``context`` is the longest prompt in tokens, None where neither the server nor litellm's table says it. ``left_out`` are
    parameters that the model does not take.
    """

    seconds: float
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    schema: Schema
    context: int | None
    left_out: tuple[str, ...]
    finish_reason: str
    is_empty: bool

    @property
    def tokens_per_second(self) -> float | None:
        """Of the whole call, reading the prompt included; None for a reply too short to say."""
        if self.completion_tokens < 5 or self.seconds <= 0:
            return None
        return self.completion_tokens / self.seconds


async def try_model(
    model: ChatModel,
    left_out: list[str],
    *,
    temperature: float | None = None,
    max_tokens: int | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Trial:
    """Call ``model`` once, as a role with these parameters does, with a schema where it is asked for JSON.

    Args:
        left_out: where the model notes what it does not take (see ``make_model``'s ``notify``).

    Raises:
        ModelError: there is no reply.
    """
    asks_json = model.style is not PromptStyle.PLAIN
    sent = dict(extra or {})
    if asks_json:  # as a parameter of the provider's, so that it is sent whatever litellm's table says
        body = {"name": "reply", "schema": dict(_SCHEMA), "strict": True}
        sent.setdefault("response_format", {"type": "json_schema", "json_schema": body})
    request = ChatRequest(
        _MESSAGES,
        schema=_SCHEMA if asks_json else None,
        temperature=temperature,
        max_tokens=max_tokens or SHORT,
        extra=sent,
    )
    started = time.perf_counter()
    reply = await model.complete(request)
    seconds = reply.seconds or time.perf_counter() - started
    value = parse(reply.text)
    follows = isinstance(value, dict) and value.keys() >= {"colours", "letters"}
    refused = any("response_format" in note for note in left_out)
    if not asks_json:
        schema = Schema.NOT_SENT
    elif refused:
        schema = Schema.REFUSED
    else:
        schema = Schema.FOLLOWED if follows else Schema.IGNORED
    return Trial(
        seconds=seconds,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        cost_usd=reply.cost_usd,
        schema=schema,
        context=await model.context_length() if isinstance(model, TellsContext) else None,
        left_out=tuple(left_out),
        finish_reason=reply.finish_reason,
        is_empty=not reply.text.strip(),
    )
