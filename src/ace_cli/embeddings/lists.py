"""Nearest vectors among very many: they lie in lists, and only the lists that are nearest to the query are read.

The lists' centres are found by k-means among the vectors that there are when there are enough, with a fixed seed and one thread,
and never move again. So the same vectors in the same order lie in the same lists, whether they came one by one or all at once
(on one kind of processor: its last bits decide where k-means ends).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ace_cli.embeddings.base import Vectors

EACH = 256
"""Vectors a list when the lists are made."""

PROBED = 32
"""One of so many lists is read, and four at least."""

_TAUGHT = 32
"""Vectors a list that k-means looks at."""

_ROUNDS = 5
_BLOCK = 65_536
"""Vectors whose lists are looked up at once."""

_TIE = 1e-5
"""Centres that are no further apart than this are told apart by a sum that does not depend on what else is added."""


class Lists:
    """Vectors in lists, in the order in which they were added.

    Args:
        vectors: the first ones, shape (n, d), length 1; they decide where the lists lie.
    """

    def __init__(self, vectors: Vectors) -> None:
        import faiss
        import numpy as np

        count, dimensions = max(1, len(vectors) // EACH), vectors.shape[1]
        taught = np.ascontiguousarray(vectors[:: max(1, len(vectors) // (count * _TAUGHT))])
        means = faiss.Kmeans(dimensions, count, niter=_ROUNDS, spherical=True, seed=1, verbose=False)
        means.cp.min_points_per_centroid = 1
        means.train(taught)
        self._centres = faiss.IndexFlatIP(dimensions)
        self._centres.add(means.centroids)
        self._lists = faiss.IndexIVFFlat(self._centres, dimensions, count, faiss.METRIC_INNER_PRODUCT)
        self._lists.is_trained = True
        self._lists.nprobe = min(count, max(4, count // PROBED))
        self.d = dimensions
        self.add(vectors)

    def add(self, vectors: Vectors) -> None:
        """Append ``vectors``, shape (n, d), length 1."""
        import faiss
        import numpy as np

        for start in range(0, len(vectors), _BLOCK):
            rows = np.ascontiguousarray(vectors[start : start + _BLOCK])
            places = np.ascontiguousarray(self._places(rows))
            self._lists.add_core(len(rows), faiss.swig_ptr(rows), None, faiss.swig_ptr(places), None)

    def search(self, queries: Vectors, k: int) -> tuple[Vectors, NDArray[np.int64]]:
        """Cosines and positions of ``k`` that are near to each query, best first, shape (queries, k); -1 where there are fewer."""
        import numpy as np

        # One query a call: where many are asked at once, the sums of the centres differ in the last bit.
        found = [self._lists.search(queries[n : n + 1], k) for n in range(len(queries))]
        return np.concatenate([scores for scores, _ in found]), np.concatenate([at for _, at in found])

    def _places(self, rows: Vectors) -> NDArray[np.int64]:
        """The list of each row."""
        import numpy as np

        if self._lists.nlist == 1:
            return np.zeros(len(rows), dtype=np.int64)
        scores, places = self._centres.search(rows, 2)
        nearest: NDArray[np.int64] = places[:, 0].copy()
        if len(rows) > 1:
            for n in (scores[:, 0] - scores[:, 1] < _TIE).nonzero()[0]:
                nearest[n] = self._centres.search(rows[n : n + 1], 1)[1][0, 0]
        return nearest
