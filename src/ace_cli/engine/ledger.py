"""What was spent, what is being spent, and whether the next call still fits the limits.

A limit on tokens or money holds because no call can take more than was set aside for it: its reply is given a largest length
(``Reservation.max_tokens``), and only as many calls are in flight as the sum of what is set aside allows. How long replies and
prompts are is learned from those that came.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from ace_cli.errors import LimitReached
from ace_cli.runs.records import Paid, Usage
from ace_cli.settings import LimitSettings

MARGIN = 4
"""A reply is given this many times the length of the longest one so far: to cut one off costs it."""
LONGEST = 8192
"""Tokens that a reply is given at most before the first one came: servers refuse what they have no room for."""
SHORTEST = 256
"""Tokens that a reply is given at least, where they are left."""
MEMORY = 50
"""Replies that stand for how long the next ones will be."""
KNOWN = 10
"""Replies after which the longest of them is taken for what the next ones stay within."""
FIRST_TOKENS_PER_CHARACTER = 0.5
"""Of a prompt, until one was counted (English has about 0.25)."""

Price = Callable[[int, int], float | None]
"""US dollars for (prompt, completion) tokens; None where they are unknown."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A call that is to be made: who wants it, how many characters it sends, and what tokens cost.

    ``max_tokens`` is the longest reply that the role's settings allow, None where they say nothing. ``completes`` is False for
    a call whose answer has no tokens (embeddings). ``at_least`` is a length at which its reply was cut off before, ``at_most`` one
    that the server may have room for, after it refused a longer one.
    """

    role: str
    characters: int
    price: Price
    max_tokens: int | None = None
    completes: bool = True
    at_least: int = 0
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """A call in flight, with the most that it can take. ``max_tokens`` bounds its reply where a limit needs that."""

    quote: Quote
    tokens: int
    cost: float
    max_tokens: int | None
    serial: int = 0
    """Tells it from others of the same run."""

    @property
    def role(self) -> str:
        return self.quote.role

    @property
    def length(self) -> int:
        """Tokens that the reply is given; 0 where nothing bounds it."""
        return self.max_tokens or 0

    @property
    def is_shortened(self) -> bool:
        """Whether the reply is given less than the role's settings allow."""
        return self.max_tokens is not None and self.max_tokens != self.quote.max_tokens


