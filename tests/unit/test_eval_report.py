"""From trials to a report: pairing, clusters, domains, failures, costs, and the verdict in words."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from ace_cli.evaluation.records import Arm, Estimate, Outcome, Trial
from ace_cli.evaluation.report import report
from ace_cli.evaluation.verdict import conclude
from support.evaluations import trials

MIXED = [(0.0, 1.0)] * 14 + [(1.0, 0.0)] * 3 + [(1.0, 1.0)] * 20 + [(0.0, 0.0)] * 23


def test_both_accuracies_the_difference_and_the_test_are_of_the_same_rows() -> None:
    found = report(trials(MIXED))
    assert (found.examples, found.repeats, found.clusters) == (60, 1, None)
    assert (found.base.accuracy.value, found.playbook.accuracy.value) == pytest.approx((23 / 60, 34 / 60))
    assert found.difference.value == pytest.approx(11 / 60)
    assert found.mcnemar is not None
    assert (found.mcnemar.better, found.mcnemar.worse) == (14, 3)
    assert (len(found.better), len(found.worse)) == (14, 3)
    assert found.is_shown_to_help
    assert found.conclusion.words == "helps: +18 points, 95 % interval 5 to 31"


def test_the_order_of_the_trials_changes_nothing() -> None:
    rows = [replace(trial, cost_usd=0.1 * at, seconds=at / 7) for at, trial in enumerate(trials(MIXED))]
    shuffled = random.Random(0).sample(rows, len(rows))
    assert report(shuffled) == report(rows)


@pytest.mark.parametrize("arm", list(Arm))
def test_an_example_that_is_missing_in_one_arm_is_an_error(arm: Arm) -> None:
    left = [trial for trial in trials(MIXED) if (trial.example_id, trial.arm) != ("e7", arm)]
    with pytest.raises(ValueError, match="not paired: example 'e7'"):
        report(left)


def test_another_number_of_repeats_in_one_arm_is_an_error() -> None:
    rows = trials(MIXED) + trials(MIXED, repeat=1)
    with pytest.raises(ValueError, match="not paired: example 'e59' has 1 of 2 repeats in arm playbook"):
        report(rows[:-1])
    with pytest.raises(ValueError, match="twice"):
        report(trials(MIXED) + trials(MIXED))
    with pytest.raises(ValueError, match="no trials"):
        report([])


def test_repeats_are_averaged_first_so_the_same_answer_again_makes_nothing_surer() -> None:
    once = report(trials(MIXED))
    thrice = report([row for repeat in range(3) for row in trials(MIXED, repeat=repeat)])
    assert thrice.difference == once.difference
    assert (thrice.examples, thrice.repeats, thrice.base.trials) == (60, 3, 180)
    assert thrice.mcnemar is None


def test_rows_of_one_source_widen_the_interval() -> None:
    rows = [(0.0, 1.0)] * 20 + [(1.0, 0.0)] * 8 + [(1.0, 1.0)] * 12
    sources = [f"source {at // 4}" for at in range(40)]
    alone, grouped = report(trials(rows)), report(trials(rows, clusters=sources))
    assert grouped.clusters == 10
    assert grouped.difference.value == alone.difference.value
    assert grouped.difference.low < 0 < alone.difference.low
    assert grouped.mcnemar is None
    assert "10 clusters" in grouped.method
    few = report(trials(rows, clusters=[f"source {at // 8}" for at in range(40)]))
    assert any("5 clusters are few" in note for note in few.notes)


def test_domains_are_compared_each_on_its_own() -> None:
    rows = [replace(t, domain="tax" if int(t.example_id[1:]) % 2 else "law") for t in trials(MIXED)]
    law, tax = report(rows).domains
    assert (law.domain, tax.domain, law.examples, tax.examples) == ("law", "tax", 30, 30)
    assert law.difference.value == pytest.approx(law.playbook - law.base)
    assert law.difference.low < law.difference.value < law.difference.high


def test_failed_calls_are_wrong_and_said_apart() -> None:
    rows = [
        replace(t, failed=True, score=0.0) if t.arm is Arm.BASE and int(t.example_id[1:]) < 20 else t
        for t in trials([(1.0, 1.0)] * 40)
    ]
    found = report(rows)
    assert (found.base.failed, found.playbook.failed, found.base.right) == (20, 0, 20)
    assert found.difference.value == 0.5
    assert found.notes == (
        "failed calls count as wrong: 20 without, 0 with the playbook",
        "half or more of the difference comes from failed calls: see to them and evaluate again",
    )
    with pytest.raises(ValueError, match="failed trial"):
        Trial(example_id="e", arm=Arm.BASE, score=1.0, failed=True)


def test_what_an_answer_costs_more_with_the_playbook() -> None:
    rows = [
        replace(t, prompt_tokens=900 if t.arm is Arm.PLAYBOOK else 100, cost_usd=0.5, seconds=2.0)
        for t in trials(MIXED)
    ]
    added = report(rows).added
    assert (added.prompt_tokens, added.completion_tokens, added.cost_usd, added.seconds) == (800, 0, 0, 0)
    assert report([replace(rows[0], cost_usd=None), *rows[1:]]).added.cost_usd is None


@pytest.mark.parametrize(
    ("value", "low", "high", "min_gain", "outcome", "words"),
    [
        (0.18, 0.09, 0.27, 0.0, Outcome.HELPS, "helps: +18 points, 95 % interval 9 to 27"),
        (0.18, 0.09, 0.27, 0.05, Outcome.HELPS, "helps: +18 points, 95 % interval 9 to 27"),
        (0.01, 0.004, 0.016, 0.0, Outcome.HELPS, "helps: +1 point, 95 % interval 0.4 to 1.6"),
        (
            0.18, 0.03, 0.33, 0.05, Outcome.HELPS_LITTLE,
            "helps: +18 points, 95 % interval 3 to 33; the 5 points of --min-gain not shown",
        ),
        (
            0.03, 0.02, 0.04, 0.05, Outcome.HELPS_LITTLE,
            "helps, but less than the 5 points of --min-gain: +3 points, 95 % interval 2 to 4",
        ),
        (-0.12, -0.2, -0.04, 0.0, Outcome.HARMS, "harms: -12 points, 95 % interval -20 to -4"),
        (-0.12, -0.2, -0.04, -0.5, Outcome.HARMS, "harms: -12 points, 95 % interval -20 to -4"),
        (0.0, -0.01, 0.01, 0.0, Outcome.NO_DIFFERENCE, "makes no difference: 0 points, 95 % interval -1 to 1"),
        (
            0.05, -0.04, 0.14, 0.0, Outcome.UNCLEAR,
            "cannot tell: a gain under 12 points would not show with 60 rows (+5 points, 95 % interval -4 to 14)",
        ),
        (
            -0.05, -0.14, 0.0, 0.0, Outcome.UNCLEAR,
            "cannot tell: a gain under 12 points would not show with 60 rows (-5 points, 95 % interval -14 to 0)",
        ),
    ],
)  # fmt: skip
def test_the_verdict_says_what_the_interval_says(
    value: float, low: float, high: float, min_gain: float, outcome: Outcome, words: str
) -> None:
    found = conclude(Estimate(value, low, high), examples=60, detectable=0.12, min_gain=min_gain)
    assert (found.outcome, found.words) == (outcome, words)


def test_so_few_rows_that_nothing_would_show() -> None:
    found = report(trials([(0.0, 1.0), (0.0, 0.0)]))
    assert found.conclusion.words == (
        "cannot tell: no gain would show with 2 rows (+50 points, 95 % interval -100 to 100)"
    )
