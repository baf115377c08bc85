"""What citations say of single bullets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ace_cli.evaluation.bullets import bullet_effects, most_doubtful
from ace_cli.evaluation.records import Arm, BulletEffect, Trial
from support.evaluations import trials


def cited(rows: list[tuple[float, float, str]]) -> list[Trial]:
    """Trials of (score without, score with, ids of the cited bullets)."""
    made = trials([(base, playbook) for base, playbook, _ in rows])
    return [
        replace(t, bullet_ids=tuple(rows[int(t.example_id[1:])][2].split())) if t.arm is Arm.PLAYBOOK else t
        for t in made
    ]


def by_id(rows: list[tuple[float, float, str]], *shown: str) -> dict[str, BulletEffect]:
    return {effect.bullet_id: effect for effect in bullet_effects(cited(rows), shown)}


ROWS = [
    *[(0.0, 1.0, "GOOD")] * 12,
    *[(1.0, 1.0, "GOOD EASY")] * 4,
    *[(1.0, 1.0, "EASY")] * 10,
    *[(1.0, 0.0, "BAD")] * 10,
    *[(0.0, 0.0, "")] * 12,
    (1.0, 0.0, "ONCE"),
]


def test_a_bullet_is_judged_by_the_same_examples_without_it() -> None:
    found = by_id(ROWS)
    assert (found["GOOD"].cited, found["GOOD"].base, found["GOOD"].playbook) == (16, 4 / 16, 1.0)
    assert (found["EASY"].base, found["EASY"].playbook) == (1.0, 1.0)
    assert found["GOOD"].difference.low > 0 > found["BAD"].difference.high
    assert found["GOOD"].doubt < 0.01 < 0.25 < found["EASY"].doubt < 0.99 < found["BAD"].doubt


def test_a_single_citation_does_not_shout() -> None:
    found = by_id(ROWS)
    assert found["BAD"].difference.value < found["ONCE"].difference.value - 0.2
    assert found["ONCE"].difference.low < 0 < found["ONCE"].difference.high
    assert found["EASY"].doubt < found["ONCE"].doubt < found["BAD"].doubt


def test_the_most_doubtful_are_left_out_first_and_always_the_same() -> None:
    effects = bullet_effects(cited(ROWS), ["NEVER", "GOOD"])
    assert effects == bullet_effects(list(reversed(cited(ROWS))), ["GOOD", "NEVER"])
    assert most_doubtful(effects, 1) == ("BAD",)
    assert most_doubtful(effects, 99)[-1] == effects[0].bullet_id == "GOOD"
    assert most_doubtful(reversed(effects), 3) == most_doubtful(effects, 3)
    assert [e.bullet_id for e in reversed(effects)] == list(most_doubtful(effects, 99))
    assert most_doubtful(effects, 0) == ()


def test_a_bullet_that_nobody_cites_is_reported_without_figures_of_its_own() -> None:
    never = by_id(ROWS, "NEVER")["NEVER"]
    assert (never.cited, never.base, never.playbook) == (0, None, None)
    assert never.difference.low < never.difference.value < never.difference.high


def test_repeats_that_cite_it_count_and_others_do_not() -> None:
    first = cited([(0.0, 1.0, "B1"), (0.0, 0.0, "")])
    again = [replace(t, repeat=1, bullet_ids=(), score=0.0) for t in first]
    (effect,) = bullet_effects(first + again)
    assert (effect.cited, effect.playbook) == (1, 1.0)


@pytest.mark.parametrize("rows", [[], cited([(0.0, 1.0, "B1")])[:1]])
def test_without_both_arms_there_is_nothing_to_say(rows: list[Trial]) -> None:
    assert bullet_effects(rows, ["B1"]) == ()
