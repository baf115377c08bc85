"""Nearest vectors by cosine: faiss, exact, extended in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ace_cli.errors import AceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ace_cli.embeddings.base import Vectors

PLACES = 6
"""Cosines are rounded to this many places, below which platforms differ in float32."""

_SPARE = 16
"""Neighbours fetched beyond the asked ones, so that rounding decides ties and not the last bit."""


class VectorIndex:
    """Ids with their unit vectors, in the order in which they were added.

    Exact search: with the same vectors, the answer does not depend on how they were added. A vector with NaN or
    infinity in it counts as zero, and zero is near nothing (cosine 0).
    """

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._position: dict[str, int] = {}
        self._index: Any = None

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, item: str) -> bool:
        return item in self._position

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._ids)

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Append ``vectors``, shape (len(ids), d).

        Raises:
            ValueError: an id is there already (a bug of the caller).
            AceError: ``d`` is not that of the vectors so far.
        """
        if len(ids) != len(vectors) or len(set(ids)) != len(ids) or any(i in self._position for i in ids):
            raise ValueError("ids must be new, unique and as many as vectors")
        if not ids:
            return
        rows = self._rows(vectors)
        if self._index is None:
            import faiss

            # A single query has nothing to share out, and threads that spin take the cores from the model calls.
            faiss.omp_set_num_threads(1)
            self._index = faiss.IndexFlatIP(rows.shape[1])
        self._index.add(rows)
        for item in ids:
            self._position[item] = len(self._ids)
            self._ids.append(item)

    def search(self, vector: NDArray[Any], k: int) -> list[tuple[str, float]]:
        """The ``k`` nearest ids with their cosines, best first; equal ones in the order of adding.

        Cosines are rounded to :data:`PLACES` and never leave -1..1.
        """
        if self._index is None or k <= 0:
            return []
        count = len(self._ids)
        # One query a call: for many, faiss takes another road whose sums differ in the last bit.
        scores, positions = self._index.search(self._rows(vector.reshape(1, -1)), min(k + _SPARE, count))
        found = sorted(
            (-max(-1.0, min(1.0, round(float(score), PLACES))), int(position))
            for score, position in zip(scores[0], positions[0], strict=True)
            if position >= 0
        )
        return [(self._ids[position], -score + 0.0) for score, position in found[:k]]

    def vector(self, item: str) -> NDArray[Any]:
        """The vector of an id, shape (d,)."""
        vector: NDArray[Any] = self._index.reconstruct(self._position[item])
        return vector

    def _rows(self, vectors: Vectors) -> Vectors:
        import numpy as np

        rows = np.array(vectors, dtype=np.float32, order="C")
        rows[~np.isfinite(rows).all(axis=1)] = 0
        if self._index is not None and rows.shape[1] != self._index.d:
            raise AceError(
                f"the embedder gave a vector of {rows.shape[1]} numbers after vectors of {self._index.d}",
                "Vectors of two embedding models do not compare: check that the model's name stands for one model.",
            )
        return rows
