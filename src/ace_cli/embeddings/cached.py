"""Vectors that were computed, or paid for, once."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ace_cli.embeddings.base import Embedder, Vector, Vectors


class VectorCache(Protocol):
    """Where vectors are kept, bound to one embedder's name."""

    def get(self, texts: Sequence[str]) -> Mapping[str, Vector]:
        """Those of ``texts`` that are known."""
        ...

    def put(self, vectors: Mapping[str, Vector]) -> Awaitable[None]:
        """Keep them. They are safe once this was awaited; they are not used before."""
        ...


class CachedEmbedder:
    """An embedder that asks ``inner`` only for texts that ``cache`` does not know, each once."""

    def __init__(self, inner: Embedder, cache: VectorCache) -> None:
        self.name = inner.name
        self._inner = inner
        self._cache = cache

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """See :class:`ace_cli.embeddings.base.Embedder`."""
        import numpy as np

        if not texts:
            return await self._inner.embed(texts)
        wanted = list(dict.fromkeys(texts))
        known = dict(self._cache.get(wanted))
        if missing := [text for text in wanted if text not in known]:
            fresh = dict(zip(missing, await self._inner.embed(missing), strict=True))
            await self._cache.put(fresh)
            known |= fresh
        return np.stack([known[text] for text in texts]).astype(np.float32, copy=False)
