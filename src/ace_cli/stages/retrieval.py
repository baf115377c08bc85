"""Which bullets an example sees when the playbook is larger than the prompt may be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate

from ace_cli.embeddings import Embedder, VectorIndex
from ace_cli.playbook import Bullet
from ace_cli.playbook.render import line

CONFIDENCE_WEIGHT = 0.1
"""Confidence lies in 0..1 and moves a bullet by at most this much cosine: it decides between near ones."""

_PLACES = 6

_MISSES = 20
"""As many bullets in a row that no longer fit end the search; a shorter one may still fit after a long one."""


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
        count_tokens: Callable[[str], int],
        *,
        budget_tokens: int,
        max_bullets: int | None = None,
    ) -> None:
        self._embedder = embedder
        self._count_tokens = cache(count_tokens)
        self._budget = budget_tokens
        self._max = max_bullets
        self._index: VectorIndex[str] = VectorIndex()
        self._positions: dict[str, int] = {}  # of contents in the index, all that were ever asked about
        self._lock = asyncio.Lock()

    async def select(self, candidates: Sequence[Bullet], question: str) -> tuple[Bullet, ...]:
        """All ``candidates`` if they fit, in their order; else those that serve ``question`` best, in the same order.

        Best is cosine plus :data:`CONFIDENCE_WEIGHT` times confidence; of equals the earlier one. The same
        candidates and question give the same bullets.

        Raises:
            ModelError: the embedder's.
        """
        few = self._max is None or len(candidates) <= self._max
        totals = accumulate(map(self._line_tokens, candidates))  # counted as far as the budget goes
        if few and all(total <= self._budget for total in totals):
            return tuple(candidates)
        if not self._budget or self._max == 0:
            return ()
        chosen: list[int] = []
        left, misses = self._budget, 0
        for position in await self._ranking(candidates, question):
            tokens = self._line_tokens(candidates[position])
            if tokens <= left:
                left, misses = left - tokens, 0
                chosen.append(position)
            else:
                misses += 1
            if len(chosen) == self._max or misses == _MISSES:
                break
        return tuple(candidates[position] for position in sorted(chosen))

    def _line_tokens(self, bullet: Bullet) -> int:
        return self._count_tokens(line(bullet) + "\n")

    async def _ranking(self, candidates: Sequence[Bullet], question: str) -> list[int]:
        """Positions in ``candidates``, best first."""
        import numpy as np

        async with self._lock:  # examples ask at once: the first embeds, the others find it done
            new = list(dict.fromkeys(b.content for b in candidates if b.content not in self._positions))
            if new:
                self._index.add(new, await self._embedder.embed(new))
                self._positions |= {content: n for n, content in enumerate(new, len(self._positions))}
        (query,) = await self._embedder.embed([question])
        cosines = self._index.cosines(query, [self._positions[bullet.content] for bullet in candidates])
        scores = cosines + CONFIDENCE_WEIGHT * np.array([bullet.confidence for bullet in candidates])
        positions: list[int] = np.argsort(-scores.round(_PLACES), kind="stable").tolist()
        return positions
