"""Which bullets an example sees when the playbook is larger than the prompt may be."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ace_cli.embeddings import Embedder
from ace_cli.playbook import Bullet
from ace_cli.playbook.render import line

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONFIDENCE_WEIGHT = 0.1
"""Confidence lies in 0..1 and moves a bullet by at most this much cosine: it decides between near ones."""

_PLACES = 6

_MISSES = 20
"""As many bullets in a row that no longer fit end the search; a shorter one may still fit after a long one."""

_KEPT = 8
"""Candidate lists whose vectors are kept stacked: a few domains, of one or two versions."""

CountTokens = Callable[[str], int]


class BulletSelector:
    """Selects bullets for questions. Bullets are embedded and counted once in its life, questions once a call.

    Args:
        embedder: the one of the curator, so that a cache in it serves both.
        count_tokens: of the model that reads the bullets.
        budget_tokens: of the bullets' lines together.
        max_bullets: None for as many as fit.
    """

    def __init__(
        self,
        embedder: Embedder,
        count_tokens: CountTokens,
        *,
        budget_tokens: int,
        max_bullets: int | None = None,
    ) -> None:
        self._embedder = embedder
        self._count_tokens = count_tokens
        self._budget = budget_tokens
        self._max = max_bullets
        self._tokens: dict[str, int] = {}
        self._vectors: dict[str, NDArray[Any]] = {}
        self._lock = asyncio.Lock()
        self._matrices: deque[tuple[tuple[Bullet, ...], NDArray[Any]]] = deque(maxlen=_KEPT)

    async def select(self, candidates: Sequence[Bullet], question: str) -> tuple[Bullet, ...]:
        """All ``candidates`` if they fit, in their order; else those that serve ``question`` best, in the same order.

        Best is cosine plus :data:`CONFIDENCE_WEIGHT` times confidence; of equals the earlier one. The same
        candidates and question give the same bullets.

        Raises:
            ModelError: the embedder's.
        """
        if self.fits(candidates):
            return tuple(candidates)
        if not self._budget or self._max == 0:
            return ()
        order = await self._ranking(tuple(candidates), question)
        chosen: list[int] = []
        left, misses = self._budget, 0
        for position in order:
            tokens = self._line_tokens(candidates[position])
            if tokens > left:
                misses += 1
                if misses == _MISSES:
                    break
                continue
            misses = 0
            left -= tokens
            chosen.append(position)
            if len(chosen) == self._max:
                break
        return tuple(candidates[position] for position in sorted(chosen))

    def fits(self, candidates: Sequence[Bullet]) -> bool:
        """Whether all of them may stand in a prompt. Stops counting at the first that may not."""
        if self._max is not None and len(candidates) > self._max:
            return False
        left = self._budget
        for bullet in candidates:
            left -= self._line_tokens(bullet)
            if left < 0:
                return False
        return True

    def _line_tokens(self, bullet: Bullet) -> int:
        text = line(bullet) + "\n"
        if text not in self._tokens:
            self._tokens[text] = self._count_tokens(text)
        return self._tokens[text]

    async def _ranking(self, candidates: tuple[Bullet, ...], question: str) -> list[int]:
        """Positions in ``candidates``, best first."""
        import numpy as np

        rows = await self._matrix(candidates)
        (query,) = await self._embedder.embed([question])
        # einsum: one thread, whose sums do not depend on how many cores there are
        cosines = np.nan_to_num(np.einsum("ij,j->i", rows, query)).astype(np.float64)
        scores = cosines.round(_PLACES) + CONFIDENCE_WEIGHT * np.array(
            [bullet.confidence for bullet in candidates]
        )
        positions: list[int] = np.argsort(-scores.round(_PLACES), kind="stable").tolist()
        return positions

    async def _matrix(self, candidates: tuple[Bullet, ...]) -> NDArray[Any]:
        """Vectors of ``candidates``, shape (len, d). The examples of a batch share one, so it is kept."""
        import numpy as np

        async with self._lock:  # examples ask at once: the first embeds, the others find it done
            for known, rows in self._matrices:
                if known == candidates:
                    return rows
            missing = list(dict.fromkeys(b.content for b in candidates if b.content not in self._vectors))
            if missing:
                self._vectors.update(zip(missing, await self._embedder.embed(missing), strict=True))
            rows = np.stack([self._vectors[bullet.content] for bullet in candidates])
            self._matrices.append((candidates, rows))
            return rows
