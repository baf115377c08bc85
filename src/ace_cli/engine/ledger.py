"""What was spent, what is being spent, and whether the next call still fits the limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ace_cli.errors import LimitReached
from ace_cli.runs.records import Paid, Usage
from ace_cli.settings import LimitSettings

ASSUMED_COMPLETION = 300
"""Completion tokens that are assumed of a role's first calls, until its own mean is known."""
CHARACTERS_PER_TOKEN = 4.0


Price = Callable[[int, int], float | None]
"""US dollars for (prompt, completion) tokens; None where they are unknown."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A call that is to be made: who wants it, how many characters it sends, and what tokens cost.

    ``completes`` is False for a call whose answer has no tokens (embeddings).
    """

    role: str
    characters: int
    price: Price
    completes: bool = True


@dataclass(frozen=True, slots=True)
class Reservation:
    """A call in flight, with what it will probably take."""

    role: str
    tokens: int
    cost: float


class Ledger:
    """Totals over the whole run (all sessions), kept in step with the store.

    Calls in flight count with what they will probably take, so a limit is overshot by no more than the
    error of those estimates.
    """

    def __init__(self, limits: LimitSettings, spent: Mapping[str, Usage], earlier_seconds: float) -> None:
        self._limits = limits
        self._by_role = dict(spent)
        self._reserved_tokens = 0
        self._reserved_cost = 0.0
        self._in_flight = 0
        self._earlier_seconds = earlier_seconds

    @property
    def in_flight(self) -> int:
        return self._in_flight

    @property
    def total(self) -> Usage:
        return Usage.sum(self._by_role.values())

    @property
    def by_role(self) -> dict[str, Usage]:
        return dict(self._by_role)

    def reserve(self, quote: Quote, session_seconds: float) -> Reservation:
        """Take a call into account before it is started.

        Raises:
            LimitReached: it does not fit.
        """
        limits, spent = self._limits, self.total
        prompt = int(quote.characters / CHARACTERS_PER_TOKEN)
        completion = self._expected_completion(quote.role) if quote.completes else 0
        cost = quote.price(prompt, completion) or 0.0 if limits.max_cost is not None else 0.0
        calls = spent.calls + self._in_flight
        if limits.max_calls is not None and calls + 1 > limits.max_calls:
            raise _reached("--max-calls", f"{limits.max_calls} calls", f"{spent.calls} made")
        tokens = spent.tokens + self._reserved_tokens
        if limits.max_tokens is not None and tokens + prompt + completion > limits.max_tokens:
            raise _reached("--max-tokens", f"{limits.max_tokens} tokens", f"{spent.tokens} used")
        money = (spent.cost_usd or 0.0) + self._reserved_cost
        if limits.max_cost is not None and money + cost > limits.max_cost:
            raise _reached("--max-cost", f"${limits.max_cost:g}", f"${spent.cost_usd or 0:.4f} spent")
        seconds = self._earlier_seconds + session_seconds
        if limits.max_time is not None and seconds >= limits.max_time:
            raise _reached("--max-time", f"{limits.max_time:g} s", f"{seconds:.0f} s worked")
        self._in_flight += 1
        self._reserved_tokens += prompt + completion
        self._reserved_cost += cost
        return Reservation(quote.role, prompt + completion, cost)

    def settle(self, reservation: Reservation, paid: Paid | None) -> None:
        """The call ended: with something that was paid, or with nothing."""
        self._in_flight -= 1
        self._reserved_tokens -= reservation.tokens
        self._reserved_cost -= reservation.cost
        if paid is not None:
            before = self._by_role.get(reservation.role, Usage())
            self._by_role[reservation.role] = before.plus(paid)

    def _expected_completion(self, role: str) -> int:
        usage = self._by_role.get(role)
        return round(usage.completion_tokens / usage.calls) if usage and usage.calls else ASSUMED_COMPLETION


def _reached(flag: str, limit: str, spent: str) -> LimitReached:
    return LimitReached(
        f"limit reached: {flag} {limit} ({spent}; calls in flight and the next one would exceed it)",
        f"Go on with `ace resume` and a higher {flag}.",
    )
