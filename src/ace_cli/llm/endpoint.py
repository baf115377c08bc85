"""A model at an address, as litellm reaches it: what chat and embedding calls have in common."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit
from weakref import WeakSet

from ace_cli.llm.base import ModelError, PermanentError, TransientError
from ace_cli.llm.body import tokens
from ace_cli.llm.context import listed_context
from ace_cli.llm.errors_map import map_error, redacted_cause
from ace_cli.llm.hosts import bound_to
from ace_cli.llm.known import check_address, missing_keys
from ace_cli.llm.library import count_tokens, load_litellm
from ace_cli.llm.rates import rates_in
from ace_cli.llm.tracing import complaint, finish, tracing
from ace_cli.llm.tries import told
from ace_cli.llm.wire import listening
from ace_cli.redact import environment, forms, mask, secrets_of

LONGEST = 4_000_000
"""Bytes of a chat reply's body; vectors may be longer."""


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars per million tokens, for models that litellm has no price of."""

    input: float
    output: float = 0.0

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        return (prompt_tokens * self.input + completion_tokens * self.output) / 1e6


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole body that came with success, and litellm's reading of it: None, and ``error``, where it can make nothing of it."""

    response: Any
    error: Exception | None
    raw: bytes | None
    seconds: float


class Endpoint:
    """A model as litellm names it (``gpt-4o-mini``, ``anthropic/claude-...``), or any name with an ``api_base``.

    A name whose provider litellm does not know is asked for at ``api_base`` in OpenAI's way. Nothing is retried here.

    Args:
        name: the model.
        api_base: address of the API, if not the provider's own.
        api_key: else litellm looks into the provider's environment variable.
        headers: further HTTP headers.
        timeout: seconds for a whole call, however slowly it trickles.
        prices: instead of litellm's.
        callbacks: who else is told of every call.
        notify: called once with what goes wrong with them.

    Raises:
        UsageError: ``api_base`` is no whole address.
    """

    def __init__(
        self,
        name: str,
        *,
        api_base: str | None = None,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 120.0,
        prices: Prices | None = None,
        callbacks: Sequence[str] = (),
        notify: Callable[[str], None] | None = None,
    ) -> None:
        check_address(api_base, name)
        self.name = name
        self._address = api_base or ""
        # HTTP clients refuse a key beside a name and password in the address: those go into the header.
        self._api_base, basic = _without_credentials(api_base)
        self._api_key = api_key
        self._headers = {**basic, **(headers or {})}
        self._timeout = timeout
        self._prices = prices
        self._callbacks = tuple(callbacks)
        self._notify = notify
        self._secrets = (api_key or "", *self._headers.values(), *secrets_of(self._address))

    @cached_property
    def provider(self) -> tuple[str, str]:
        """(model, provider) as litellm tells them apart.

        Raises:
            PermanentError: litellm knows no provider of the name, and there is no address.
        """
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

    async def load(self) -> None:
        """Load what calls need; it takes seconds, and the loop must go on meanwhile."""
        if not load_litellm.cache_info().currsize:
            await asyncio.to_thread(load_litellm)

    async def call(
        self, function: str, arguments: Mapping[str, Any], about: Mapping[str, Any] = MappingProxyType({})
    ) -> Answer:
        """One call of litellm's ``function`` over HTTP. Callbacks get ``about`` as its metadata.

        Raises:
            ModelError: nothing came, or an error.
        """
        whole = {**arguments, **self._arguments()}
        if self._callbacks:
            whole |= {"metadata": dict(about), "no-log": False}
        _users.add(self)
        started, response, stumble = time.perf_counter(), None, None
        most = LONGEST if function == "acompletion" else None
        with tracing(self._callbacks), listening(self._bound_to, most) as heard:
            try:
                async with asyncio.timeout(self._timeout):
                    response = await getattr(load_litellm(), function)(**whole)
            except TimeoutError as error:
                raise TransientError(
                    f"{self.name}: no whole reply within {self._timeout:g} s",
                    "The role's timeout setting limits how long a call may take.",
                    kind="timeout",
                    endpoint=False,
                ) from redacted_cause(error)
            except Exception as error:  # noqa: BLE001 - whatever litellm raises becomes one of our three
                failure = self.failure(error, heard.body)
                if failure.kind != "bad_body":
                    raise failure from redacted_cause(error, self._secrets)
                stumble = error
            finally:
                self._pass_on()
                told(rates_in(heard.rates))
        return Answer(response, stumble, heard.body, time.perf_counter() - started)

    def _pass_on(self) -> None:
        """Once, what went wrong with a callback: the calls go on without it."""
        if self._callbacks and self._notify is not None and (said := complaint()) is not None:
            self._notify(f"a callback failed, which is told once: {said}")
            self._notify = None

    def failure(self, error: Exception, raw: bytes | None) -> ModelError:
        """What ``error`` means, or the error that stands in the body ``raw``."""
        failure = map_error(error, self.name, self._secrets, body=raw)
        if (
            failure.kind == "auth"
            and not self._api_key
            and (missing := missing_keys(self._route, self.provider[1]))
        ):
            hint = f"Set {' or '.join(missing)} to your key."
            return PermanentError(f"{self.name}: no API key", hint, kind="auth")
        return failure

    def mask(self, text: str) -> str:
        """``text``, as the provider sent it, without the keys that were sent there or stand in the environment."""
        return mask(text, self._told)

    def count_tokens(self, text: str) -> int:
        return count_tokens(self._route, text)

    def cost(self, prompt_tokens: int, completion_tokens: int, usage: Any = None) -> float | None:
        """US dollars, or None without a price; with litellm's own ``usage``, cached tokens have their own price."""
        if self._prices:
            return self._prices.of(prompt_tokens, completion_tokens)
        if not self._has_price:
            return None
        model, provider = self.provider
        parts = load_litellm().cost_per_token(
            model=model,
            custom_llm_provider=provider,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            usage_object=usage,
        )
        return float(sum(parts))

    def least_cached(self) -> int | None:
        """Tokens that a prompt's beginning needs to be cached by a provider that wants it marked; None where marks are of no use."""
        model, provider = self.provider
        if provider not in _WANT_MARKS or "claude" not in model:
            return None
        litellm = load_litellm()
        if not litellm.utils.supports_prompt_caching(model, provider):
            return None
        return int(litellm.utils.get_prompt_cache_min_tokens(self._route))

    async def context_length(self) -> int | None:
        """Tokens that the model reads: what the server says, else litellm's table; None where neither does."""
        await self.load()
        model, provider = self.provider
        if self._api_base is not None:
            key = self._key or os.environ.get("OPENAI_API_KEY", "") if provider == "openai" else self._api_key
            headers = {**({"Authorization": f"Bearer {key}"} if key else {}), **self._headers}
            return await listed_context(self._api_base, model, headers, min(self._timeout, 10.0))
        try:
            known = load_litellm().get_model_info(model=model, custom_llm_provider=provider)
        except Exception:  # noqa: BLE001 - litellm raises a bare Exception for a model that is not in its table
            return None
        return tokens(known.get("max_input_tokens")) or None

    async def close(self) -> None:
        """Close the connections, which all endpoints of the process share, with the last one that used them."""
        if self not in _users:
            return
        _users.discard(self)
        await finish(self._callbacks)
        self._pass_on()
        if _users:
            return
        litellm = load_litellm()
        await litellm.close_litellm_async_clients()
        litellm.in_memory_llm_clients_cache.flush_cache()

    @cached_property
    def _told(self) -> tuple[str, ...]:
        headers = (value for name, value in self._headers.items() if name.lower() not in _HARMLESS_HEADERS)
        return forms((self._api_key or "", *headers, *secrets_of(self._address), *environment()))

    @cached_property
    def _bound_to(self) -> str | None:
        return bound_to(self.name, self._api_base)

    @property
    def _route(self) -> str:
        model, provider = self.provider
        return f"{provider}/{model}"

    def _arguments(self) -> dict[str, Any]:
        arguments = {
            "model": self._route,
            "api_base": self._api_base,
            "api_key": self._key,
            "timeout": self._timeout,
            # neither litellm nor the client inside it may try again: a second retry behind ours multiplies it
            "max_retries": 0,
            "num_retries": 0,
            "no-log": True,
        }
        return {**arguments, "extra_headers": self._headers} if self._headers else arguments

    @cached_property
    def _key(self) -> str | None:
        """The key to pass, None for the one in the environment."""
        if self._api_key or self._api_base is None or self.provider[1] != "openai":
            return self._api_key
        if os.environ.get("OPENAI_API_KEY"):
            return None
        return "none"  # servers at home ask for no key, but the client insists on one

    @cached_property
    def _has_price(self) -> bool:
        model, provider = self.provider
        try:
            load_litellm().cost_per_token(model=model, custom_llm_provider=provider, prompt_tokens=1)
        except Exception:  # noqa: BLE001 - litellm raises a bare Exception for a model without a price
            return False
        return True


_WANT_MARKS = frozenset({"anthropic", "bedrock", "bedrock_converse", "vertex_ai"})
"""Providers of Claude that cache what is marked, and nothing else."""

_HARMLESS_HEADERS = frozenset({"accept", "content-type", "http-referer", "user-agent", "x-title"})
"""Headers whose values are no secrets, so that a reply may hold them."""

_users: WeakSet[Endpoint] = WeakSet()
"""Endpoints with connections that may be open."""


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
