"""One embedding call through litellm."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from ace_cli.llm.base import PermanentError, TransientError
from ace_cli.llm.errors_map import map_error, redacted_cause
from ace_cli.llm.litellm_model import load_litellm


async def embed(
    model: str, texts: Sequence[str], *, api_base: str | None = None, timeout: float = 60.0
) -> list[list[float]]:
    """Vectors in the order of ``texts``, as the provider gave them (not normalised). Nothing is retried here.

    Args:
        model: as litellm names it; with ``api_base``, any name is asked for in OpenAI's way.
        texts: none of them empty, at most as many as the provider takes in one call.
        api_base: address of the API, if not the provider's own.
        timeout: seconds for the whole call.

    Raises:
        ModelError: one of its three children, as for a chat call.
    """
    litellm = load_litellm()
    arguments = {
        **_route(litellm, model, api_base),
        "input": list(texts),
        "api_base": api_base,
        "encoding_format": "float",
        "timeout": timeout,
        "max_retries": 0,
        "num_retries": 0,
        "no-log": True,
    }
    try:
        async with asyncio.timeout(timeout):
            reply = await litellm.aembedding(**arguments)
    except TimeoutError as error:
        raise TransientError(
            f"{model}: no vectors within {timeout:g} s", kind="timeout", endpoint=False
        ) from error
    except Exception as error:  # noqa: BLE001 - whatever litellm raises becomes one of our three
        raise map_error(error, model) from redacted_cause(error)
    return _vectors(reply, model, len(texts))


def _route(litellm: Any, model: str, api_base: str | None) -> dict[str, Any]:
    try:
        name, provider, _, _ = litellm.get_llm_provider(model, api_base=api_base)
    except litellm.exceptions.BadRequestError:
        if api_base is None:
            raise PermanentError(
                f"{model}: litellm knows no provider of this embedding model",
                "Use wordllama, or write provider/model (openai/..., ollama/...), or give --api-base.",
                kind="unknown_model",
            ) from None
        name, provider = model, "openai"
    route = {"model": f"{provider}/{name}"}
    if provider == "openai" and api_base is not None and not os.environ.get("OPENAI_API_KEY"):
        route["api_key"] = "none"  # servers at home ask for no key, but the client insists on one
    return route


def _vectors(reply: Any, model: str, count: int) -> list[list[float]]:
    rows: dict[int, list[float]] = {}
    for position, item in enumerate(getattr(reply, "data", None) or []):
        index, vector = item.get("index"), item.get("embedding")
        if isinstance(vector, list) and vector and all(isinstance(x, int | float) for x in vector):
            rows[index if isinstance(index, int) else position] = vector
    if rows.keys() != set(range(count)):
        raise TransientError(
            f"{model}: {len(rows)} vectors came back for {count} texts",
            "Is it an embedding model?",
            kind="bad_reply",
            endpoint=False,
        )
    return [rows[position] for position in range(count)]
