"""A pair of lessons is judged once, whatever comes with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ace_cli.sameness.base import Judgement, Pair, Relation
from ace_cli.stages.base import Ask
from ace_cli.stages.remembered import RememberedSameness

pairs = st.builds(Pair, st.sampled_from("abc"), st.sampled_from("abc"), st.sampled_from([0.7, 0.9]))


class ByLetters:
    """Lessons of one letter are the same if they are near; each judgement names its pair."""

    reach = 0.5

    def __init__(self) -> None:
        self.asked: list[Pair] = []

    async def compare(self, pairs: Sequence[Pair], ask: Ask | None) -> list[Judgement]:
        self.asked += pairs
        return [judgement_of(pair) for pair in pairs]


def judgement_of(pair: Pair) -> Judgement:
    is_same = pair.new == pair.known and pair.similarity > 0.8
    return Judgement(Relation.SAME if is_same else Relation.DIFFERENT, str(pair))


@given(st.lists(st.lists(pairs, max_size=12), max_size=6))
def test_judgements_are_those_of_the_sameness_and_no_pair_is_asked_about_twice(
    merges: Sequence[Sequence[Pair]],
) -> None:
    sameness = ByLetters()
    remembered = RememberedSameness(sameness)
    for merge in merges:
        assert asyncio.run(remembered.compare(merge)) == [judgement_of(pair) for pair in merge]
    assert len(sameness.asked) == len(set(sameness.asked))
    assert remembered.reach == sameness.reach
