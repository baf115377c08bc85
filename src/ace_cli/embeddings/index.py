"""Nearest vectors by cosine: faiss, exact, extended in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ace_cli.errors import AceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ace_cli.embeddings.base import Vector, Vectors

T = TypeVar("T")

PLACES = 6
"""Cosines are rounded to this many places, below which platforms differ in float32."""

_SPARE = 16
"""Neighbours fetched beyond the asked ones, so that rounding decides ties and not the last bit."""


class VectorIndex(Generic[T]):
    """Items with their unit vectors, in the order in which they were added.

    Exact search: with the same vectors, the answer does not depend on how they were added. A vector with NaN or
    infinity in it counts as zero, and zero is near nothing (cosine 0). Cosines are rounded to :data:`PLACES` and never
    leave -1..1.
    """

    def __init__(self) -> None:
        self._items: list[T] = []
        self._index: Any = None

    def __len__(self) -> int:
        return len(self._items)

    def add(self, items: Sequence[T], vectors: Vectors) -> None:
        """Append ``items`` with their vectors, shape (len(items), d).

        Raises:
            AceError: ``d`` is not that of the vectors so far.
        """
        if not items:
            return
        rows = self._rows(vectors)
        if len(rows) != len(items):
            raise ValueError(f"{len(items)} items with {len(rows)} vectors")
        if self._index is None:
            import faiss

            # A single query has nothing to share out, and threads that spin take the cores from the model calls.
            faiss.omp_set_num_threads(1)
            self._index = faiss.IndexFlatIP(rows.shape[1])
        self._index.add(rows)
        self._items += items

    def search(self, vector: Vector, k: int, at_least: float = -1.0) -> list[tuple[T, float]]:
        """The ``k`` nearest items with their cosines, best first; equal ones in the order of adding.

        Those with a cosine below ``at_least`` are left out.
        """
        import numpy as np

        if not self._items or k <= 0:
            return []
        # One query a call: for many, faiss takes another road whose sums differ in the last bit.
        query = self._rows(vector.reshape(1, -1))
        scores, positions = self._index.search(query, min(k + _SPARE, len(self._items)))
        cosines = _rounded(scores[0])
        order = np.lexsort((positions[0], -cosines))[:k]
        order = order[cosines[order] >= at_least]
        return [
            (self._items[position], cosine)
            for position, cosine in zip(positions[0][order].tolist(), cosines[order].tolist(), strict=True)
        ]

    def cosines(self, vector: Vector, positions: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float64]:
        """The cosines of the items that were added at ``positions`` (from 0), in that order: float64."""
        import numpy as np

        wanted = np.ascontiguousarray(positions, dtype=np.int64)
        if not len(wanted):
            return np.zeros(0)
        import faiss

        query = self._rows(vector.reshape(1, -1))
        scores = np.empty(len(wanted), dtype=np.float32)
        self._index.compute_distance_subset(
            1, faiss.swig_ptr(query), len(wanted), faiss.swig_ptr(scores), faiss.swig_ptr(wanted)
        )
        return _rounded(scores)

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


def _rounded(scores: Vector) -> NDArray[np.float64]:
    import numpy as np

    return scores.astype(np.float64).round(PLACES).clip(-1.0, 1.0) + 0.0  # no -0.0
