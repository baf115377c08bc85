"""One worker as the driver sees it: the examples that it has, and what was promised to it for them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from ace_cli.engine.calls import Desk
from ace_cli.engine.example import ExampleJob, Outcome
from ace_cli.engine.executor.letters import (
    Admit,
    Admitted,
    Again,
    Answer,
    Cancel,
    Done,
    FromWorker,
    Known,
    OfErrand,
    Pause,
    Record,
    Retrying,
    Settle,
    Told,
    ToWorker,
    Work,
    unpriced,
)
from ace_cli.engine.ledger import Price, Reservation
from ace_cli.errors import AceError
from ace_cli.llm.base import ChatReply
from ace_cli.runs.records import RecordedReply

Send = Callable[[ToWorker], None]


class WorkerLost(Exception):
    """A worker that died, or was silent for too long; its examples can be given to another one."""


class Post(Protocol):
    """How a worker is reached. Whatever is awaited raises :class:`WorkerLost` when it is lost."""

    async def open(self) -> AceError | None:
        """Wait until it has begun and made its stages; the error that this ended with."""
        ...

    async def deliver(self, letters: Sequence[ToWorker]) -> None: ...

    async def collect(self) -> Sequence[FromWorker]:
        """Its next letters, however long that takes."""
        ...

    async def pulse(self) -> None:
        """Answered as long as it is alive."""
        ...

    def end(self) -> None:
        """End the process; it may have ended already."""
        ...


class Errand:
    """An example on its way, at the driver's :class:`~ace_cli.engine.calls.Desk`.

    ``result`` is set once: to the outcome, to the error that stops the run, or to :class:`WorkerLost`.
    """

    def __init__(
        self, number: int, job: ExampleJob, desk: Desk, prices: Mapping[str, Price], send: Send
    ) -> None:
        self.number = number
        self.job = job
        self.result: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._desk = desk
        self._prices = prices
        self._send = send
        self._open: dict[int, Reservation] = {}
        self._recorded: dict[str, ChatReply] = {}
        self._unsettled: list[RecordedReply] = []
        self._waiting: set[asyncio.Task[None]] = set()
        self._writing: set[asyncio.Task[None]] = set()

    def handle(self, letter: OfErrand) -> None:
        match letter:
            case Admit():
                self._start(self._waiting, letter.call, partial(self._admit, letter))
            case Again():
                self._start(self._waiting, letter.call, partial(self._again, letter))
            case Known():
                self._start(self._waiting, letter.call, partial(self._known, letter))
            case Pause():
                self._start(self._waiting, letter.call, partial(self._pause, letter))
            case Record():
                self._start(self._writing, letter.call, partial(self._record, letter))
            case Retrying():
                self._desk.retrying(self._open[letter.number], letter.notice)
            case Settle():
                if letter.paid is not None:
                    self._unsettled = [r for r in self._unsettled if r.reply != letter.paid]
                self._desk.settle(self._open.pop(letter.number), letter.paid, letter.rates)
            case Done():
                self._end(letter.result)

    async def lost(self) -> None:
        """The worker is gone: what it was promised is taken back, what it paid is kept for whoever goes on."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, *self._writing, return_exceptions=True)
        self.close()
        if not self.result.done():
            self.result.set_exception(WorkerLost())

    def close(self) -> None:
        """Settle what is open: with the reply that is on record, or with nothing."""
        for task in self._waiting:
            task.cancel()
        for reservation in self._open.values():
            of_role = [r for r in self._unsettled if r.role == reservation.role]
            if of_role:
                self._unsettled.remove(of_role[0])
            self._desk.settle(reservation, of_role[0].reply if of_role else None)
        self._open.clear()

    @property
    def rest(self) -> ExampleJob:
        """The job, with all that is on record for it: to be asked no more."""
        return replace(self.job, recorded={**self.job.recorded, **self._recorded})

    def _start(
        self,
        tasks: set[asyncio.Task[None]],
        call: int,
        do: Callable[[], Awaitable[Admitted | ChatReply | None]],
    ) -> None:
        """Do what a call asks for, beside the others, and answer it."""

        async def answered() -> None:
            try:
                value: Admitted | ChatReply | AceError | None = await do()
            except AceError as error:
                value = error
            except Exception as error:  # noqa: BLE001 - a bug of ours: whoever waits for the example meets it
                if not self.result.done():
                    self.result.set_exception(error)
                return
            self._send(Answer(call, value))

        task = asyncio.create_task(answered())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _admit(self, letter: Admit) -> Admitted:
        quote = replace(letter.quote, price=self._prices[letter.quote.role])
        reservation = await self._desk.admit(quote)
        self._open[letter.call] = reservation
        return Admitted(letter.call, replace(reservation, quote=replace(quote, price=unpriced)))

    async def _again(self, letter: Again) -> None:
        await self._desk.again(self._open[letter.number])

    async def _known(self, letter: Known) -> ChatReply | None:
        return await self._desk.known(letter.phase, letter.entry)

    async def _pause(self, letter: Pause) -> None:
        await self._desk.pause(letter.seconds)

    async def _record(self, letter: Record) -> None:
        await self._desk.record(letter.reply)
        self._recorded[letter.reply.key] = letter.reply.reply
        if not letter.reply.reply.from_cache:  # nothing was admitted for it
            self._unsettled.append(letter.reply)

    def _end(self, result: Outcome | AceError) -> None:
        if self.result.done():
            return
        if isinstance(result, AceError):
            self.result.set_exception(result)
        else:
            self.result.set_result(result)


