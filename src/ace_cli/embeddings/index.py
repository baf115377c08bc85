"""Nearest vectors by cosine: faiss, extended in place. Exact, unless it may be approximate among very many."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ace_cli.embeddings.lists import Lists
from ace_cli.errors import AceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ace_cli.embeddings.base import Vector, Vectors

T = TypeVar("T")

PLACES = 6
"""Cosines are rounded to this many places, below which platforms differ in float32."""

MANY = 1 << 19
"""Vectors from which an index that may be approximate is (measured by ``benchmarks/bench_curator.py``)."""

_SPARE = 16
"""Neighbours fetched beyond the asked ones, so that rounding decides ties and not the last bit."""

_TOGETHER = 10_000
"""Vectors from which queries are asked together: a fifth of the time. What is found so is measured once more, one by one."""

_LARGE = 100_000
_ASIDE = 500_000
"""Cosines, some ten milliseconds of them, from which a search leaves the event loop alone."""


class VectorIndex(Generic[T]):
    """Items with their unit vectors, in the order in which they were added.

    With the same vectors in the same order the answer does not depend on how they were added. A vector with NaN or infinity in it
    counts as zero, and zero is near nothing (cosine 0). Cosines are rounded to :data:`PLACES` and never leave -1..1.

    Args:
        approximate_from: from so many vectors on a search may miss near ones, see :class:`ace_cli.embeddings.lists.Lists`; None for
            an exact one at any size.
    """

    def __init__(self, approximate_from: int | None = None) -> None:
        self._items: list[T] = []
        self._approximate_from = approximate_from
        self._flat: Any = None
        self._lists: Lists | None = None

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
        import faiss

        _one_thread()
        if self._lists is None:
            if self._flat is None:
                self._flat = faiss.IndexFlatIP(rows.shape[1])
            # The lists are made of the same vectors, however many come at once.
            most = None if self._approximate_from is None else self._approximate_from - len(self._items)
            self._flat.add(rows[:most])
            rows = rows[len(rows) if most is None else most :]
            if most is not None and len(items) >= most:
                self._lists = Lists(_vectors_of(self._flat))
                self._flat = None
        if self._lists is not None:
            self._lists.add(rows)
        self._items += items

    def search(self, vector: Vector, k: int, at_least: float = -1.0) -> list[tuple[T, float]]:
        """The ``k`` nearest items with their cosines, best first; equal ones in the order of adding.

        Those with a cosine below ``at_least`` are left out.
        """
        return self.search_each(vector.reshape(1, -1), k, at_least)[0]

    def search_each(self, vectors: Vectors, k: int, at_least: float = -1.0) -> list[list[tuple[T, float]]]:
        """What :meth:`search` finds for each of ``vectors``, shape (queries, d)."""
        if not self._items or k <= 0:
            return [[] for _ in vectors]
        _one_thread()
        queries, count = self._rows(vectors), min(k + _SPARE, len(self._items))
        if self._lists is None and len(queries) > 1 and len(self._items) >= _TOGETHER:
            positions = self._flat.search(queries, count)[1]
            found = [(self._scores(q, at), at) for q, at in zip(queries, positions, strict=True)]
        else:
            # One query a call: for many, faiss takes another road whose sums differ in the last bit.
            index = self._flat if self._lists is None else self._lists
            found = [(s[0], at[0]) for s, at in (index.search(q.reshape(1, -1), count) for q in queries)]
        return [self._best(scores, at, k, at_least) for scores, at in found]

    def _best(
        self, scores: Vector, positions: NDArray[np.int64], k: int, least: float
    ) -> list[tuple[T, float]]:
        import numpy as np

        scores, positions = scores[positions >= 0], positions[positions >= 0]
        cosines = _rounded(scores)
        order = np.lexsort((positions, -cosines))[:k]
        order = order[cosines[order] >= least]
        return [
            (self._items[position], cosine)
            for position, cosine in zip(positions[order].tolist(), cosines[order].tolist(), strict=True)
        ]

    def cosines(self, vector: Vector, positions: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float64]:
        """The cosines of the items that were added at ``positions`` (from 0), in that order: float64. Of an exact index."""
        import numpy as np

        wanted = np.ascontiguousarray(positions, dtype=np.int64)
        if not len(wanted):
            return np.zeros(0)
        return _rounded(self._scores(self._rows(vector.reshape(1, -1))[0], wanted))

    def _scores(self, query: Vector, positions: NDArray[np.int64]) -> Vector:
        """Not rounded; the same to the last bit as of a search for this query alone."""
        import faiss
        import numpy as np

        wanted = np.ascontiguousarray(positions)
        scores = np.empty(len(wanted), dtype=np.float32)
        self._flat.compute_distance_subset(
            1,
            faiss.swig_ptr(np.ascontiguousarray(query)),
            len(wanted),
            faiss.swig_ptr(scores),
            faiss.swig_ptr(wanted),
        )
        return scores

    def _rows(self, vectors: Vectors) -> Vectors:
        import numpy as np

        rows = np.array(vectors, dtype=np.float32, order="C")
        rows[~np.isfinite(rows).all(axis=1)] = 0
        index = self._flat if self._lists is None else self._lists
        if index is not None and rows.shape[1] != index.d:
            raise AceError(
                f"the embedder gave a vector of {rows.shape[1]} numbers after vectors of {index.d}",
                "Vectors of two embedding models do not compare: check that the model's name stands for one model.",
            )
        return rows


async def add_aside(index: VectorIndex[T], items: Sequence[T], vectors: Vectors) -> None:
    """:meth:`VectorIndex.add`; to a large index, which may have to be put in order, in a thread."""
    if len(index) + len(items) < _LARGE:
        index.add(items, vectors)
    else:
        await asyncio.to_thread(index.add, items, vectors)


async def search_aside(
    index: VectorIndex[T], vectors: Vectors, k: int, at_least: float = -1.0
) -> list[list[tuple[T, float]]]:
    """:meth:`VectorIndex.search_each`; of a large index in a thread, so that the event loop goes on meanwhile."""
    if len(index) * len(vectors) < _ASIDE:
        return index.search_each(vectors, k, at_least)
    return await asyncio.to_thread(index.search_each, vectors, k, at_least)


def _one_thread() -> None:
    """In this thread: a single query has nothing to share out, and threads that spin take the cores from the model calls."""
    import faiss

    faiss.omp_set_num_threads(1)


def _vectors_of(flat: Any) -> Vectors:
    """Those of an exact index, shape (n, d); not a copy."""
    import faiss

    rows: Vectors = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d).reshape(flat.ntotal, flat.d)
    return rows


def _rounded(scores: Vector) -> NDArray[np.float64]:
    import numpy as np

    return scores.astype(np.float64).round(PLACES).clip(-1.0, 1.0) + 0.0  # no -0.0
