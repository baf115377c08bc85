"""Embedding models of a provider, through litellm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ace_cli.llm.base import EmbeddingReply, TransientError
from ace_cli.llm.body import parse, tokens
from ace_cli.llm.endpoint import Answer, Endpoint


class EmbeddingModel:
    """The embedding model of an endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.name = endpoint.name
        self._endpoint = endpoint

    async def embed(self, texts: Sequence[str]) -> EmbeddingReply:
        """Vectors in the order of ``texts``. Nothing is retried here.

        Args:
            texts: none of them empty, at most as many as the provider takes in one call.

        Raises:
            ModelError: one of its three children, as for a chat call.
        """
        await self._endpoint.load()
        answer = await self._endpoint.call("aembedding", {"input": list(texts), "encoding_format": "float"})
        vectors, usage = self._vectors(answer, len(texts))
        counted = tokens(usage) or sum(map(self._endpoint.count_tokens, texts))
        return EmbeddingReply(
            vectors,
            prompt_tokens=counted,
            cost_usd=self.price(counted),
            seconds=answer.seconds,
        )

    def price(self, prompt_tokens: int) -> float | None:
        """US dollars, or None when the price is unknown."""
        return self._endpoint.cost(prompt_tokens, 0)

    async def close(self) -> None:
        await self._endpoint.close()

    def _vectors(self, answer: Answer, count: int) -> tuple[list[list[float]], Any]:
        """The vectors, and how many tokens the provider counted."""
        value = answer.response if answer.error is None else parse(answer.raw or b"")
        data, usage = _field(value, "data"), _field(value, "usage")
        rows: dict[int, list[float]] = {}
        for position, item in enumerate(data if isinstance(data, list) else []):
            index, vector = _field(item, "index"), _field(item, "embedding")
            if isinstance(vector, list) and vector and all(isinstance(x, int | float) for x in vector):
                rows[index if isinstance(index, int) else position] = vector
        if rows.keys() != set(range(count)):
            if answer.error is not None:
                raise self._endpoint.failure(answer.error, answer.raw)
            raise TransientError(
                f"{self.name}: {len(rows)} vectors came back for {count} texts",
                "Is it an embedding model?",
                kind="bad_reply",
                endpoint=False,
                paid=True,
            )
        return [rows[position] for position in range(count)], _field(usage, "prompt_tokens")


def _field(value: Any, name: str) -> Any:
    """``name`` of a record of litellm's or of a JSON object, or None."""
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)
