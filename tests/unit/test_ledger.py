"""Limits over the whole run: what is in flight counts, and so does what earlier sessions spent."""

from __future__ import annotations

from typing import Any

import pytest

from ace_cli.engine.failures import check_failures
from ace_cli.engine.ledger import Ledger, Quote
from ace_cli.engine.wiring import make_roles, priced
from ace_cli.errors import LimitReached
from ace_cli.llm.base import ChatReply
from ace_cli.runs.records import Usage
from ace_cli.settings import LimitSettings
from ace_cli.settings.layers import FLAG, Layer, fold


def price(prompt_tokens: int, completion_tokens: int) -> float:
    """A dollar per thousand tokens."""
    return (prompt_tokens + completion_tokens) / 1000


REPLY = ChatReply("", "stop", 100, 100, cost_usd=0.2)


def ledger(spent: Usage | None = None, seconds: float = 0.0, **limits: Any) -> Ledger:
    return Ledger(LimitSettings(**limits), {"generator": spent} if spent else {}, seconds)


def reserve(books: Ledger, seconds: float = 0.0, role: str = "generator") -> Any:
    return books.reserve(Quote(role, 400, price), seconds)


def taken(books: Ledger, most: int = 50) -> int:
    """How many calls can be in flight at once."""
    for count in range(most):
        try:
            if reserve(books) is None:
                return count
        except LimitReached:
            return count
    return most


def known(books: Ledger, length: int = 100) -> Ledger:
    """After one call of 100 + ``length`` tokens."""
    books.settle(reserve(books), ChatReply("", "stop", 100, length, cost_usd=price(100, length)))
    return books


def test_without_limits_everything_fits() -> None:
    assert taken(ledger()) == 50


@pytest.mark.parametrize(
    ("limits", "calls"),
    [({"max_calls": 3}, 3), ({"max_calls": 0}, 0), ({"max_tokens": 0}, 0), ({"max_cost": 0.0}, 0)],
)
def test_calls_in_flight_count_before_they_are_paid(limits: dict[str, Any], calls: int) -> None:
    assert taken(ledger(**limits)) == calls


@pytest.mark.parametrize("limits", [{"max_tokens": 10_000}, {"max_cost": 10.0}])
def test_before_lengths_are_known_one_call_gets_all_there_is(limits: dict[str, Any]) -> None:
    books = ledger(**limits)
    first = reserve(books)
    assert first.max_tokens == 8192
    assert reserve(books) is None  # not before the first has ended


@pytest.mark.parametrize("limits", [{"max_tokens": 10_200}, {"max_cost": 10.2}])
def test_then_no_more_are_in_flight_than_their_longest_replies_allow(limits: dict[str, Any]) -> None:
    books = known(ledger(**limits))
    assert taken(books) == 10_000 // (100 + 400 + 1)
    short = known(ledger(**limits), length=20)
    assert taken(short) == 10_080 // (100 + 256 + 1)


def test_near_the_limit_the_last_call_gets_what_is_left_if_the_usual_reply_fits() -> None:
    books = known(ledger(max_tokens=200 + 250))
    last = reserve(books)
    assert last.max_tokens == 149
    books.settle(last, None)
    books = known(ledger(max_tokens=200 + 180))
    with pytest.raises(LimitReached):
        reserve(books)


def test_what_the_role_allows_bounds_a_reply_too() -> None:
    books = ledger(max_tokens=10_000)
    kept = books.reserve(Quote("generator", 400, price, max_tokens=50), 0.0)
    assert kept is not None
    assert (kept.max_tokens, kept.is_shortened) == (50, False)


def test_what_a_server_has_room_for_is_remembered_once_a_reply_came() -> None:
    books = ledger(max_tokens=100_000)
    quote = Quote("generator", 400, price, at_most=1000)
    first = books.reserve(quote, 0.0)
    assert first is not None
    assert first.max_tokens == 1000
    books.settle(first, None)  # no room for that either: it may be the prompt
    assert reserve(books).max_tokens == 8192
    second = books.reserve(quote, 0.0)
    assert second is not None
    books.settle(second, ChatReply("", "stop", 100, 900, cost_usd=1.0))
    assert reserve(books).max_tokens == 1000


