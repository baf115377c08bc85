"""The driver's part of a paid call: whether it may be made now, what it took, and how many more may be under way."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ace_cli.engine.events import (
    CallFinished,
    CallStarted,
    ConcurrencyChanged,
    Listener,
    Notice,
    ReplyReused,
    RetryScheduled,
)
from ace_cli.engine.ledger import Ledger, Quote, Reservation
from ace_cli.engine.pace import Pace
from ace_cli.engine.quota import Quota, Use
from ace_cli.engine.stop import StopController
from ace_cli.llm.base import ChatReply
from ace_cli.llm.rates import Rates
from ace_cli.llm.retry import RetryNotice
from ace_cli.runs.records import Paid, RecordedReply
from ace_cli.runs.reply_cache import ReplyCache
from ace_cli.runs.store import RunStore
from ace_cli.settings.model import ExecutionSettings

WORTH_A_WORD = 1.0
"""Seconds that calls wait for a limit before it is told (once)."""
_TOO_MANY = ("rate_limit", "overloaded")


@dataclass(slots=True)
class _Door:
    """Where new calls to one model stand in line: the first of them waits for the quota, for all of them."""

    quota: Quota
    line: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class _Try:
    """A request under way."""

    number: int
    at: float
    use: Use


class Admission:
    """When a call may go: as many at once as the pace says, as often as the limits of its model let it.

    Args:
        models: what tells the model of a role from others; roles with the same one share its limits. A role without one has none.
    """

    def __init__(
        self, execution: ExecutionSettings, models: Mapping[str, object], emit: Listener, stop: StopController
    ) -> None:
        self.pace = Pace(execution.concurrency, self._changed)
        self._emit = emit
        self._stop = stop
        self._told: set[str] = set()
        rpm, tpm = execution.max_rpm, execution.max_tpm
        doors = {model: _Door(Quota(rpm, tpm)) for model in models.values()}
        self._doors = {role: doors[model] for role, model in models.items()}
        self._elsewhere = _Door(Quota())
        self._tries: dict[int, _Try] = {}
        self._moved = asyncio.Event()

    async def wait(self, role: str, tokens: int, take: Callable[[], Reservation | None]) -> Reservation:
        """What ``take`` gives as soon as it gives something, and a call may go.

        Raises:
            AceError: what ``take`` raises, or the run is stopping and there is nothing to be had at once.
        """
        door = self._door(role)
        while True:
            async with door.line:
                while (wait := self._delay(door, tokens)) > 0:
                    await self._change(wait)
                if (reservation := take()) is not None:
                    self._begin(door, reservation, tokens)
                    return reservation
            await self._change(
                math.inf
            )  # out of line: what there is no room for may be less for the next one

    async def again(self, reservation: Reservation, tokens: int) -> None:
        """Wait until a further request of the same call may go: not in line, where the first may be waiting for this call to end."""
        door = self._door(reservation.role)
        self._end(reservation, None, None)
        while (wait := self._delay(door, tokens)) > 0:
            await self._change(wait)
        self._begin(door, reservation, tokens)

    def failed(self, reservation: Reservation, notice: RetryNotice) -> None:
        """A request gave nothing."""
        if notice.kind in _TOO_MANY:
            if notice.retry_after is not None:
                self._door(reservation.role).quota.hold(notice.retry_after)
            if (begun := self._tries.get(reservation.serial)) is not None:
                self.pace.refused(begun.number)
        self._end(reservation, None, notice.rates)

    def settled(
        self, reservation: Reservation, paid: Paid | None, rates: Rates | None, in_flight: int
    ) -> None:
        """The call is over."""
        begun = self._tries.get(reservation.serial)
        if paid is not None and begun is not None:
            self.pace.replied(begun.number, reservation.role, time.monotonic() - begun.at, in_flight)
        used = None if paid is None else paid.prompt_tokens + paid.completion_tokens
        self._end(reservation, used, rates)
        self._moved.set()

    def remember(self, role: str, tokens: int, ago: float) -> None:
        """A call of an earlier session, which the limits of a minute still count."""
        self._door(role).quota.remember(tokens, ago)

    def assume(self, calls: int, tokens: int, ago: float) -> None:
        """So many calls that were in flight when an earlier session was killed: nobody knows to which model, so each of them counts all."""
        for door in {id(door): door for door in self._doors.values()}.values():
            for _ in range(calls):
                door.quota.remember(tokens, ago)

    def _begin(self, door: _Door, reservation: Reservation, tokens: int) -> None:
        self._tries[reservation.serial] = _Try(self.pace.begun(), time.monotonic(), door.quota.take(tokens))

    def _end(self, reservation: Reservation, used: int | None, rates: Rates | None) -> None:
        if (begun := self._tries.pop(reservation.serial, None)) is not None:
            self._door(reservation.role).quota.end(begun.use, used, rates)
            self._moved.set()

    def _delay(self, door: _Door, tokens: int) -> float:
        if door.quota.is_opening:
            return math.inf
        own, told = door.quota.own_delay(tokens), door.quota.told_delay(tokens)
        if own > WORTH_A_WORD:
            self._tell("calls wait for --max-rpm or --max-tpm")
        if told > WORTH_A_WORD:
            self._tell("calls wait for the provider's rate limit, as its replies say")
        return max(own, told)

    async def _change(self, seconds: float) -> None:
        """Until something has ended, at most ``seconds``.

        Raises:
            AceError: the run is stopping.
        """
        self._moved.clear()
        await self._stop.until(self._moved, seconds if seconds < math.inf else None)

    def _door(self, role: str) -> _Door:
        return self._doors.get(role, self._elsewhere)

    def _tell(self, what: str) -> None:
        if what not in self._told:
            self._told.add(what)
            self._emit(Notice(what))

    def _changed(self, before: int, limit: int, why: str) -> None:
        self._emit(ConcurrencyChanged(before, limit, why))


class LocalDesk:
    """:class:`~ace_cli.engine.calls.Desk` in the process that holds the run."""

    def __init__(
        self,
        store: RunStore,
        ledger: Ledger,
        emit: Listener,
        stop: StopController,
        admission: Admission,
        cache: ReplyCache | None = None,
    ) -> None:
        self._cache = cache
        self._splits: dict[int, str] = {}
        self._store = store
        self._ledger = ledger
        self._emit = emit
        self._stop = stop
        self._admission = admission

    async def admit(self, quote: Quote) -> Reservation:
        self._stop.check()

        def take() -> Reservation | None:
            self._stop.check()
            if self._ledger.in_flight >= self._admission.pace.limit:
                return None
            return self._ledger.reserve(quote, self._store.session_seconds())

        reservation = await self._admission.wait(quote.role, self._ledger.expected(quote), take)
        self._emit(CallStarted(quote.role, self._ledger.in_flight))
        return reservation

    async def again(self, reservation: Reservation) -> None:
        await self._admission.again(reservation, self._ledger.expected(reservation.quote))

    async def known(self, phase: int, entry: str) -> ChatReply | None:
        if self._cache is None:
            return None
        self._stop.check()
        return self._cache.get(self._split(phase), entry)

    def retrying(self, reservation: Reservation, notice: RetryNotice) -> None:
        self._admission.failed(reservation, notice)
        self._emit(RetryScheduled(reservation.role, notice.kind, notice.attempt, notice.wait, notice.message))

    async def pause(self, seconds: float) -> None:
        await self._stop.pause(seconds)

    async def record(self, reply: RecordedReply) -> None:
        await self._store.record_reply(reply)
        if reply.reply.from_cache:
            self._ledger.reused(reply.role, reply.reply)
            self._emit(ReplyReused(reply.role, self._ledger.total))
            self._look_at_disk()
        elif self._cache is not None and reply.entry and reply.reply.text.strip():
            self._cache.put(self._split(reply.phase), reply.entry, reply.reply)

    def settle(self, reservation: Reservation, paid: Paid | None, rates: Rates | None = None) -> None:
        in_flight = self._ledger.in_flight
        self._ledger.settle(reservation, paid)
        self._admission.settled(reservation, paid, rates, in_flight)
        self._look_at_disk()
        total, in_flight = self._ledger.total, self._ledger.in_flight
        self._emit(CallFinished(reservation.role, in_flight, paid is not None, total))

    def _look_at_disk(self) -> None:
        if self._store.shortage is not None:
            self._stop.stop(self._store.shortage)

    def _split(self, phase: int) -> str:
        """What the phase is for, so that no other kind of phase reads what it was told."""
        if phase not in self._splits:
            self._splits[phase] = f"{self._store.phases().get(phase, '')}/{phase}"
        return self._splits[phase]
