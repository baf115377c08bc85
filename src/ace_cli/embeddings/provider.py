"""Embedding models of a provider, through litellm (``text-embedding-3-small``, ``ollama/nomic-embed-text`` ...)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ace_cli.llm.base import PermanentError
from ace_cli.llm.factory import make_embedding_model
from ace_cli.llm.retry import RetryNotice, RetryPolicy, with_retry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ace_cli.embeddings.base import Vectors

BATCH = 96
"""Texts a call; providers allow from 96 (Cohere) to 2048 (OpenAI), litellm does not split."""


class LitellmEmbedder:
    """Any embedding model that litellm knows. Wrap it in a ``CachedEmbedder``: its vectors cost money.

    Args:
        model: as litellm names it.
        api_base: address of the API, if not the provider's own.
        retry: when a failed call is tried again.
        on_retry: told before each wait.
    """

    def __init__(
        self,
        model: str,
        api_base: str | None = None,
        *,
        retry: RetryPolicy | None = None,
        on_retry: Callable[[RetryNotice], None] | None = None,
    ) -> None:
        self.name = model
        self._model = make_embedding_model(model, api_base=api_base)
        self._retry = retry or RetryPolicy()
        self._on_retry = on_retry

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """See :class:`ace_cli.embeddings.base.Embedder`. A text without words is never sent: its vector is zero.

        Raises:
            ModelError: as ``llm.embedding`` does, after retries; also for vectors of unequal lengths.
        """
        import numpy as np

        sent = [position for position, text in enumerate(texts) if text.strip()]
        rows: list[list[float]] = []
        for start in range(0, len(sent), BATCH):
            rows += await self._call([texts[position] for position in sent[start : start + BATCH]])
        lengths = {len(row) for row in rows}
        if len(lengths) > 1:
            raise PermanentError(
                f"{self.name} gave vectors of unequal lengths: {sorted(lengths)}", kind="bad_reply"
            )
        vectors = np.zeros((len(texts), lengths.pop() if lengths else 1), dtype=np.float32)
        if rows:
            vectors[sent] = _unit(np.asarray(rows, dtype=np.float64))
        return vectors

    async def _call(self, texts: Sequence[str]) -> list[list[float]]:
        tried = await with_retry(lambda: self._model.embed(texts), self._retry, on_retry=self._on_retry)
        return [list(vector) for vector in tried.value.vectors]


def _unit(rows: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    rows = np.where(np.isfinite(rows).all(axis=1, keepdims=True), rows, 0.0)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[Any] = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return unit
