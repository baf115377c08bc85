"""Every provider that litellm speaks to, as one :class:`~ace_cli.llm.base.ChatModel`."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import re
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any
from urllib.parse import unquote, urlsplit
from weakref import WeakSet

from ace_cli.llm.base import (
    ChatReply,
    ChatRequest,
    ModelError,
    PermanentError,
    PromptStyle,
    TransientError,
)
from ace_cli.llm.errors_map import map_error, redacted_cause
from ace_cli.redact import redact

__all__ = ["LitellmModel", "Prices", "load_litellm", "map_error"]


@cache
def load_litellm() -> Any:
    """The litellm module, imported on first use (2 s, 160 MB), silent, without any call home.

    Untyped on purpose: what it returns and raises differs from what its annotations say.
    """
    # Read while litellm is imported: take the price table in the wheel instead of downloading one.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_DISABLE_BUG_REPORT_LINK", "true")
    import litellm

    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.disable_hf_tokenizer_download = True  # a token count is no reason to reach for a network
    # litellm drops a coroutine when a call is cancelled before it began: no concern of the user's
    warnings.filterwarnings("ignore", r"coroutine '[\w.]*acompletion' was never awaited", RuntimeWarning)
    # a server's odd field is no concern either: what matters of a reply is read and checked by us
    warnings.filterwarnings("ignore", "Pydantic serializer warnings", UserWarning)
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # every failure reaches our caller anyway
    for name in ("openai", "httpx", "httpcore", "aiohttp"):
        logging.getLogger(name).setLevel(logging.WARNING)  # at DEBUG they write down headers, with the keys
    return litellm


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars per million tokens, for models that litellm has no price of."""

    input: float
    output: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        return (prompt_tokens * self.input + completion_tokens * self.output) / 1e6


