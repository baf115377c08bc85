"""Which versions are validated, how rows are cut in two, and the interval of the running check."""

from __future__ import annotations

import pytest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from ace_cli.engine.heldout import halves
from ace_cli.training.check import Check, Share
from ace_cli.training.plan import Plan
from ace_cli.training.validation import due_versions
from support.builders import examples


@pytest.mark.parametrize(
    ("rows", "batch_size", "epochs", "every", "due"),
    [
        (100, 10, 1, None, {0, 3, 5, 8, 10}),
        (20, 10, 1, None, {0, 1, 2}),
        (10, 10, 1, None, {0, 1}),
        (40, 10, 2, None, {0, 2, 4, 6, 8}),
        (100, 10, 1, 4, {0, 4, 8, 10}),
        (100, 10, 1, 50, {0, 10}),
    ],
)
def test_the_start_the_end_and_what_is_asked_for_are_validated(
    rows: int, batch_size: int, epochs: int, every: int | None, due: set[int]
) -> None:
    assert due_versions(Plan(((0, rows),), epochs, batch_size, 0, False), every) == due


@pytest.mark.parametrize("every", [None, 3])
def test_a_longer_plan_keeps_what_was_due(every: int | None) -> None:
    plan = Plan(((0, 70),), 1, 10, 0, False)
    longer = Plan(((0, 70), (70, 120)), 1, 10, 0, False)
    assert due_versions(plan, every) < due_versions(longer, every)
    assert max(due_versions(longer, every)) == longer.batch_count


def test_the_cut_depends_on_seed_and_rows_and_not_on_their_order() -> None:
    rows = examples(21)
    first, second = halves(rows, seed=1)
    assert (len(first), len(second)) == (11, 10)
    assert sorted([*first, *second], key=rows.index) == rows
    turned = halves(rows[::-1], seed=1)
    assert set(turned[0]) == set(first)
    assert set(halves(rows, seed=2)[0]) != set(first)


@pytest.mark.parametrize("start", [(4, 0), (10, 4), (40, 40), (7, 3)])
@pytest.mark.parametrize("end", [(6, 6), (15, 12), (25, 0), (9, 1)])
def test_the_interval_of_the_running_check_is_that_of_newcombe(
    start: tuple[int, int], end: tuple[int, int]
) -> None:
    check = Check(Share(*start), Share(*end))
    expected = confint_proportions_2indep(
        end[1], end[0], start[1], start[0], method="newcomb", compare="diff"
    )
    assert (check.difference.low, check.difference.high) == pytest.approx(expected, abs=1e-9)
    assert check.end.interval == pytest.approx(proportion_confint(end[1], end[0], method="wilson"), abs=1e-9)
