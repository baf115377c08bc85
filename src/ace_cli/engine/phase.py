"""The driver's way with the examples of one phase: recorded ones are told, the others are worked on and recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from ace_cli.data import Example
from ace_cli.engine.events import ExampleFinished, Listener
from ace_cli.engine.example import ExampleJob, Outcome, PlanStep, failure_of
from ace_cli.engine.executor import Executor
from ace_cli.engine.failures import check_failures
from ace_cli.engine.stop import StopController
from ace_cli.errors import AceError
from ace_cli.llm.base import ChatReply
from ace_cli.playbook import Bullet, Playbook
from ace_cli.runs.records import TRAINING, Episode
from ace_cli.runs.store import RunStore

Select = Callable[[Playbook, Example], Awaitable[Sequence[Bullet]]]
"""The bullets of a playbook that an example's prompt gets."""


class Phase:
    """Works on examples in groups that see the same playbook; training, validation and evaluation are phases.

    Args:
        max_failures: see :func:`~ace_cli.engine.failures.check_failures`.
        tries: see :class:`~ace_cli.engine.example.ExampleJob`.
    """

    def __init__(
        self,
        store: RunStore,
        executor: Executor,
        select: Select,
        stop: StopController,
        emit: Listener,
        *,
        max_failures: int | float,
        tries: int | None,
        phase: int = TRAINING,
    ) -> None:
        self._store = store
        self._executor = executor
        self._select = select
        self._stop = stop
        self._emit = emit
        self._max_failures = max_failures
        self._tries = tries
        self._phase = phase
        self._attempted, _, self._failed = store.counts(phase)

    async def episodes(
        self, steps: Sequence[PlanStep], recorded: Mapping[int, Episode], playbook: Playbook
    ) -> list[Episode] | None:
        """The episodes of ``steps`` (neighbours in the plan), in their order.

        None when the run stops before they are complete; those that were decided are on record.
        """
        replies = self._store.replies(steps[0].step, steps[-1].step, self._phase)
        tasks = []
        for step in steps:
            if (known := recorded.get(step.step)) is not None:
                self._tell(known, replayed=True)
            else:
                tasks.append(asyncio.create_task(self._example(step, playbook, replies)))
        try:
            made = await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        decided = {**recorded, **{episode.step: episode for episode in made if episode is not None}}
        return [decided[step.step] for step in steps] if None not in made else None

    async def _example(
        self, step: PlanStep, playbook: Playbook, replies: Mapping[str, ChatReply]
    ) -> Episode | None:
        """One example, recorded; None when the run stops before it is decided."""
        try:
            async with self._executor.slot():
                if self._stop.reason is not None:
                    return None
                episode = await self._episode(step, playbook, replies)
            await self._store.record_episode(episode)
        except AceError as error:
            self._stop.stop(error)
            return None
        self._count(episode)
        return episode

    async def _episode(self, step: PlanStep, playbook: Playbook, replies: Mapping[str, ChatReply]) -> Episode:
        example = self._store.example(step.index)
        bullets: tuple[Bullet, ...] = ()
        try:
            bullets = tuple(await self._select(playbook, example))
        except Exception as problem:  # noqa: BLE001 - as a stage's: this example's record
            outcome = Outcome((), *failure_of(problem))
        else:
            outcome = await self._executor.work(
                ExampleJob(self._phase, step.step, example, bullets, self._tries, replies)
            )
        return Episode(
            step=step.step,
            epoch=step.epoch,
            index=step.index,
            batch=step.batch,
            example_id=example.id,
            domain=example.domain,
            version=step.version,
            shown=len(bullets),
            rounds=outcome.rounds,
            failure=outcome.failure,
            error=outcome.error,
            seconds=outcome.seconds,
            phase=self._phase,
        )

    def _count(self, episode: Episode) -> None:
        self._attempted += 1
        self._failed += episode.failed
        self._tell(episode)
        if episode.failed and (
            error := check_failures(self._max_failures, self._failed, self._attempted, episode.error)
        ):
            self._stop.stop(error)

    def _tell(self, episode: Episode, *, replayed: bool = False) -> None:
        self._emit(
            ExampleFinished(
                episode.example_id,
                episode.step,
                episode.batch,
                episode.correct,
                episode.failure,
                episode.error,
                episode.seconds,
                replayed,
            )
        )
