"""Vectors that were computed, or paid for, once."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ace_cli.embeddings.base import Embedder, Vectors


class VectorCache(Protocol):
    """Where vectors are kept, bound to one embedder's name. A vector is float32 of shape (d,)."""

    def get(self, texts: Sequence[str]) -> Mapping[str, NDArray[Any]]:
        """Those of ``texts`` that are known."""
        ...

    def put(self, vectors: Mapping[str, NDArray[Any]]) -> Awaitable[None] | None:
        """Keep them. If something comes back, they are safe once it was awaited; they are not used before."""
        ...


class MemoryCache:
    """A :class:`VectorCache` for the life of the process."""

    def __init__(self) -> None:
        self._vectors: dict[str, NDArray[Any]] = {}

    def get(self, texts: Sequence[str]) -> Mapping[str, NDArray[Any]]:
        return {text: self._vectors[text] for text in texts if text in self._vectors}

    def put(self, vectors: Mapping[str, NDArray[Any]]) -> None:
        self._vectors.update(vectors)


class CachedEmbedder:
    """An embedder that asks ``inner`` only for texts that ``cache`` does not know, each once."""

    def __init__(self, inner: Embedder, cache: VectorCache) -> None:
        self.name = inner.name
        self._inner = inner
        self._cache = cache

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """See :class:`ace_cli.embeddings.base.Embedder`."""
        import numpy as np

        wanted = list(dict.fromkeys(texts))
        known = dict(self._cache.get(wanted))
        missing = [text for text in wanted if text not in known]
        if missing or not wanted:
            vectors = await self._inner.embed(missing)
            if not wanted:
                return vectors
            fresh = dict(zip(missing, vectors, strict=True))
            if (written := self._cache.put(fresh)) is not None:
                await written
            known.update(fresh)
        return np.stack([known[text] for text in texts]).astype(np.float32, copy=False)
