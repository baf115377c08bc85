"""How many calls are in flight: a number of the user's, or one that is found while the run goes on.

Where it is found (``auto``), it grows while more calls at once give more replies a second, and goes back when a provider refuses or becomes slower. Replies are
counted by the usual time of their role, so that a phase with other roles is not taken for a slower provider.

What is in flight never decides what the playbook becomes, only when.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

from ace_cli.settings.values import AUTO, FIRST_IN_FLIGHT, MOST_IN_FLIGHT

FULL = 0.85
"""Share of the limit that is in flight, on the average, where the limit is what holds the run up."""
WORTH = 0.4
"""Of what more calls could give at best, the share that shows that they are of use."""
SLOWER = 0.6
"""What is left of the throughput where a provider is called slower."""
SHORTEST_ROUND = 24
"""Replies from which a throughput is judged: fewer say little."""
PATIENCE = 3
"""Rounds until the next try to go higher, after one that was of no use or was refused; doubled each time."""
MOST_PATIENCE = 48
LEARNED_FROM = 50
"""Replies of a role that say what its usual time is."""

Changed = Callable[[int, int, str], None]
"""Told of the limit before, the one from now on, and why."""


@dataclass(slots=True)
class _Round:
    """What was seen since a moment, of calls that began after ``after``."""

    after: int
    begun: float | None = None
    replies: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0

    def add(self, role: str, in_flight: int, now: float) -> None:
        if self.begun is None:
            self.begun = now  # the first reply starts the clock
            return
        self.replies[role] += 1
        self.in_flight += in_flight


class Pace:
    """The limit on calls in flight, and the places of the examples that make them.

    Args:
        concurrency: the user's number, which is obeyed, or ``auto``.
        changed: told of each change.
    """

    def __init__(
        self, concurrency: int | str, changed: Changed, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.is_fixed = concurrency != AUTO
        self.limit = FIRST_IN_FLIGHT if concurrency == AUTO else int(concurrency)
        self.slots = Slots(self.limit)
        self._changed = changed
        self._clock = clock
        self._newest = 0
        self._cut_at = 0
        self._is_cut = False
        self._round = _Round(0)
        self._usual: dict[str, tuple[int, float]] = {}
        self._proven: tuple[int, Counter[str], float] | None = None
        self._is_starting = True
        self._patience = PATIENCE
        self._rounds_to_wait = 0

    def begun(self) -> int:
        """A request goes now; its number."""
        self._newest += 1
        return self._newest

    def replied(self, number: int, role: str, seconds: float, in_flight: int) -> None:
        """It was answered after ``seconds``; so many calls were in flight, it included."""
        count, usual = self._usual.get(role, (0, 0.0))
        if count < LEARNED_FROM:
            self._usual[role] = count + 1, usual + (seconds - usual) / (count + 1)
        if number > self._cut_at:
            self._is_cut = False
        if self.is_fixed or number <= self._round.after:
            return
        now = self._clock()
        self._round.add(role, in_flight, now)
        if sum(self._round.replies.values()) >= max(2 * self.limit, SHORTEST_ROUND):
            self._judge(self._round, now)

    def refused(self, number: int) -> None:
        """It was answered with: too many. As long as nothing that began later gets through, it is the same episode."""
        if self.is_fixed or self._is_cut or number <= self._cut_at:
            return
        self._cut_at, self._is_cut = self._newest, True
        self._step_back(math.floor(0.7 * self.limit), "the provider refuses more")
        self._round = _Round(self._newest)

    def _judge(self, seen: _Round, now: float) -> None:
        """At the end of a round: higher, back, or as before."""
        self._round = _Round(self._newest)
        count = sum(seen.replies.values())
        elapsed = max(now - (seen.begun or now), 1e-9)
        if seen.in_flight < FULL * self.limit * count:
            return  # it is not the limit that holds the run up
        before, self._proven = self._proven, (self.limit, seen.replies, elapsed)
        if before is None:
            self._try_more()
            return
        gain = self._work(seen.replies) / elapsed / max(self._work(before[1]) / before[2], 1e-9)
        if self.limit > before[0]:
            if gain - 1 >= WORTH * (self.limit / before[0] - 1):
                self._patience = PATIENCE
                self._try_more()
            else:
                self._proven = before
                self._step_back(before[0], "more at once give no more replies", before)
        elif gain < SLOWER:
            self._step_back(math.floor(0.75 * self.limit), "the provider has become slower")
        else:
            self._try_more()

    def _work(self, replies: Counter[str]) -> float:
        """Seconds of usual replies."""
        return sum(count * self._usual[role][1] for role, count in replies.items())

    def _try_more(self) -> None:
        if self._rounds_to_wait:
            self._rounds_to_wait -= 1
            return
        more = self.limit if self._is_starting else max(1, self.limit // 4)
        self._set(self.limit + more, "replies come as fast")

    def _step_back(self, limit: int, why: str, proven: tuple[int, Counter[str], float] | None = None) -> None:
        self._is_starting = False
        self._rounds_to_wait = self._patience
        self._patience = min(2 * self._patience, MOST_PATIENCE)
        self._proven = proven
        self._set(limit, why)

    def _set(self, limit: int, why: str) -> None:
        before, self.limit = self.limit, min(max(limit, 1), MOST_IN_FLIGHT)
        if self.limit != before:
            self.slots.resize(self.limit)
            self._changed(before, self.limit, why)


class Slots:
    """Places for examples in work, given in the order in which they are asked for; their number may change."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def resize(self, count: int) -> None:
        """Nobody loses a place that he has."""
        self._count = count
        self._give()

    async def __aenter__(self) -> None:
        if self._taken < self._count and not self._waiting:
            self._taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was given, and is not wanted any more
                self._taken -= 1
                self._give()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._taken -= 1
        self._give()

    def _give(self) -> None:
        while self._waiting and self._taken < self._count:
            turn = self._waiting.popleft()
            if not turn.done():
                self._taken += 1
                turn.set_result(None)
