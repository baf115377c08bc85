"""A Sameness that judges a pair of lessons once: a run teaches the same again and again, beside the same bullets."""

from __future__ import annotations

from collections.abc import Sequence

from ace_cli.sameness.base import Judgement, Pair, Sameness
from ace_cli.stages.base import Ask

MOST = 50_000
"""Judgements that are kept, each with its pair some 250 bytes; with more, it begins anew."""


class RememberedSameness:
    """Gives the judgements of ``sameness``, which must depend on the pair alone.

    Not for one that asks a model: what it asks would depend on what this session has asked before, and a resumed one would pay again.
    """

    def __init__(self, sameness: Sameness) -> None:
        self._sameness = sameness
        self._judged: dict[Pair, Judgement] = {}
        self.reach = sameness.reach

    async def compare(self, pairs: Sequence[Pair], ask: Ask | None = None) -> list[Judgement]:
        """See :class:`ace_cli.sameness.base.Sameness`."""
        if len(self._judged) > MOST:
            self._judged = {}
        if new := [pair for pair in dict.fromkeys(pairs) if pair not in self._judged]:
            self._judged |= zip(new, await self._sameness.compare(new, ask), strict=True)
        return [self._judged[pair] for pair in pairs]
