"""What the rest of the code knows of a language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from ace_cli.errors import AceError
from ace_cli.text import ValidText


class PromptStyle(StrEnum):
    """How a model wants to be asked.

    ``json``: instructions, a JSON object back. ``guided``: the same, with worked examples and little else to read (small models
    repeat what they read; only the Reflector is asked so). ``plain``: a few short sentences, plain text back
    (small local models fill JSON badly, even with a grammar).
    """

    JSON = "json"
    GUIDED = "guided"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Message(ValidText):
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call. ``schema`` is a JSON schema for native structured output, where the model has it.

    ``temperature``, ``max_tokens`` and ``extra`` (any further parameter of the provider) come from
    the role's settings; None leaves the choice to the provider. ``about`` says where in a run the call stands, for callbacks.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    schema_name: str = "reply"
    temperature: float | None = None
    max_tokens: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChatReply(ValidText):
    """What came back, and what it cost.

    ``finish_reason`` is litellm's (``stop``, ``length``, ``content_filter`` ...). ``cost_usd`` is None
    when the model's price is unknown. ``retries`` counts failed tries before this reply,
    ``seconds`` is the time of the successful try alone. ``from_cache``: an earlier run paid for it, this one did not; the
    numbers are those of the call that was made then.
    """

    text: str
    finish_reason: str = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_prompt_tokens: int = 0
    cost_usd: float | None = None
    retries: int = 0
    seconds: float = 0.0
    from_cache: bool = False


@dataclass(frozen=True, slots=True)
class EmbeddingReply:
    """Vectors in the order of the texts, as the provider gave them (not normalised), and what they cost.

    The fields are those of :class:`ChatReply`.
    """

    vectors: Sequence[Sequence[float]]
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_prompt_tokens: int = 0
    cost_usd: float | None = None
    retries: int = 0
    seconds: float = 0.0
    from_cache: bool = False


class ChatModel(Protocol):
    """A model that answers messages; safe to call concurrently from one event loop."""

    name: str
    """As the user wrote it: ``gpt-4o-mini``, ``local/smollm2`` ..."""
    style: PromptStyle

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer, once. Retries are not the model's business (see ``llm/retry.py``).

        Raises:
            ModelError: one of its three children, never a library's own exception.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text`` by the model's tokenizer, or by litellm's fallback."""
        ...

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """US dollars, or None when the price is unknown. Local models cost 0.0."""
        ...

    async def close(self) -> None: ...


class ModelError(AceError):
    """A call that gave no reply. ``kind`` is a short word for grouping failures."""

    def __init__(self, message: str, hint: str = "", *, kind: str) -> None:
        super().__init__(message, hint)
        self.kind = kind


class TransientError(ModelError):
    """Worth another try: rate limit, 5xx, reset, time-out, a body that is no reply.

    ``retry_after`` is what the provider asked for, in seconds. ``endpoint`` is True when the failure
    speaks of the endpoint (unreachable, overloaded, rate limit) rather than of this one request. ``paid`` is True when
    a whole reply came, so that the provider charges for it, but nothing can be made of it.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        kind: str,
        retry_after: float | None = None,
        endpoint: bool = True,
        paid: bool = False,
    ) -> None:
        super().__init__(message, hint, kind=kind)
        self.retry_after = retry_after
        self.endpoint = endpoint
        self.paid = paid


class RequestError(ModelError):
    """This request will never work (context length, content policy): the example fails, training goes on."""


class PermanentError(ModelError):
    """No request will work (bad key, unknown model, no credit): the run stops at once, resumable."""
