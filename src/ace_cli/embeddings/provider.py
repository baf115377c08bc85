"""Embedding models of a provider, through litellm (``text-embedding-3-small``, ``ollama/nomic-embed-text`` ...)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from ace_cli.llm.base import EmbeddingReply, PermanentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ace_cli.embeddings.base import Vectors

BATCH = 96
"""Texts a call; providers allow from 96 (Cohere) to 2048 (OpenAI), litellm does not split."""

Call = Callable[[Sequence[str]], Awaitable[EmbeddingReply]]


class ProviderEmbedder:
    """An embedding model of a provider.

    Args:
        model: as litellm names it.
        call: asks the provider for at most :data:`BATCH` texts; in a run this is the door that records and counts.
    """

    def __init__(self, model: str, call: Call) -> None:
        self.name = model
        self._call = call

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """See :class:`ace_cli.embeddings.base.Embedder`. A text without words is never sent: its vector is zero.

        Raises:
            ModelError: as the call does; also for vectors of unequal lengths.
        """
        import numpy as np

        sent = [position for position, text in enumerate(texts) if text.strip()]
        rows: list[Sequence[float]] = []
        for start in range(0, len(sent), BATCH):
            reply = await self._call([texts[position] for position in sent[start : start + BATCH]])
            rows += reply.vectors
        lengths = {len(row) for row in rows}
        if len(lengths) > 1:
            raise PermanentError(
                f"{self.name} gave vectors of unequal lengths: {sorted(lengths)}", kind="bad_reply"
            )
        vectors = np.zeros((len(texts), lengths.pop() if lengths else 1), dtype=np.float32)
        if rows:
            vectors[sent] = unit_rows(np.asarray(rows, dtype=np.float64))
        return vectors


def unit_rows(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row at length 1; one of zeros, or with NaN or infinity in it, is zero."""
    import numpy as np

    rows = np.where(np.isfinite(rows).all(axis=1, keepdims=True), rows, 0.0)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.float64] = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return unit
