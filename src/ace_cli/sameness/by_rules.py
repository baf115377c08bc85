"""Near enough, and nothing in the wording that says otherwise. Calls no model. The default of runs before 0.3."""

from __future__ import annotations

from collections.abc import Sequence

from ace_cli.replies import Ask
from ace_cli.sameness.base import Judgement, Pair, Relation
from ace_cli.sameness.rules.contradiction import contradiction
from ace_cli.sameness.rules.opposition import opposed


def against(pair: Pair) -> Relation:
    """How two lessons stand to each other that the word rules keep apart."""
    return Relation.CONTRADICTS if opposed(pair.new, pair.known) else Relation.DIFFERENT


ABOVE = 0.08
"""Lessons this far above the threshold, and contradicted by nothing, are the same for sure."""


class RuleSameness:
    """The word rules of :mod:`ace_cli.sameness.rules.contradiction` over a threshold.

    Args:
        threshold: cosine from which two lessons that do not contradict each other are the same.
        below: what is below the threshold by no more than this is unsure.
    """

    def __init__(self, threshold: float = 0.8, below: float = 0.0) -> None:
        self._threshold = threshold
        self.reach = threshold - below

    async def compare(
        self,
        pairs: Sequence[Pair],
        ask: Ask | None = None,  # noqa: ARG002 - the Protocol's
    ) -> list[Judgement]:
        """See :class:`ace_cli.sameness.base.Sameness`. ``ask`` is not used."""
        return [self._judge(pair) for pair in pairs]

    def _judge(self, pair: Pair) -> Judgement:
        if reason := contradiction(pair.new, pair.known):
            return Judgement(against(pair), reason)
        if pair.similarity >= self._threshold:
            return Judgement(Relation.SAME, sure=pair.similarity >= self._threshold + ABOVE)
        return Judgement(Relation.UNSURE if pair.similarity >= self.reach else Relation.DIFFERENT)