class Member:
    """A worker that has begun.

    Args:
        silence: seconds without a pulse after which it is taken for lost.
        tell: gets what the user should know of its models.
    """

    def __init__(
        self,
        post: Post,
        desk: Desk,
        prices: Mapping[str, Price],
        silence: float,
        tell: Callable[[str], None],
    ) -> None:
        self._tell = tell
        self._post = post
        self._desk = desk
        self._prices = prices
        self._silence = silence
        self._errands: dict[int, Errand] = {}
        self._numbers = 0
        self._letters: list[ToWorker] = []
        self._sending: set[asyncio.Task[None]] = set()
        self.is_lost = False

    @property
    def load(self) -> int:
        """Examples that it has."""
        return len(self._errands)

    async def work(self, job: ExampleJob) -> Errand:
        """Hand it an example; returns when something has come of it, in the errand's ``result``."""
        self._numbers += 1
        errand = Errand(self._numbers, job, self._desk, self._prices, self._send)
        self._errands[errand.number] = errand
        self._send(Work(errand.number, job))
        try:
            await asyncio.wait([errand.result])
        finally:
            if self._errands.pop(errand.number, None) is not None:
                if not errand.result.done():  # the run is being cut off
                    errand.result.cancel()
                    self._send(Cancel(errand.number))
                errand.close()
        return errand

    async def serve(self) -> None:
        """Exchange letters until it is lost.

        Raises:
            WorkerLost: its examples have been told.
        """
        parts = [asyncio.create_task(self._collect()), asyncio.create_task(self._watch())]
        try:
            await asyncio.gather(*parts)
        finally:
            for task in parts:
                task.cancel()
            self.is_lost = True
            errands = list(self._errands.values())
            self._errands.clear()
            await asyncio.gather(*(errand.lost() for errand in errands))

    async def _collect(self) -> None:
        while True:
            for letter in await self._post.collect():
                if isinstance(letter, Told):
                    self._tell(letter.message)
                    continue
                errand = self._errands.get(letter.errand)
                if errand is not None:  # else it was cut off
                    errand.handle(letter)

    async def _watch(self) -> None:
        while True:
            try:
                await asyncio.wait_for(self._post.pulse(), self._silence)
            except TimeoutError:
                raise WorkerLost(f"silent for {self._silence:g} s") from None
            await asyncio.sleep(self._silence / 4)

    def _send(self, letter: ToWorker) -> None:
        """With whatever else is written in this turn of the loop."""
        self._letters.append(letter)
        if len(self._letters) == 1 and not self.is_lost:
            task = asyncio.create_task(self._deliver())
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _deliver(self) -> None:
        letters, self._letters = self._letters, []
        with contextlib.suppress(WorkerLost):  # who collects notices
            await self._post.deliver(letters)
