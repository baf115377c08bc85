"""Every provider that litellm speaks to, as one :class:`~ace_cli.llm.base.ChatModel`."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from ace_cli.llm.base import ChatReply, ChatRequest, ModelError, PromptStyle
from ace_cli.llm.body import Said, complaint_in, parse, said_in, text_in, tokens
from ace_cli.llm.endpoint import Answer, Endpoint
from ace_cli.llm.prefix_cache import Marked, PrefixCache
from ace_cli.llm.tries import another_request
from ace_cli.redact import redact


class LitellmModel:
    """The chat model of an endpoint. Nothing is retried here.

    Args:
        endpoint: the model and how it is reached.
        style: how the model wants to be asked.
        notify: called once for each parameter that is left out because the model rejects it; a
            warning in the log by default.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        style: PromptStyle = PromptStyle.JSON,
        notify: Callable[[str], None] | None = None,
    ) -> None:
        self.name = endpoint.name
        self.style = style
        self._endpoint = endpoint
        self._notify = notify or logging.getLogger(__name__).warning
        self._left_out: set[str] = set()

    async def complete(self, request: ChatRequest) -> ChatReply:
        await self._endpoint.load()
        parameters = {n: value for n, value in self._parameters(request).items() if n not in self._left_out}
        messages: list[dict[str, Any]] = [{"role": m.role, "content": m.content} for m in request.messages]
        marked = self._marked(request)
        if marked is not None:
            messages[0]["content"] = marked.content
        try:
            answer, dropped = await self._asked(parameters, messages, request)
            reply = self._reply(request, answer)
        except BaseException:
            self._settle(marked, None)
            raise
        self._settle(marked, reply.cached_prompt_tokens)
        for name in dropped:
            if name not in self._left_out:
                self._left_out.add(name)
                self._notify(f"{self.name} does not take {name}: left out from now on")
        return reply

    async def _asked(
        self, parameters: dict[str, Any], messages: Sequence[Mapping[str, Any]], request: ChatRequest
    ) -> tuple[Answer, Sequence[str]]:
        """What came, and which parameters had to be left out for it."""
        dropped: list[str] = []
        while True:
            try:
                answer = await self._endpoint.call(
                    "acompletion", {**parameters, "messages": messages}, request.about
                )
            except ModelError as error:
                rejected = _rejected(error, parameters)
                if rejected is None:
                    raise
                del parameters[rejected]
                dropped.append(rejected)
                await another_request()
            else:
                return answer, dropped

    def _marked(self, request: ChatRequest) -> Marked | None:
        """The system prompt with marks for the provider's cache; None where there are to be none."""
        first = request.messages[0] if request.messages else None
        if first is None or first.role != "system" or "cache_control_injection_points" in request.extra:
            return None
        return None if self._prefixes is None else self._prefixes.mark(first.content)

    def _settle(self, marked: Marked | None, cached: int | None) -> None:
        if marked is not None and self._prefixes is not None:
            self._prefixes.sent(marked, cached)

    @cached_property
    def _prefixes(self) -> PrefixCache | None:
        least = self._endpoint.least_cached()
        return None if least is None else PrefixCache(least, self.count_tokens)

    def count_tokens(self, text: str) -> int:
        return self._endpoint.count_tokens(text)

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        return self._endpoint.cost(prompt_tokens, completion_tokens)

    async def context_length(self) -> int | None:
        """See :class:`~ace_cli.llm.trial.TellsContext`."""
        return await self._endpoint.context_length()

    async def close(self) -> None:
        await self._endpoint.close()

    def _parameters(self, request: ChatRequest) -> dict[str, Any]:
        parameters: dict[str, Any] = dict(request.extra)
        if request.temperature is not None:
            parameters["temperature"] = request.temperature
        if request.max_tokens is not None:
            parameters["max_tokens"] = request.max_tokens
        if request.schema is not None:  # until the server refuses: tables of who takes one know few names
            parameters["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": request.schema_name, "schema": dict(request.schema), "strict": True},
            }
        return parameters

    def _reply(self, request: ChatRequest, answer: Answer) -> ChatReply:
        """The reply in what came; whatever was paid for is taken.

        Raises:
            ModelError: there is none, or what came is an error in spite of its status.
        """
        said = _said(answer)
        if said is None or (not said.text and complaint_in(parse(answer.raw or b""))):
            raise self._endpoint.failure(answer.error or ValueError("the reply holds no choices"), answer.raw)
        usage = getattr(answer.response, "usage", None) if said.prompt_tokens else None
        # what the server does not count, we do
        prompt_tokens = said.prompt_tokens or self.count_tokens(
            "\n".join(m.content for m in request.messages)
        )
        completion_tokens = said.completion_tokens or (self.count_tokens(said.text) if said.text else 0)
        return ChatReply(
            text=self._endpoint.mask(said.text),
            finish_reason=self._endpoint.mask(said.finish_reason),
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            cached_prompt_tokens=said.cached_prompt_tokens,
            cost_usd=self._endpoint.cost(prompt_tokens, completion_tokens, usage),
            seconds=answer.seconds,
        )

    def __repr__(self) -> str:
        return f"LitellmModel({redact(self.name)!r})"


def _said(answer: Answer) -> Said | None:
    """What litellm read, else what can be made of the body."""
    choices = getattr(answer.response, "choices", None)
    if answer.error is not None or not choices:
        return said_in(parse(answer.raw or b""))
    message = choices[0].message
    fields = getattr(message, "provider_specific_fields", None) or {}
    usage = getattr(answer.response, "usage", None)
    details = getattr(usage, "prompt_tokens_details", None)
    return Said(
        text=text_in(getattr(message, "content", None)) or text_in(fields.get("refusal")),
        finish_reason=str(choices[0].finish_reason or "stop"),
        prompt_tokens=tokens(getattr(usage, "prompt_tokens", 0)),
        completion_tokens=tokens(getattr(usage, "completion_tokens", 0)),
        cached_prompt_tokens=tokens(getattr(details, "cached_tokens", 0)),
    )


_OPTIONAL = {
    "response_format": re.compile(r"response_?format|schema|structured|grammar", re.IGNORECASE),
    "temperature": re.compile(r"temperature", re.IGNORECASE),
}
"""Parameters that a model may reject and can do without, and how its error names them."""


def _rejected(error: ModelError, sent: Mapping[str, Any]) -> str | None:
    """Which parameter to leave out after this error, if any."""
    if error.kind not in ("bad_request", "unsupported"):
        return None
    present = [name for name in _OPTIONAL if name in sent]
    for name in present:
        if _OPTIONAL[name].search(error.message):
            return name
    # Many servers say no more than "bad request"; a schema is the likeliest reason.
    return "response_format" if "response_format" in present else None
