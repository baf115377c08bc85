"""Embedders to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ace_cli.embeddings.wordllama_embedder import WordLlamaEmbedder


class CountingEmbedder(WordLlamaEmbedder):
    """Real vectors; keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def embed(self, texts: Sequence[str]) -> Any:
        self.asked += texts
        return await super().embed(texts)
