"""The driver's handling of one phase's examples: recorded ones are reported, the others worked on and recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from ace_cli.data import Example
from ace_cli.engine.events import ExampleFinished
from ace_cli.engine.example import ExampleJob, LookAround, Outcome, PlanStep, failure_of
from ace_cli.engine.failures import FailureCount
from ace_cli.engine.session import Session
from ace_cli.errors import AceError
from ace_cli.llm.base import ChatReply
from ace_cli.playbook import Playbook
from ace_cli.runs.records import TRAINING, Episode
from ace_cli.runs.store import RunStore
from ace_cli.stages.base import NOTHING_AROUND
from ace_cli.stages.retrieval import Shown


class Phase:
    """Works on examples in groups that see the same playbook; training, validation and evaluation are phases.

    Args:
        tries: see :class:`~ace_cli.engine.example.ExampleJob`.
        look_around: gives what the Reflector sees beside an example; None for nothing.
        only_wrong: see :class:`~ace_cli.engine.example.ExampleJob`.
        count: of phases that share a limit on failures; None counts this one alone.
    """

    def __init__(
        self,
        session: Session,
        *,
        tries: int | None,
        phase: int = TRAINING,
        look_around: LookAround | None = None,
        only_wrong: bool = False,
        count: FailureCount | None = None,
    ) -> None:
        self._session = session
        self._tries = tries
        self._is_cached = session.settings.execution.cache is not None
        self._phase = phase
        self._look_around = look_around
        self._only_wrong = only_wrong
        if count is None:
            attempted, _, failed = session.store.counts(phase)
            count = FailureCount(session.settings.limits.max_failures, attempted, failed)
        self._failures = count

    async def episodes(
        self, steps: Sequence[PlanStep], recorded: Mapping[int, Episode], playbook: Playbook
    ) -> list[Episode] | None:
        """The episodes of ``steps`` (neighbours in the plan), in their order.

        None when the run stops before they are complete; those that were decided are on record.
        """
        replies = self._session.store.replies(steps[0].step, steps[-1].step, self._phase)
        missing = [step for step in steps if step.step not in recorded]
        rows = _Rows(self._session.store, missing)
        for step in steps:
            if (known := recorded.get(step.step)) is not None:
                self._tell(known, replayed=True)
        tasks = [asyncio.create_task(self._example(step, rows, playbook, replies)) for step in missing]
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
        self, step: PlanStep, rows: _Rows, playbook: Playbook, replies: Mapping[str, ChatReply]
    ) -> Episode | None:
        """One example, recorded; None when the run stops before it is decided."""
        try:
            async with self._session.executor.slot():
                if self._session.stop.reason is not None:
                    return None
                self._failures.begin()
                episode = await self._episode(step, rows.take(step), playbook, replies)
            await self._session.store.record_episode(episode)
        except AceError as error:
            self._session.stop.stop(error)
            return None
        self._count(episode)
        return episode

    async def _episode(
        self, step: PlanStep, example: Example, playbook: Playbook, replies: Mapping[str, ChatReply]
    ) -> Episode:
        shown = Shown()
        try:
            shown = await self._session.select(playbook, example)
            around = NOTHING_AROUND
            if self._look_around is not None:
                around = await self._look_around(example, step.version, playbook)
        except Exception as problem:  # noqa: BLE001 - as when a stage raises: this example's record
            outcome = Outcome((), *failure_of(problem))
        else:
            outcome = await self._session.executor.work(
                ExampleJob(
                    self._phase,
                    step.step,
                    example,
                    shown,
                    self._tries,
                    replies,
                    f"{step.epoch}/{example.id}" if self._is_cached else "",
                    around,
                    self._only_wrong,
                )
            )
        return Episode(
            step=step.step,
            epoch=step.epoch,
            index=step.index,
            batch=step.batch,
            example_id=example.id,
            domain=example.domain,
            version=step.version,
            shown=len(shown.bullets),
            rounds=outcome.rounds,
            failure=outcome.failure,
            error=outcome.error,
            seconds=outcome.seconds,
            phase=self._phase,
        )

    def _count(self, episode: Episode) -> None:
        self._tell(episode)
        if error := self._failures.add(episode.failed, episode.error):
            self._session.stop.stop(error)

    def _tell(self, episode: Episode, *, replayed: bool = False) -> None:
        self._session.emit(
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


class _Rows:
    """The examples of steps, which begin about in their order: read from the store some at a time, and held until they are taken."""

    AT_ONCE = 64

    def __init__(self, store: RunStore, steps: Sequence[PlanStep]) -> None:
        self._store = store
        self._steps = steps
        self._places = {step.step: place for place, step in enumerate(steps)}
        self._held: dict[int, Example] = {}

    def take(self, step: PlanStep) -> Example:
        """The example of a step; once."""
        if step.step not in self._held:
            place = self._places[step.step]
            part = self._steps[place : place + self.AT_ONCE]
            examples = self._store.examples([each.index for each in part])
            self._held |= {each.step: example for each, example in zip(part, examples, strict=True)}
        return self._held.pop(step.step)