@pytest.mark.parametrize(
    ("limits", "flag"),
    [
        ({"max_calls": 2}, "--max-calls 2 calls (2 made"),
        ({"max_tokens": 450}, "--max-tokens 450 tokens (400 used"),
        ({"max_cost": 0.45}, "--max-cost $0.45 ($0.4000 spent"),
    ],
)
def test_what_earlier_sessions_spent_counts_and_the_flag_is_named(limits: dict[str, Any], flag: str) -> None:
    books = ledger(Usage(2, 200, 200, cost_usd=0.4), **limits)
    with pytest.raises(LimitReached) as told:
        reserve(books)
    assert told.value.message.startswith(f"limit reached: {flag}")
    assert flag.split()[0] in told.value.hint
    assert told.value.exit_code == 3


def test_time_is_counted_over_all_sessions() -> None:
    books = ledger(seconds=50, max_time=60)
    reserve(books, seconds=9.9)
    with pytest.raises(LimitReached, match="--max-time 60 s"):
        reserve(books, seconds=10)


def test_a_call_that_ends_gives_back_what_it_did_not_take() -> None:
    books = ledger(max_calls=2)
    first, second = reserve(books), reserve(books)
    books.settle(first, None)  # no reply, nothing paid
    third = reserve(books)
    books.settle(second, REPLY)
    books.settle(third, REPLY)
    assert books.in_flight == 0
    assert books.total == Usage(2, 200, 200, cost_usd=0.4)
    assert taken(books) == 0


def test_an_unknown_price_makes_the_total_unknown_not_zero() -> None:
    books = ledger()
    books.settle(reserve(books), ChatReply("", "stop", 1, 1, cost_usd=0.5))
    assert books.total.cost_usd == 0.5
    books.settle(reserve(books, role="reflector"), ChatReply("", "stop", 1, 1, cost_usd=None))
    assert books.total.cost_usd is None


@pytest.mark.parametrize(
    ("limit", "failed", "attempted", "final", "stops"),
    [
        (0, 0, 5, False, False),
        (0, 1, 5, False, True),
        (3, 3, 3, False, False),
        (3, 4, 4, False, True),
        (0.5, 1, 1, False, False),  # one of one says nothing yet
        (0.5, 9, 9, False, False),
        (0.5, 6, 10, False, True),
        (0.5, 5, 10, False, False),
        (0.5, 1, 1, True, True),
        (0.0, 1, 10, False, True),
    ],
)
def test_how_many_failures_are_too_many(
    limit: float, failed: int, attempted: int, final: bool, stops: bool
) -> None:
    found = check_failures(limit, failed, attempted, "timeout", final=final)
    assert (found is not None) is stops
    if found:
        assert found.message.startswith(f"{failed} of {attempted} examples failed (--max-failures ")
        assert found.exit_code == 1


def test_money_spent_while_the_price_was_unknown_counts_for_a_cost_limit() -> None:
    values: dict[str, object] = {"limits.max_cost": 1.0}
    for role in ("generator", "reflector"):
        values |= {
            f"models.{role}.model": "openai/scripted",
            f"models.{role}.input_price": 10.0,
            f"models.{role}.output_price": 10.0,
        }
    settings = fold([Layer("flag", FLAG, values)]).settings
    roles = make_roles(settings.models)
    earlier = {"generator": Usage(calls=3, prompt_tokens=90_000, completion_tokens=20_000, cost_usd=None)}
    spent = priced(settings, earlier, roles)
    assert spent["generator"].cost_usd == pytest.approx(1.1)
    with pytest.raises(LimitReached, match="--max-cost"):
        Ledger(settings.limits, spent, 0.0).reserve(
            Quote("generator", 5, roles["generator"].model.price), 0.0
        )
