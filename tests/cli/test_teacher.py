"""A teacher repeats itself, contradicts itself and says nothing: what becomes of it in a playbook, counted by name.

The limits are what is reached, rounded up; lessons of the teacher taught nobody (``benchmarks/sameness`` has texts of its own).
"""

from __future__ import annotations

import pytest

from support.inside import Inside
from support.teacher import lessons, train

pytestmark = pytest.mark.patient


@pytest.mark.parametrize(("curator", "bullets"), [("auto", 1.1), ("semantic", 2.6)])
def test_rules_of_a_teacher_are_kept_and_hardly_repeated(
    inside: Inside, curator: str, bullets: float
) -> None:
    """24 rules in 8 wordings each; of all lessons a fifth are empty, a tenth say the opposite of a rule."""
    kept = train(inside, lessons("rules", vacuous=0.2), "rules", curator=curator)
    assert len(kept.bullets) == 24
    assert not kept.lost
    assert kept.each <= bullets
    assert not kept.opposites
    assert max(kept.vacuous.values(), default=0) <= 1


@pytest.mark.parametrize("curator", ["auto", "semantic"])
def test_related_facts_do_not_swallow_each_other(inside: Inside, curator: str) -> None:
    """Ten facts in each of six topics, in three wordings."""
    kept = train(inside, lessons("facts"), "facts", curator=curator)
    assert len(kept.bullets) == 60
    assert not kept.lost
    assert len(kept.wrong) <= 0.01 * kept.merges