@dataclass(slots=True)
class _Habit:
    """What the calls of a role were seen to take."""

    completions: deque[int] = field(default_factory=lambda: deque(maxlen=MEMORY))
    tokens_per_character: float = 0.0
    ceiling: int | None = LONGEST

    def learn(self, quote: Quote, paid: Paid) -> None:
        if quote.at_most is not None:
            self.ceiling = quote.at_most
        elif self.ceiling == LONGEST:
            self.ceiling = None
        self.completions.append(paid.completion_tokens)
        if quote.characters:
            seen = paid.prompt_tokens / quote.characters
            self.tokens_per_character = max(self.tokens_per_character, seen)

    def prompt(self, characters: int) -> int:
        return round(characters * (self.tokens_per_character or FIRST_TOKENS_PER_CHARACTER)) + 1

    def usual(self) -> int:
        """The length that nine of ten replies stay within."""
        ordered = sorted(self.completions)
        return ordered[len(ordered) * 9 // 10] if ordered else 0


class Ledger:
    """Totals over the whole run (all sessions), kept in step with the store."""

    def __init__(self, limits: LimitSettings, spent: Mapping[str, Usage], earlier_seconds: float) -> None:
        self._limits = limits
        self._by_role = dict(spent)
        self._earlier_seconds = earlier_seconds
        self._reserved_tokens = 0
        self._reserved_cost = 0.0
        self._in_flight = 0
        self._habits: defaultdict[str, _Habit] = defaultdict(_Habit)
        self._serials = count(1)

    @property
    def in_flight(self) -> int:
        return self._in_flight

    @property
    def total(self) -> Usage:
        return Usage.sum(self._by_role.values())

    def reserve(self, quote: Quote, session_seconds: float) -> Reservation | None:
        """Take a call into account before it is started; None: not before one of those in flight has ended.

        Raises:
            LimitReached: it does not fit, however long it waits.
        """
        limits, spent = self._limits, self.total
        calls = spent.calls + self._in_flight
        if limits.max_calls is not None and calls + 1 > limits.max_calls:
            raise _reached("--max-calls", f"{limits.max_calls} calls", f"{spent.calls} made")
        seconds = self._earlier_seconds + session_seconds
        if limits.max_time is not None and seconds >= limits.max_time:
            raise _reached("--max-time", f"{limits.max_time:g} s", f"{seconds:.0f} s worked")
        if limits.max_tokens is None and limits.max_cost is None:
            return self._take(Reservation(quote, 0, 0.0, quote.max_tokens))
        return self._within(quote)

    def expected(self, quote: Quote) -> int:
        """Tokens that a call is not likely to pass, by its settings and by the replies so far."""
        habit = self._habits[quote.role]
        length = 0
        if quote.completes:
            seen = len(habit.completions)
            margin = MARGIN if seen < KNOWN else 1
            length = margin * max(habit.completions) if seen else LONGEST
            if quote.max_tokens is not None:
                length = min(length, quote.max_tokens)
        return habit.prompt(quote.characters) + length

    def settle(self, reservation: Reservation, paid: Paid | None) -> None:
        """The call ended: with something that was paid, or with nothing."""
        self._in_flight -= 1
        self._reserved_tokens -= reservation.tokens
        self._reserved_cost -= reservation.cost
        if paid is not None:
            self._by_role[reservation.role] = self._by_role.get(reservation.role, Usage()).plus(paid)
            self._habits[reservation.role].learn(reservation.quote, paid)

    def reused(self, role: str, reply: Paid) -> None:
        """A reply of the cache, which no limit counts."""
        self._by_role[role] = self._by_role.get(role, Usage()).plus(reply)

    def _within(self, quote: Quote) -> Reservation | None:
        """With as long a reply as it may want, or at least the usual one if nothing else is in flight."""
        habit = self._habits[quote.role]
        prompt = habit.prompt(quote.characters)
        room, flag, limit, spent = min(self._rooms(quote, prompt))
        if not quote.completes:
            wanted = needed = 0
        elif habit.completions:
            longest = max(*habit.completions, quote.at_least)
            wanted = max(MARGIN * longest, SHORTEST)
            needed = round(1.1 * max(habit.usual(), quote.at_least)) + 1
        else:  # nobody knows yet: it gets all there is, alone in flight if that is little
            wanted, needed = LONGEST, quote.at_least + 1
        bounds = [bound for bound in (quote.max_tokens, habit.ceiling, quote.at_most) if bound is not None]
        wanted, needed = min([wanted, *bounds]), min([needed, *bounds])
        if room < wanted:
            if self._in_flight:
                return None
            if room < needed:
                raise _reached(flag, limit, spent)
        length = min(wanted, room)
        cost = quote.price(prompt, length) or 0.0
        return self._take(Reservation(quote, prompt + length, cost, length if quote.completes else None))

    def _rooms(self, quote: Quote, prompt: int) -> list[tuple[int, str, str, str]]:
        """Tokens that each limit leaves for the reply, negative where not even the prompt fits; with what to say of it."""
        limits, spent, rooms = self._limits, self.total, []
        if limits.max_tokens is not None:
            left = limits.max_tokens - spent.tokens - self._reserved_tokens - prompt
            rooms.append((left, "--max-tokens", f"{limits.max_tokens} tokens", f"{spent.tokens} used"))
        if limits.max_cost is not None:
            money = spent.cost_usd or 0.0
            for_reply = limits.max_cost - money - self._reserved_cost - (quote.price(prompt, 0) or 0.0)
            each = ((quote.price(0, 1000) or 0.0) - (quote.price(0, 0) or 0.0)) / 1000
            left = -1 if for_reply < 0 else int(for_reply / each) if each else LONGEST
            rooms.append((left, "--max-cost", f"${limits.max_cost:g}", f"${money:.4f} spent"))
        return rooms

    def _take(self, reservation: Reservation) -> Reservation:
        self._in_flight += 1
        self._reserved_tokens += reservation.tokens
        self._reserved_cost += reservation.cost
        return replace(reservation, serial=next(self._serials))


def _reached(flag: str, limit: str, spent: str) -> LimitReached:
    return LimitReached(
        f"limit reached: {flag} {limit} ({spent}; the next call could exceed it)",
        f"Go on with `ace resume` and a higher {flag}.",
    )
