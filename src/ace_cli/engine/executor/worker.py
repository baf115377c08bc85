"""The worker's end: works on examples in a process of its own, and asks the driver's desk before and after every call.

It has models and stages, but no store, no ledger and no word in whether the run goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TypeVar

from ace_cli._version import __version__
from ace_cli.engine.calls import Caller, Role
from ace_cli.engine.example import ExampleJob, Outcome
from ace_cli.engine.executor.letters import (
    Admit,
    Admitted,
    Again,
    Answer,
    Call,
    Cancel,
    Done,
    FromWorker,
    Known,
    Pause,
    Record,
    Retrying,
    Settle,
    Told,
    ToWorker,
    Work,
    unpriced,
)
from ace_cli.engine.executor.local import work_on
from ace_cli.engine.ledger import Quote, Reservation
from ace_cli.engine.wiring import StageSpec, make_roles
from ace_cli.errors import AceError, UsageError
from ace_cli.import_path import leave_working_directory, look_in
from ace_cli.llm.base import ChatReply
from ace_cli.llm.factory import warm
from ace_cli.llm.rates import Rates
from ace_cli.llm.retry import RetryNotice, RetryPolicy
from ace_cli.runs.records import Paid, RecordedReply
from ace_cli.stages.base import Stages

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kit:
    """What a worker needs to begin. It holds keys, so it is only ever sent from process to process.

    ``stages`` is a pickled :class:`~ace_cli.engine.wiring.StageSpec`: it may need modules that are found in ``paths`` alone.
    ``environment`` are the variables of the driver that its models' providers look at.
    """

    folder: str
    paths: tuple[str, ...]
    environment: Mapping[str, str]
    stages: bytes
    policy: RetryPolicy


class Worker:
    """One process that works on many examples at once. An executor sends it a kit in pieces, opens it, and exchanges letters."""

    def __init__(self) -> None:
        self._kit = b""
        self._mail = _Mail()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._stages: Stages
        self._roles: Mapping[str, Role]
        self._policy: RetryPolicy

    async def version(self) -> str:
        """Of ace-cli, on this node."""
        return __version__

    async def take(self, piece: bytes) -> None:
        """The next piece of the pickled :class:`Kit`."""
        self._kit += piece

    async def open(self) -> AceError | None:
        """Make stages and models of the kit; the error that this ends with, which every worker would meet."""
        try:
            spec = self._open(pickle.loads(self._kit))
            await warm(spec.settings.models)
        except AceError as error:
            return error
        self._kit = b""
        return None

    def _open(self, kit: Kit) -> StageSpec:
        os.environ.update(kit.environment)
        with contextlib.suppress(OSError):  # another machine may not have it
            os.chdir(kit.folder)
        leave_working_directory()
        for path in kit.paths:
            if Path(path).exists():
                look_in(path)
        try:
            spec: StageSpec = pickle.loads(kit.stages)
        except Exception as error:
            raise UsageError(
                f"the stages cannot be made on a worker: {type(error).__name__}: {error}",
                "Their package must be installed on every node, at the same version.",
            ) from error
        self._policy, self._run = kit.policy, spec.run
        self._roles = make_roles(spec.settings.models, lambda text: self._mail.post(Told(text)))
        self._stages = spec.make(None)
        return spec

    async def deliver(self, letters: Sequence[ToWorker]) -> None:
        for letter in letters:
            match letter:
                case Work(errand, job):
                    self._tasks[errand] = asyncio.create_task(self._work(errand, job))
                case Cancel(errand):
                    if errand in self._tasks:
                        self._tasks[errand].cancel()
                case Answer():
                    self._mail.answered(letter)

    async def collect(self) -> Sequence[FromWorker]:
        """What was written since the last time, as soon as there is something."""
        return await self._mail.collect()

    async def pulse(self) -> None:
        """Answered by a thread of its own: the process is alive, whatever a stage does."""

    async def leave(self) -> None:
        """Hand on what the models still hold: whoever hears of calls may hear late."""
        for role in self._roles.values():
            await role.model.close()

    async def _work(self, errand: int, job: ExampleJob) -> None:
        caller = Caller(RemoteDesk(errand, self._mail), self._policy, self._run)
        result: Outcome | AceError
        try:
            result = await work_on(self._stages, self._roles, caller, job)
        except AceError as error:
            result = error
        except Exception as error:  # noqa: BLE001 - a bug of ours: it must not be waited for in vain
            result = AceError(f"a worker failed: {type(error).__name__}: {error}")
        finally:
            del self._tasks[errand]
        self._mail.post(Done(errand, result))


class _Mail:
    """Letters that wait to be collected, and calls that wait for an answer."""

    def __init__(self) -> None:
        self._letters: list[FromWorker] = []
        self._filled = asyncio.Event()
        self._calls = itertools.count()
        self._awaited: dict[int, asyncio.Future[Admitted | ChatReply | AceError | None]] = {}

    def post(self, letter: FromWorker) -> None:
        self._letters.append(letter)
        self._filled.set()

    async def collect(self) -> Sequence[FromWorker]:
        await self._filled.wait()
        self._filled.clear()
        letters, self._letters = self._letters, []
        return letters

    async def ask(self, call: Callable[[int], Call]) -> Admitted | ChatReply | None:
        """Post a call and wait for what it gives, or raise."""
        number = next(self._calls)
        answer: asyncio.Future[Admitted | ChatReply | AceError | None] = (
            asyncio.get_running_loop().create_future()
        )
        self._awaited[number] = answer
        self.post(call(number))
        try:
            value = await answer
        finally:
            del self._awaited[number]
        if isinstance(value, AceError):
            raise value
        return value

    def answered(self, answer: Answer) -> None:
        future = self._awaited.get(answer.call)
        if future is not None and not future.done():
            future.set_result(answer.value)


@dataclass(frozen=True, slots=True)
class _Ticket(Reservation):
    """A reservation with the driver's number of it."""

    number: int = -1


class RemoteDesk:
    """:class:`~ace_cli.engine.calls.Desk` of one errand: each method is a letter."""

    def __init__(self, errand: int, mail: _Mail) -> None:
        self._errand = errand
        self._mail = mail

    async def admit(self, quote: Quote) -> Reservation:
        bare = replace(quote, price=unpriced)
        admitted = await self._mail.ask(lambda call: Admit(self._errand, call, bare))
        assert isinstance(admitted, Admitted)
        given = {field.name: getattr(admitted.reservation, field.name) for field in fields(Reservation)}
        return _Ticket(**{**given, "quote": quote}, number=admitted.number)

    async def again(self, reservation: Reservation) -> None:
        await self._mail.ask(lambda call: Again(self._errand, call, _number(reservation)))

    async def known(self, phase: int, entry: str) -> ChatReply | None:
        found = await self._mail.ask(lambda call: Known(self._errand, call, phase, entry))
        assert not isinstance(found, Admitted)
        return found

    def retrying(self, reservation: Reservation, notice: RetryNotice) -> None:
        self._mail.post(Retrying(self._errand, _number(reservation), notice))

    async def pause(self, seconds: float) -> None:
        await self._mail.ask(lambda call: Pause(self._errand, call, seconds))

    async def record(self, reply: RecordedReply) -> None:
        await self._mail.ask(lambda call: Record(self._errand, call, reply))

    def settle(self, reservation: Reservation, paid: Paid | None, rates: Rates | None = None) -> None:
        self._mail.post(Settle(self._errand, _number(reservation), paid, rates))


def _number(reservation: Reservation) -> int:
    assert isinstance(reservation, _Ticket)
    return reservation.number
