"""How much a model can read: what its server's list of models says, in the words of each kind of server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from ace_cli.llm.body import parse, tokens

_NAMES = (
    "max_model_len",  # vLLM, SGLang
    "context_length",  # OpenRouter, Together
    "max_context_length",  # LM Studio, Mistral
    "context_window",  # Groq
    "n_ctx",  # llama.cpp
    "max_input_tokens",
    "inputTokenLimit",
    "n_ctx_train",  # llama.cpp, of the file: the server may have been started with less
)
_MOST = 4_000_000
"""Bytes of the list; what is longer is not read."""


async def listed_context(address: str, model: str, headers: Mapping[str, str], seconds: float) -> int | None:
    """Tokens that ``model`` reads, as the list of models at ``address`` says; None where it does not, for whatever reason."""
    import httpx

    body = b""
    try:
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncClient(timeout=seconds, follow_redirects=False) as client,
            client.stream("GET", f"{address.rstrip('/')}/models", headers=headers) as response,
        ):
            if response.status_code != 200:
                return None
            async for part in response.aiter_bytes():
                body += part
                if len(body) > _MOST:
                    return None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
        return None
    return context_in(parse(body), model)


def context_in(listed: Any, model: str) -> int | None:
    """The same, of a parsed list."""
    rows = listed.get("data") if isinstance(listed, dict) else listed
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    named = [row for row in found if model in (row.get("id"), row.get("name"))]
    for row in named or (found if len(found) == 1 else []):  # a server of one model answers to any name
        for number in _numbers(row):
            return number
    return None


def _numbers(row: Mapping[str, Any]) -> Iterator[int]:
    inner = [part for part in (row.get("meta"), row.get("top_provider")) if isinstance(part, dict)]
    for name in _NAMES:
        for part in (row, *inner):
            if number := tokens(part.get(name)):
                yield number
