"""Examples worked on by other processes, wherever they are: who gets which, and what becomes of them when a worker is lost.

Nothing here knows how workers are reached (:class:`Crew`). What is admitted, recorded and merged stays with the driver, so a lost
worker costs no more than the calls that it had in flight.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from ace_cli.engine.calls import Desk, Role
from ace_cli.engine.events import Listener, Notice
from ace_cli.engine.example import ExampleJob, Outcome
from ace_cli.engine.executor.member import Member, Post, WorkerLost
from ace_cli.engine.stop import StopController
from ace_cli.errors import AceError, RunStopped

MOST_LOST = 5
"""Workers that one example may cost: more are no accident."""
MOST_UNBORN = 3
"""Workers in a row that may be lost before one has begun."""
LOOK_AROUND = 3.0
"""Seconds between two looks at how many workers there may be."""
SAME_NEWS = 60.0
"""Seconds in which the same word from several workers is one."""
TELL_AFTER = 10.0
"""Seconds without a worker after which the user hears of it."""


class Crew(Protocol):
    """Where workers come from."""

    @property
    def each(self) -> int:
        """Examples that are worth giving to one worker at once, by now."""
        ...

    async def wanted(self) -> int:
        """How many workers there should be now; nodes come and go."""
        ...

    def hire(self) -> Post:
        """A further one, which may take a while to begin."""
        ...

    async def close(self) -> None: ...


class RemoteExecutor:
    """:class:`~ace_cli.engine.executor.Executor` over the workers of a crew.

    Args:
        slots: what bounds the examples in work, besides the room that the workers have.
        roles: with the models of this process.
        silence: see :class:`~.member.Member`.
        horizon: seconds without any worker after which the run stops, resumable.
    """

    def __init__(
        self,
        crew: Crew,
        slots: AbstractAsyncContextManager[object],
        desk: Desk,
        roles: Mapping[str, Role],
        stop: StopController,
        emit: Listener,
        *,
        silence: float,
        horizon: float,
    ) -> None:
        self._crew = crew
        self._slots = slots
        self._desk = desk
        self._roles = roles
        self._prices = {name: role.model.price for name, role in roles.items()}
        self._stop = stop
        self._emit = emit
        self._silence = silence
        self._horizon = horizon
        self._members: list[Member] = []
        self._hired: set[asyncio.Task[None]] = set()
        self._unborn = 0
        self._told: dict[str, float] = {}
        self._active = 0
        self._changed = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Room for one more example, with a worker as well.

        Raises:
            AceError: the run stops while none has room.
        """
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())
        async with self._slots:
            while self._active >= self._crew.each * len(self._members):
                await self._change()
            self._active += 1
            try:
                yield
            finally:
                self._active -= 1
                self._changed.set()

    async def work(self, job: ExampleJob) -> Outcome:
        """See :class:`~ace_cli.engine.executor.Executor`."""
        for _ in range(MOST_LOST):
            while not (there := [member for member in self._members if not member.is_lost]):
                await self._change()
            member = min(there, key=lambda member: member.load)
            errand = await member.work(job)
            try:
                return errand.result.result()
            except WorkerLost:
                job = errand.rest
        raise RunStopped(
            f"{MOST_LOST} workers were lost while they worked on the example {job.example.id}",
            "Nothing is lost. Ray's logs say why; `ace resume --executor local` goes on without it.",
        )

    async def close(self) -> None:
        tasks = [task for task in (self._keeper, *self._hired) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._crew.close()
        for role in self._roles.values():
            await role.model.close()

    async def _change(self) -> None:
        """Wait until workers or room have changed.

        Raises:
            AceError: the run stops.
        """
        self._changed.clear()
        await self._stop.until(self._changed)

    async def _keep(self) -> None:
        """Keep as many workers as there should be, and stop the run if there is none for too long."""
        since, told = time.monotonic(), False
        while self._stop.reason is None:
            for _ in range(await self._crew.wanted() - len(self._hired)):
                task = asyncio.create_task(self._employ(self._crew.hire()))
                self._hired.add(task)
                task.add_done_callback(self._parted)
            await asyncio.wait(self._hired, timeout=LOOK_AROUND, return_when=asyncio.FIRST_COMPLETED)
            waited = time.monotonic() - since
            if self._members:
                since, told = time.monotonic(), False
            elif waited > self._horizon:
                self._stop.stop(_no_room(self._horizon))
            elif waited > TELL_AFTER and not told:
                told = True
                self._emit(Notice("waiting for the cluster: no worker has begun yet"))

    async def _employ(self, post: Post) -> None:
        """A worker, from its beginning to its end."""
        member: Member | None = None
        try:
            if (error := await post.open()) is not None:
                self._stop.stop(error)
                return
            self._unborn = 0
            member = Member(post, self._desk, self._prices, self._silence, self._tell)
            self._members.append(member)
            self._changed.set()
            await member.serve()
        except WorkerLost as lost:
            if member is None:
                self._unborn += 1
                if self._unborn >= MOST_UNBORN:
                    self._stop.stop(_none_begins(str(lost)))
            self._emit(Notice(f"a worker was lost ({lost}): its examples go to others"))
        finally:
            post.end()
            if member is not None:
                self._members.remove(member)
                self._changed.set()

    def _tell(self, message: str) -> None:
        """What a worker says of a model: once, since the others will soon find the same."""
        now, news = time.monotonic(), message.partition(": ")[0]  # the reason may be worded in several ways
        if now - self._told.get(news, float("-inf")) > SAME_NEWS:
            self._told[news] = now
            self._emit(Notice(message))

    def _parted(self, task: asyncio.Task[None]) -> None:
        self._hired.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._stop.stop(AceError(f"the executor failed: {type(error).__name__}: {error}"))


def _no_room(seconds: float) -> RunStopped:
    return RunStopped(
        f"the cluster had no room for a worker in {seconds:.0f} s",
        "Nothing is lost. `ray status` shows what is free; --ray-cpus says what a worker takes. Then: ace resume",
    )


def _none_begins(why: str) -> AceError:
    return AceError(
        f"no worker can begin on the cluster: {why}",
        "Is the same ace-cli, with its extras, installed on every node?",
    )