class LitellmModel:
    """A model as litellm names it (``gpt-4o-mini``, ``anthropic/claude-...``), or any name with an ``api_base``.

    A name whose provider litellm does not know is asked for at ``api_base`` in OpenAI's way. Nothing is retried here.

    Args:
        name: the model.
        api_base: address of the API, if not the provider's own.
        api_key: else litellm looks into the provider's environment variable.
        headers: further HTTP headers.
        timeout: seconds for a whole call, however slowly it trickles.
        style: how the model wants to be asked.
        prices: instead of litellm's.
        notify: told, once each, of parameters that are left out because the model rejects them; a
            warning in the log by default.
    """

    def __init__(
        self,
        name: str,
        *,
        api_base: str | None = None,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 120.0,
        style: PromptStyle | None = None,
        prices: Prices | None = None,
        notify: Callable[[str], None] | None = None,
    ) -> None:
        self.name = name
        self.style = style or PromptStyle.JSON
        # HTTP clients refuse a key beside a name and password in the address: those go into the header.
        self._api_base, basic = _without_credentials(api_base)
        self._api_key = api_key
        self._headers = {**basic, **(headers or {})}
        self._timeout = timeout
        self._prices = prices
        self._notify = notify or logging.getLogger(__name__).warning
        self._left_out: set[str] = set()
        self._secrets = tuple(value for value in (api_key, *self._headers.values()) if value)

    async def complete(self, request: ChatRequest) -> ChatReply:
        if not load_litellm.cache_info().currsize:
            await asyncio.to_thread(load_litellm)  # takes seconds: the loop must go on meanwhile
        parameters = self._parameters(request)
        for name in self._left_out & parameters.keys():
            del parameters[name]
        dropped: list[str] = []
        while True:
            try:
                reply = await self._send(request, parameters)
            except ModelError as error:
                rejected = _rejected(error, parameters)
                if rejected is None:
                    raise
                del parameters[rejected]
                dropped.append(rejected)
                continue
            for name in dropped:
                if name not in self._left_out:
                    self._left_out.add(name)
                    self._notify(f"{self.name} does not take {name}: left out from now on")
            return reply

    def count_tokens(self, text: str) -> int:
        litellm = load_litellm()
        return int(litellm.token_counter(model=self._route, text=text))

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        return self._cost(prompt_tokens, completion_tokens, None)

    async def close(self) -> None:
        """Close the connections, which all models of the process share, with the last model that used them."""
        if self not in _users:
            return
        _users.discard(self)
        if _users:
            return
        litellm = load_litellm()
        await litellm.close_litellm_async_clients()
        litellm.in_memory_llm_clients_cache.flush_cache()

    @cached_property
    def _provider(self) -> tuple[str, str]:
        """(model, provider) as litellm tells them apart."""
        litellm = load_litellm()
        try:
            model, provider, _, _ = litellm.get_llm_provider(self.name, api_base=self._api_base)
        except litellm.exceptions.BadRequestError:
            if self._api_base is None:
                raise PermanentError(
                    f"{self.name}: litellm knows no provider of this name",
                    "Write provider/model (openai/..., anthropic/..., ollama/...), or give --api-base.",
                    kind="unknown_model",
                ) from None
            return self.name, "openai"
        return str(model), str(provider)

    @property
    def _route(self) -> str:
        model, provider = self._provider
        return f"{provider}/{model}"

    @cached_property
    def _key(self) -> str | None:
        """The key to pass, None for the one in the environment."""
        if self._api_key or self._api_base is None or self._provider[1] != "openai":
            return self._api_key
        if os.environ.get("OPENAI_API_KEY"):
            return None
        return "none"  # servers at home ask for no key, but the client insists on one

    @cached_property
    def _takes_schema(self) -> bool:
        model, provider = self._provider
        return bool(load_litellm().supports_response_schema(model, custom_llm_provider=provider))

    def _parameters(self, request: ChatRequest) -> dict[str, Any]:
        parameters: dict[str, Any] = dict(request.extra)
        if request.temperature is not None:
            parameters["temperature"] = request.temperature
        if request.max_tokens is not None:
            parameters["max_tokens"] = request.max_tokens
        if request.schema is not None and self._takes_schema:
            parameters["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": request.schema_name, "schema": dict(request.schema), "strict": True},
            }
        return parameters

    async def _send(self, request: ChatRequest, parameters: Mapping[str, Any]) -> ChatReply:
        """One call over HTTP.

        Raises:
            ModelError: whatever happened.
        """
        litellm = load_litellm()
        arguments = {
            **parameters,
            "model": self._route,
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "api_base": self._api_base,
            "api_key": self._key,
            "timeout": self._timeout,
            # neither litellm nor the client inside it may try again: a second retry behind ours multiplies it
            "max_retries": 0,
            "num_retries": 0,
            "no-log": True,
        }
        if self._headers:
            arguments["extra_headers"] = self._headers
        _users.add(self)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout):
                response = await litellm.acompletion(**arguments)
        except TimeoutError as error:
            raise TransientError(
                f"{self.name}: no whole reply within {self._timeout:g} s",
                "The timeout setting of the role says how long is waited.",
                kind="timeout",
                endpoint=False,
            ) from redacted_cause(error)
        except Exception as error:  # noqa: BLE001 - whatever litellm raises becomes one of our three
            raise self._mapped(error) from redacted_cause(error, self._secrets)
        return self._reply(request, response, time.perf_counter() - started)

    def _mapped(self, error: Exception) -> ModelError:
        mapped = map_error(error, self.name, self._secrets)
        if mapped.kind == "auth" and not self._api_key and (missing := self._missing_keys()):
            hint = f"Set {' or '.join(missing)} to your key."
            return PermanentError(f"{self.name}: no API key", hint, kind="auth")
        return mapped

    def _missing_keys(self) -> list[str]:
        model, provider = self._provider
        known = load_litellm().validate_environment(f"{provider}/{model}")
        return [str(name) for name in known.get("missing_keys", []) if str(name).endswith("KEY")]

    def _reply(self, request: ChatRequest, response: Any, seconds: float) -> ChatReply:
        choices = getattr(response, "choices", None)
        if not choices:
            raise TransientError(
                f"{self.name}: the reply holds no choices", "", kind="bad_body", endpoint=False
            )
        text = _text(choices[0].message)
        usage = getattr(response, "usage", None)
        prompt_tokens = _tokens(getattr(usage, "prompt_tokens", 0))
        completion_tokens = _tokens(getattr(usage, "completion_tokens", 0))
        if not prompt_tokens:  # the server does not count, so we do
            usage = None
            prompt_tokens = self.count_tokens("\n".join(m.content for m in request.messages))
            completion_tokens = self.count_tokens(text)
        details = getattr(usage, "prompt_tokens_details", None)
        return ChatReply(
            text=text,
            finish_reason=str(choices[0].finish_reason or "stop"),
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            cached_prompt_tokens=_tokens(getattr(details, "cached_tokens", 0)),
            cost_usd=self._cost(prompt_tokens, completion_tokens, usage),
            seconds=seconds,
        )

    @cached_property
    def _has_price(self) -> bool:
        litellm = load_litellm()
        model, provider = self._provider
        try:
            litellm.cost_per_token(model=model, custom_llm_provider=provider, prompt_tokens=1)
        except Exception:  # noqa: BLE001 - litellm raises a bare Exception for a model without a price
            return False
        return True

    def _cost(self, prompt_tokens: int, completion_tokens: int, usage: Any) -> float | None:
        """US dollars; with litellm's own ``usage``, cached tokens have their own price."""
        if self._prices:
            return self._prices.of(prompt_tokens, completion_tokens)
        if not self._has_price:
            return None
        model, provider = self._provider
        parts = load_litellm().cost_per_token(
            model=model,
            custom_llm_provider=provider,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            usage_object=usage,
        )
        return float(sum(parts))

    def __repr__(self) -> str:
        return f"LitellmModel({redact(self.name)!r})"


