"""Where calls go: told before a run starts, and asked about where somebody else than the user said so."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ace_cli.llm.local import PREFIX
from ace_cli.plugins import names_a_part
from ace_cli.redact import public_address, redact
from ace_cli.settings import ModelsSettings

OWN = {
    "anthropic": "api.anthropic.com",
    "cerebras": "api.cerebras.ai",
    "cohere": "api.cohere.com",
    "dashscope": "dashscope.aliyuncs.com",
    "deepinfra": "api.deepinfra.com",
    "deepseek": "api.deepseek.com",
    "fireworks_ai": "api.fireworks.ai",
    "gemini": "generativelanguage.googleapis.com",
    "groq": "api.groq.com",
    "huggingface": "router.huggingface.co",
    "mistral": "api.mistral.ai",
    "moonshot": "api.moonshot.ai",
    "novita": "api.novita.ai",
    "nvidia_nim": "integrate.api.nvidia.com",
    "openai": "api.openai.com",
    "openrouter": "openrouter.ai",
    "perplexity": "api.perplexity.ai",
    "sambanova": "api.sambanova.ai",
    "together_ai": "api.together.ai",
    "voyage": "api.voyageai.com",
    "xai": "api.x.ai",
    "llamafile": "http://127.0.0.1:8080",
    "ollama": "http://localhost:11434",
    "ollama_chat": "http://localhost:11434",
}
"""The address of providers that have one for all their users."""

ONE_DOMAIN = frozenset(
    {
        "anthropic",
        "deepseek",
        "gemini",
        "groq",
        "mistral",
        "moonshot",
        "openai",
        "openrouter",
        "perplexity",
        "xai",
    }
)
"""Providers that litellm calls at hosts of this domain alone; others have several, by kind of model."""

_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?:[^\s/@\\?#]*@)?(?P<host>[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?P<port>:\d+)?(?:[/?#][^\s\\]*)?",
    re.I,
)
_PLAIN_PORTS = {"https": ":443", "http": ":80"}


@dataclass(frozen=True, slots=True)
class Call:
    """A model that a run may call, with the keys of the settings that say so. ``api_base`` is None for the provider's own address."""

    model: str
    model_key: str
    api_base: str | None
    base_key: str


def calls(models: ModelsSettings) -> Iterator[Call]:
    """Every model that is reached over the network, once for each of its servers."""
    named = [
        (f"models.{role}.model", settings.model, f"models.{role}.api_base", settings.api_base)
        for role, settings in models.roles.items()
    ]
    embedding = "models.embedding"
    named += [(embedding, models.embedding, "models.embedding_api_base", models.embedding_api_base)]
    for key, model, own_key, own in named:
        in_process = key == embedding and names_a_part("embedder", model or "")
        if model and not in_process and not model.startswith((PREFIX, "wordllama")):
            bases, base_key = (own, own_key) if own else (models.api_base, "models.api_base")
            for base in bases or (None,):
                yield Call(model, key, base, base_key)


_OTHER_WORDS = {
    "azure_ai": ("AZURE",),
    "bedrock": ("AWS",),
    "cohere": ("COHERE", "CO_"),
    "gemini": ("GEMINI", "GOOGLE"),
    "huggingface": ("HUGGINGFACE", "HF_"),
    "sagemaker": ("AWS",),
    "vertex_ai": ("VERTEX", "GOOGLE"),
}


def variables(models: ModelsSettings) -> dict[str, str]:
    """The environment variables that the providers of these models look at, and who else hears of calls: keys, addresses, regions."""
    words = {"OPENAI"}  # an address without a known provider is asked in OpenAI's way
    words.update(name.partition("_")[0].upper() for name in models.callbacks)
    for call in calls(models):
        provider = provider_of(call.model)
        words.update(_OTHER_WORDS.get(provider, (provider.partition("_")[0].upper(),)))
    beginnings = tuple(filter(None, words))
    return {name: value for name, value in os.environ.items() if name.startswith(beginnings)}


def hosts(models: ModelsSettings) -> tuple[str, ...]:
    """Where a run's calls go, once each, as a person would say it."""
    found = (host_of(call.api_base) if call.api_base else own_host(call.model) for call in calls(models))
    return tuple(dict.fromkeys(filter(None, found)))


def host_of(address: str) -> str:
    """``my-host:8000``; with ``http://`` where a key would travel in the clear. An address that is none is left as it is, but for secrets."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return redact(address)
    scheme, host, port = found["scheme"].lower(), found["host"].lower(), found["port"] or ""
    place = host if port == _PLAIN_PORTS[scheme] else host + port
    return place if scheme == "https" or is_loopback(host) else f"http://{place}"


def is_address(text: str) -> bool:
    """A whole one, with ``http://`` or ``https://``."""
    return _ADDRESS.fullmatch(text) is not None


def is_loopback(host: str) -> bool:
    """This machine, whatever the port."""
    found = re.fullmatch(r"(?:http://)?(\[[^\]]+\]|[^:/]+)(?::\d+)?", host)
    name = found[1].strip("[]") if found else ""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost"
    return address.is_loopback or address.is_unspecified


def own_host(model: str) -> str:
    """Where a model without an address of its own is called; only its provider's name where that has no one address for all."""
    if "://" in model:
        return host_of(model[model.index("http") if "http" in model else 0 :])
    provider = provider_of(model)
    return host_of(address) if (address := own_address(provider)) else provider


def place_of(model: str, api_base: Collection[str] | None) -> str:
    """What tells a model from others of its name: its addresses, without secrets; of a file, its size and when it was written."""
    if model.startswith(PREFIX):
        try:
            found = Path(model.removeprefix(PREFIX)).expanduser().stat()
        except (OSError, RuntimeError):
            return ""
        return f"{found.st_size}/{found.st_mtime_ns}"
    if api_base:
        return ",".join(sorted(map(public_address, api_base)))
    provider = provider_of(model)
    return public_address(own_address(provider) or provider)


def bound_to(model: str, api_base: str | None) -> str | None:
    """The address beyond whose host no call of a model may go; None where that is not known for sure."""
    if api_base is not None:
        return api_base
    provider = provider_of(model)
    own = OWN.get(provider, "")
    changed = own_address(provider) != f"https://{own}" or "LITELLM_PROXY_API_BASE" in os.environ
    if provider not in ONE_DOMAIN or "://" in model or changed:
        return None
    return f"https://{'.'.join(own.split('.')[-2:])}"


def own_address(provider: str) -> str | None:
    """The address of a provider: the user's variable, or the one that all its users have."""
    name = provider.upper().replace("-", "_")
    for variable in (f"{name}_API_BASE", f"{name}_BASE_URL"):
        if found := os.environ.get(variable):
            return found
    own = OWN.get(provider)
    return own if own is None or "://" in own else f"https://{own}"


def provider_of(model: str) -> str:
    """As litellm tells it, without loading that where the name says it; an empty text where it knows none."""
    if "/" in model:
        return model.partition("/")[0]
    if re.match(r"gpt-|o\d\b|text-embedding-(3|ada)", model):
        return "openai"
    if model.startswith("claude-"):
        return "anthropic"
    from ace_cli.llm.library import load_litellm

    litellm = load_litellm()
    try:
        return str(litellm.get_llm_provider(model)[1])
    except litellm.exceptions.BadRequestError:
        return ""  # there is none: the call will tell
