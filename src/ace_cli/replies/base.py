"""How a model is asked, and what is raised when its replies make no sense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ace_cli.errors import AceError
from ace_cli.llm.base import ChatReply, Message, PromptStyle


class Ask(Protocol):
    """The model of one role, bound to one example (or to one merge)."""

    style: PromptStyle

    async def __call__(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        schema_name: str = "reply",
    ) -> ChatReply:
        """The reply, from the record if this call was paid before."""
        ...


class UnusableReply(AceError):
    """A reply that stayed unusable after repair and one more try; it is on record."""


class Misfit(Exception):
    """A text or value is not what was asked for; the message says how, in words that a model can act on."""
