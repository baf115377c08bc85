"""Requests and tokens a minute: what the user allows, what a provider says is left, and when it asks to be let alone.

A limit of N a minute holds for every minute there is, wherever it begins: so neither a server that looks back over sixty
seconds nor one that counts by the clock's minutes is ever asked for more. And as many count by the second, what is allowed is spread over it.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ace_cli.llm.rates import Rates, Room

Clock = Callable[[], float]

WINDOW = 61.0
"""Seconds: a minute, and one more for what lies between letting a request go and its arrival."""
BURST = 0.5
"""Seconds' worth of a limit that may go at once."""
GIVEN_BACK = 4
"""Times as much may go at once where calls took less than was expected of them."""
LONGEST_HOLD = 60.0
"""Seconds that calls wait at most for what a provider's headers say: a limit of a whole day shows itself by refusals."""


class Window:
    """At most ``limit`` units in any ``WINDOW`` seconds. What is in flight counts all the while, what has ended for a window after its end."""

    def __init__(self, limit: int, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._rate = limit / WINDOW
        self._most = max(1.0, limit / 60 * BURST)
        self._level = self._most
        self._at = clock()
        self._open = 0.0
        self._ended: deque[tuple[float, float]] = deque()
        self._sum = 0.0

    def delay(self, units: float) -> float:
        """Seconds until so many more may go; infinite where something in flight has to end first."""
        units = min(units, self._limit)
        now = self._refilled()
        room = self._limit - self._open - self._sum
        wait = 0.0
        if room < units:
            wait = math.inf
            for expires, ended in self._ended:
                room += ended
                if room >= units:
                    wait = expires - now
                    break
        need = min(units, self._most) - self._level
        return max(wait, need / self._rate if need > 1e-9 else 0.0)

    def take(self, units: float) -> None:
        self._refilled()
        self._level -= units
        self._open += units

    def end(self, taken: float, used: float, ago: float = 0.0) -> None:
        """What was ``taken`` is over, and it was ``used``; ``ago`` seconds since then."""
        now = self._refilled()
        self._open -= taken
        self._level = min(GIVEN_BACK * self._most, self._level + taken - used)
        self._ended.append((now - ago + WINDOW, used))
        self._sum += used

    def remember(self, used: float, ago: float) -> None:
        """Units that an earlier session used."""
        self._ended.append((self._clock() - ago + WINDOW, used))
        self._sum += used

    def _refilled(self) -> float:
        now = self._clock()
        self._level = max(self._level, min(self._most, self._level + (now - self._at) * self._rate))
        self._at = now
        while self._ended and self._ended[0][0] <= now:
            self._sum -= self._ended.popleft()[1]
        if not self._ended:
            self._sum = 0.0  # not what rounding left of it
        return now


@dataclass(slots=True)
class Use:
    """A request that was let go: when, as the how manieth, and what had been let go with it."""

    at: float
    number: int
    tokens: float
    sum_requests: float
    sum_tokens: float


@dataclass(slots=True)
class _Told:
    """The newest word of a provider on one of its limits: ``left`` units at the time ``at``, and more with time."""

    left: float
    back: float
    at: float
    until: float
    sum: float
    """Units that we had let go by then."""


@dataclass(slots=True)
class Quota:
    """Of one model at its address.

    ``max_rpm``, ``max_tpm``: requests and tokens a minute, None for no limit of the user's.
    """

    max_rpm: int | None = None
    max_tpm: int | None = None
    clock: Clock = time.monotonic
    _requests: Window | None = field(init=False)
    _tokens: Window | None = field(init=False)
    _told: dict[str, _Told] = field(default_factory=dict)
    _heard_of: int = 0
    _number: int = 0
    _is_known: bool = False
    _sums: list[float] = field(default_factory=lambda: [0.0, 0.0])
    _closed_until: float = -math.inf

    def __post_init__(self) -> None:
        self._requests = Window(self.max_rpm, self.clock) if self.max_rpm else None
        self._tokens = Window(self.max_tpm, self.clock) if self.max_tpm else None

    @property
    def is_opening(self) -> bool:
        """The first request opens connections, which takes a while: what goes meanwhile would arrive with it, all at once."""
        return self._number > 0 and not self._is_known and bool(self.max_rpm or self.max_tpm)

    def own_delay(self, tokens: float) -> float:
        """Seconds until a request that takes so many tokens may go, by the user's limits alone; not while it :attr:`is_opening`."""
        waits = [0.0]
        if self._requests:
            waits.append(self._requests.delay(1))
        if self._tokens:
            waits.append(self._tokens.delay(tokens))
        return max(waits)

    def told_delay(self, tokens: float) -> float:
        """The same by what the provider asks for."""
        now = self.clock()
        waits = [0.0, self._closed_until - now]
        for unit, units, total in zip(("requests", "tokens"), (1.0, tokens), self._sums, strict=True):
            told = self._told.get(unit)
            if told is None or now >= told.until:
                continue
            left = told.left + told.back * (now - told.at) - (total - told.sum)
            if left < units:
                wait = (units - left) / told.back if told.back else math.inf
                waits.append(min(wait, told.until - now))
        return max(waits)

    def take(self, tokens: float) -> Use:
        """A request goes now."""
        if self._requests:
            self._requests.take(1)
            self._requests.end(1, 1)
        if self._tokens:
            self._tokens.take(tokens)
        self._number += 1
        self._sums[0] += 1
        self._sums[1] += tokens
        return Use(self.clock(), self._number, tokens, *self._sums)

    def end(self, use: Use, used: float | None, rates: Rates | None) -> None:
        """It is answered: ``used`` tokens are known to be counted for it, None where nobody knows."""
        self._is_known = True
        if self._tokens:
            self._tokens.end(use.tokens, use.tokens if used is None else used)
        if rates is None or use.number < self._heard_of:
            return
        self._heard_of = use.number
        self._hear("requests", rates.requests, use.at, use.sum_requests)
        self._hear("tokens", rates.tokens, use.at, use.sum_tokens)

    def hold(self, seconds: float) -> None:
        """The provider asked to be let alone for so long."""
        self._closed_until = max(self._closed_until, self.clock() + seconds)

    def remember(self, tokens: float, ago: float) -> None:
        """A call of an earlier session, that ended ``ago`` seconds before."""
        if self._requests:
            self._requests.remember(1, ago)
        if self._tokens:
            self._tokens.remember(tokens, ago)

    def _hear(self, unit: str, room: Room | None, at: float, total: float) -> None:
        """Servers count a request when it comes: what they say is as of then, and what we let go since is to be taken off."""
        if room is None:
            self._told.pop(unit, None)
            return
        back = (
            (room.limit - room.remaining) / room.reset if room.reset and room.limit > room.remaining else 0.0
        )
        until = min(self.clock() + min(room.reset, LONGEST_HOLD), at + LONGEST_HOLD)
        self._told[unit] = _Told(room.remaining, back, at, until, total)
