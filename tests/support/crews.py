"""Workers in this process, behind a wall of bytes, that are lost at a chosen moment: the executor of a cluster without a cluster."""

from __future__ import annotations

import asyncio
import pickle
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pytest

from ace_cli.engine.calls import Desk, Role
from ace_cli.engine.events import Listener
from ace_cli.engine.executor.letters import FromWorker, ToWorker
from ace_cli.engine.executor.member import Post, WorkerLost
from ace_cli.engine.executor.remote import RemoteExecutor
from ace_cli.engine.executor.worker import Kit, Worker
from ace_cli.engine.pace import Pace
from ace_cli.engine.stop import StopController
from ace_cli.engine.wiring import StageSpec
from ace_cli.errors import AceError
from ace_cli.llm.retry import RetryPolicy
from ace_cli.stages.base import Stages

Loses = Callable[[FromWorker], bool]
"""Whether a worker is lost with a letter of its: the driver gets the letter, the worker never an answer."""


class Crew:
    """As many workers as wanted; new ones take the places of those that are lost."""

    def __init__(self, kit: bytes, workers: int, each: int, loses: Loses, silent: frozenset[int]) -> None:
        self.each = each
        self.hired: list[InProcess] = []
        self._kit = kit
        self._workers = workers
        self._loses = loses
        self._silent = silent

    async def wanted(self) -> int:
        return self._workers

    def hire(self) -> Post:
        self.hired.append(InProcess(self._kit, self._loses, is_silent=len(self.hired) in self._silent))
        return self.hired[-1]

    async def close(self) -> None:
        for post in self.hired:
            post.end()


class InProcess:
    """One worker. A silent one gets letters, but gives no sign of life."""

    def __init__(self, kit: bytes, loses: Loses, *, is_silent: bool) -> None:
        self.letters: Counter[str] = Counter()
        self._worker = Worker()
        self._kit = kit
        self._loses = loses
        self._is_silent = is_silent
        self._ended = asyncio.Event()

    async def open(self) -> AceError | None:
        await self._worker.take(self._kit)
        return await self._worker.open()

    async def deliver(self, letters: Sequence[ToWorker]) -> None:
        if not self._ended.is_set() and not self._is_silent:
            await self._worker.deliver(pickle.loads(pickle.dumps(letters)))

    async def collect(self) -> Sequence[FromWorker]:
        if self._ended.is_set() or self._is_silent:
            await self._ended.wait()
            raise WorkerLost("gone")
        letters: Sequence[FromWorker] = pickle.loads(pickle.dumps(await self._worker.collect()))
        for number, letter in enumerate(letters):
            self.letters[type(letter).__name__] += 1
            if self._loses(letter):
                self._ended.set()
                return letters[: number + 1]
        return letters

    async def pulse(self) -> None:
        if self._is_silent:
            await asyncio.Event().wait()

    def end(self) -> None:
        self._ended.set()


def work_remotely(
    monkeypatch: pytest.MonkeyPatch,
    *,
    workers: int = 2,
    each: int = 8,
    loses: Loses = lambda _: False,
    silent: frozenset[int] = frozenset(),
    silence: float = 30.0,
) -> list[Crew]:
    """Runs that start from here on have such an executor; their crews are found in what is returned.

    Args:
        loses: asked for each letter of each worker.
        silent: numbers of the workers that never give a sign of life.
    """
    crews: list[Crew] = []

    def make(
        spec: StageSpec,
        stages: Stages,
        roles: Mapping[str, Role],
        desk: Desk,
        policy: RetryPolicy,
        stop: StopController,
        emit: Listener,
        pace: Pace,
    ) -> RemoteExecutor:
        kit = Kit(".", (), {}, pickle.dumps(spec), policy)
        crew = Crew(pickle.dumps(kit), workers, each, loses, silent)
        crews.append(crew)
        return RemoteExecutor(crew, pace.slots, desk, roles, stop, emit, silence=silence, horizon=20.0)

    monkeypatch.setattr("ace_cli.engine.session.make_executor", make)
    return crews