_users: WeakSet[LitellmModel] = WeakSet()
"""Models with connections that may be open."""


_OPTIONAL = {
    "response_format": re.compile(r"response_?format|schema|structured|grammar", re.IGNORECASE),
    "temperature": re.compile(r"temperature", re.IGNORECASE),
}
"""Parameters that a model may reject and can do without, and how its error names them."""


def _rejected(error: ModelError, sent: Iterable[str]) -> str | None:
    """Which parameter to leave out after this error, if any."""
    if error.kind not in ("bad_request", "unsupported"):
        return None
    present = [name for name in _OPTIONAL if name in sent]
    for name in present:
        if _OPTIONAL[name].search(error.message):
            return name
    # Many servers say no more than "bad request"; a schema is the likeliest reason.
    return "response_format" if "response_format" in present else None


def _tokens(value: Any) -> int:
    """A server's count of tokens. One that cannot be is no count: it would spoil all totals."""
    count = int(value) if isinstance(value, int | float) and abs(value) < float("inf") else 0
    return count if 0 <= count < 2**40 else 0


def _text(message: Any) -> str:
    """The content, or the refusal in its place, or an empty text."""
    content = getattr(message, "content", None)
    if isinstance(content, list):
        content = "".join(str(block.get("text") or "") for block in content if isinstance(block, dict))
    fields = getattr(message, "provider_specific_fields", None) or {}
    for text in (content, fields.get("refusal")):
        if isinstance(text, str) and text:
            return text
    return ""


def _without_credentials(api_base: str | None) -> tuple[str | None, dict[str, str]]:
    """An address without its ``user:password@``, and the header that says the same."""
    parts = urlsplit(api_base or "")
    if not parts.username and not parts.password:
        return api_base, {}
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host).geturl(), {
        "Authorization": "Basic " + base64.b64encode(pair.encode()).decode()
    }
