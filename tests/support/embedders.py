"""Embedders to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ace_cli.embeddings.wordllama_embedder import WordLlamaEmbedder


class CountingEmbedder(WordLlamaEmbedder):
    """Real vectors; keeps what it was asked. Its name is its own, so texts are embedded whole, as a provider's are."""

    name = "counting"

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def embed(self, texts: Sequence[str]) -> Any:
        self.asked += texts
        return await super().embed(texts)


class MemoryCache:
    """Vectors kept for the life of the test."""

    def __init__(self) -> None:
        self.vectors: dict[str, Any] = {}

    def get(self, texts: Sequence[str]) -> Mapping[str, Any]:
        return {text: self.vectors[text] for text in texts if text in self.vectors}

    async def put(self, vectors: Mapping[str, Any]) -> None:
        self.vectors.update(vectors)
