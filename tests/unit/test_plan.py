"""Which examples are seen when: every one once an epoch, whatever the sizes, and what was done stays done."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ace_cli.settings import Settings
from ace_cli.training.plan import Plan, lag
from support.fuzzing import fuzzed


def plan(count: int, epochs: int = 1, size: int = 3, *, seed: int = 0, shuffle: bool = False) -> Plan:
    return Plan(((0, count),), epochs, size, seed, shuffle)


def order(made: Plan) -> list[int]:
    return [index for batch in made.batches() for index in batch.indices]


def test_batches_are_cut_epoch_by_epoch_in_dataset_order() -> None:
    found = [(b.number, b.epoch, b.first_step, b.last_step, b.indices) for b in plan(5, 2).batches()]
    assert found == [
        (0, 0, 0, 2, (0, 1, 2)),
        (1, 0, 3, 4, (3, 4)),
        (2, 1, 5, 7, (0, 1, 2)),
        (3, 1, 8, 9, (3, 4)),
    ]


def test_a_seed_gives_one_order_another_seed_and_each_epoch_another_one() -> None:
    first = order(plan(50, seed=1, shuffle=True))
    assert first == order(plan(50, seed=1, shuffle=True))
    assert first != order(plan(50, seed=2, shuffle=True))
    assert first != sorted(first)
    both = order(plan(50, 2, seed=1, shuffle=True))
    assert both[:50] == first
    assert both[50:] != first


def test_an_extension_leaves_what_was_done_as_it_is() -> None:
    before = Plan(((0, 5),), 2, 3, 7, True)
    after = Plan(((0, 5), (5, 12)), 2, 3, 7, True)
    assert list(after.batches())[: before.batch_count] == list(before.batches())
    assert sorted(order(after)[10:17]) == list(range(5, 12))


@pytest.mark.parametrize("first", range(6))
def test_a_plan_can_be_entered_anywhere(first: int) -> None:
    made = plan(8, 2, 3, seed=3, shuffle=True)
    assert list(made.batches(first)) == list(made.batches())[first:]


@fuzzed
@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=3),
    st.integers(1, 3),
    st.integers(1, 25),
    st.integers(),
    st.booleans(),
)
def test_property_every_example_is_seen_once_an_epoch(
    sizes: list[int], epochs: int, size: int, seed: int, shuffle: bool
) -> None:
    stops = [sum(sizes[: n + 1]) for n in range(len(sizes))]
    made = Plan(tuple(zip([0, *stops], stops, strict=False)), epochs, size, seed, shuffle)
    batches = list(made.batches())
    assert sorted(order(made)) == sorted(list(range(stops[-1])) * epochs)
    assert made.steps == stops[-1] * epochs
    assert [batch.number for batch in batches] == list(range(made.batch_count))
    steps = [step for b in batches for step in range(b.first_step, b.last_step + 1)]
    assert steps == list(range(made.steps))
    assert all(1 <= len(batch.indices) <= size for batch in batches)


def test_batches_start_ahead_only_when_something_was_learned() -> None:
    """Forty examples see every merge before them; then a batch may be one merge behind, after eighty two. A number holds at once."""
    training = Settings().training
    assert [lag(training, step) for step in (0, 39, 40, 79, 80, 4000)] == [0, 0, 1, 1, 2, 2]
    for fixed in (0, 2):
        assert {lag(training.model_copy(update={"lookahead": fixed}), step) for step in (0, 4000)} == {fixed}
