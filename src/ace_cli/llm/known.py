"""What can be known of a model without calling it: whether its name, its address and its key can be right."""

from __future__ import annotations

import difflib
import os
import re
import socket
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ace_cli.errors import AceError, UsageError
from ace_cli.llm.hosts import (
    ONE_DOMAIN,
    OWN,
    host_of,
    is_address,
    is_loopback,
    own_address,
    provider_of,
)
from ace_cli.llm.library import load_litellm

_CHAT = frozenset({"chat", "completion", "responses"})
_EMBEDDING = frozenset({"embedding"})
_PATIENCE = 5.0
"""Seconds for a connection that is made only to see whether somebody listens."""


@dataclass(frozen=True, slots=True)
class Named:
    """A model as the settings name it. ``setting`` is what an error calls it; ``api_base`` is None for the provider's own address."""

    model: str
    setting: str
    api_base: str | None
    has_key: bool
    """Whether the settings hold a key, or headers that may hold one."""
    embeds: bool = False


def check_known(named: Named) -> str:
    """Raise what every call would end with, as far as that can be known; a doubt that is none yet, or an empty text.

    Raises:
        UsageError: no provider has this name, the address is none, or the key is missing.
    """
    check_address(named.api_base, named.model)
    provider = provider_of(named.model)
    if named.api_base is None and not _is_provider(named.model):
        raise UsageError(
            f"{named.setting}: litellm knows no provider of {named.model!r}",
            f"{_meant(named)}Write provider/model (openai/..., anthropic/..., ollama/...), or give --api-base.",
        )
    if named.api_base is None and "://" not in named.model:
        check_address(own_address(provider), named.model)
        if not named.has_key and (missing := missing_keys(named.model, provider)):
            raise UsageError(f"{named.model}: no API key", f"Set {' or '.join(missing)} to your key.")
    return _doubt(named, provider)


def check_address(address: str | None, model: str) -> None:
    """An address must be whole: one without a scheme fails as if the server were down.

    Raises:
        UsageError: it is not; with the right one if that is plain.
    """
    if not address:
        return
    has_scheme = address.lower().startswith(("http://", "https://"))
    if has_scheme and _has_host(address):
        return
    problem = "holds no host" if has_scheme else "begins with neither http:// nor https://"
    # without the address itself, unless it is plain: a password may stand in it
    meant = _whole(address)
    hint = f"Did you mean {meant}?" if meant else "Give a whole address, such as http://localhost:8000/v1."
    raise UsageError(f"{model}: the API base {problem}", hint)


def address_of(named: Named) -> str | None:
    """Where it is called: the address of the settings, that of the provider's variable, or one on this machine (Ollama).

    None for a provider's own host elsewhere: without a network a run may begin, and waits.
    """
    if named.api_base is not None or "://" in named.model:
        return named.api_base
    provider = provider_of(named.model)
    own = own_address(provider)
    if own is None or (provider not in ONE_DOMAIN and not is_loopback(host_of(own))):
        return None
    return own if host_of(own) != OWN.get(provider) else None


def check_listening(address: str, model: str) -> None:
    """Connect once, and say nothing: whether there is a host of this name, and somebody listens.

    Raises:
        AceError: nobody does. What may pass (a time-out) raises nothing.
    """
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme.lower() == "https" else 80)
    if parts.scheme.lower() in getproxies() and not proxy_bypass(host):
        return  # only the proxy can tell
    try:
        socket.create_connection((host, port), timeout=_PATIENCE).close()
    except ConnectionRefusedError:
        problem = f"nothing listens at {host}:{port}"
    except (socket.gaierror, UnicodeError):
        problem = f"there is no host {host}"
    except OSError:
        return
    else:
        return
    raise AceError(f"{model}: {problem}", "Is the address right, and is the server running?")


def missing_keys(model: str, provider: str) -> list[str]:
    """The variables that could hold the key of a provider that needs one, if none of them does; else nothing."""
    if provider not in ONE_DOMAIN:
        return []  # there are other ways to be somebody there (profiles, roles, tokens), or no key is needed
    own = re.compile(rf"{provider.upper()}\w*_(KEY|TOKEN)")
    if any(value and own.fullmatch(name) for name, value in os.environ.items()):
        return []
    known = load_litellm().validate_environment(model)
    names = [str(name) for name in known.get("missing_keys", []) if str(name).endswith("KEY")]
    usual = f"{provider.upper()}_API_KEY"
    if not names and provider != "gemini" and os.environ.get(usual) == "":  # set, but to nothing
        return [usual]
    return [] if any(os.environ.get(name) for name in names) else names


def nearest_models(model: str, modes: Collection[str] = _CHAT, cutoff: float = 0.6) -> list[str]:
    """Names in litellm's table that may have been meant, best first."""
    table = load_litellm().model_cost
    provider, _, bare = model.rpartition("/")
    near = difflib.get_close_matches(bare, [n for n in table if "/" not in n and _is(n, modes)], 2, cutoff)
    return [f"{provider}/{name}" if provider == provider_of(name) else name for name in near]


def _doubt(named: Named, provider: str) -> str:
    """A known model of another kind is refused; an unknown one may just be new."""
    table = load_litellm().model_cost
    entry = table.get(named.model) or table.get(named.model.partition("/")[2])
    if named.api_base is not None or provider not in ONE_DOMAIN:
        return ""
    wanted = _EMBEDDING if named.embeds else _CHAT
    if entry is not None:
        mode = entry.get("mode")
        if mode in _CHAT | _EMBEDDING and mode not in wanted:
            kind = "a chat model" if mode in _CHAT else "an embedding model"
            raise UsageError(f"{named.setting}: {named.model} is {kind}", _meant(named).strip())
        return ""
    near = nearest_models(named.model, wanted, 0.85)
    return f"{named.model} is not in litellm's table; did you mean {near[0]}?" if near else ""


def _meant(named: Named) -> str:
    near = nearest_models(named.model, _EMBEDDING if named.embeds else _CHAT)
    return f"Did you mean {' or '.join(near)}? " if near else ""


def _is(name: str, modes: Collection[str]) -> bool:
    return load_litellm().model_cost[name].get("mode") in modes


def _is_provider(model: str) -> bool:
    litellm = load_litellm()
    try:
        litellm.get_llm_provider(model)
    except litellm.exceptions.BadRequestError:
        return False
    return True


def _has_host(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _whole(address: str) -> str:
    """The address that was meant, if nothing in it can be secret; else an empty text."""
    rest = re.sub(r"^(https?:?)?/*", "", address.strip(), flags=re.IGNORECASE)
    if not rest or re.search(r"[@?#]|://", rest):
        return ""
    host = rest.partition("/")[0]
    at_home = is_loopback(host) or "." not in host or re.search(r":\d+$", host)
    meant = f"{'http' if at_home else 'https'}://{rest}"
    return meant if is_address(meant) else ""
