"""Batches in order: examples of a batch run concurrently, its reflections are merged in plan order.

With the same replies the playbook does not depend on concurrency, timing or interruptions: every example of
batch *b* sees the playbook after batch *b - 1 - lookahead*, and merges happen one after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ace_cli.clock import now
from ace_cli.data import Example
from ace_cli.engine.calls import Caller, RecordedCalls, Role
from ace_cli.engine.events import BatchMerged, BatchStarted, ExampleFinished, Listener
from ace_cli.engine.failures import check_failures
from ace_cli.engine.stop import StopController
from ace_cli.errors import AceError, RunStopped
from ace_cli.llm.base import ChatReply
from ace_cli.playbook import Add, Bullet, Confirm, Delta, GrowingPlaybook, Playbook, Section
from ace_cli.redact import redact
from ace_cli.runs.records import CurvePoint, Episode, Merge, Usage
from ace_cli.runs.store import RunStore
from ace_cli.settings import Settings
from ace_cli.stages.base import Curator, MergeItem
from ace_cli.training.episode import PlanStep, Teacher, lesson, run_episode, settled
from ace_cli.training.plan import Batch, Plan

Select = Callable[[Playbook, Example], Any]


@dataclass
class Progress:
    """Counts over all that is merged or recorded; what the curve and the summary are made of."""

    seen: int = 0
    correct: int = 0
    failed: int = 0
    usage: Usage = field(default_factory=Usage)

    @property
    def accuracy(self) -> float:
        return round(self.correct / self.seen, 6) if self.seen else 0.0


@dataclass
class Trainer:
    """Works a plan off, from wherever the store says it stands."""

    settings: Settings
    plan: Plan
    store: RunStore
    teacher: Teacher
    curator: Curator
    roles: Mapping[str, Role]
    select: Select
    caller: Caller
    emit: Listener
    on_merge: Callable[[Merge, Callable[[], Playbook]], None]
    gate: StopController

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.settings.execution.concurrency)
        self._attempted, self._right, self._failed = self.store.counts()

    async def train(self) -> Playbook:
        """Go through the plan; the playbook after its last merge.

        Raises:
            RunStopped, AceError: it stopped before the end; what is recorded stays.
        """
        lookahead = self.settings.training.lookahead
        versions, progress = self._replay()
        first = max(versions)
        upcoming = self.plan.batches(first)
        flying: dict[int, tuple[Batch, asyncio.Task[list[Episode] | None]]] = {}
        try:
            for number in range(first, self.plan.batch_count):
                while len(flying) <= lookahead and (batch := next(upcoming, None)) is not None:
                    version = max(0, batch.number - lookahead)
                    work = self._run_batch(batch, versions[version], version)
                    flying[batch.number] = batch, asyncio.create_task(work)
                batch, task = flying.pop(number)
                episodes = await task
                if episodes is None:
                    raise self.gate.reason or RunStopped("the run was stopped")
                # Batches in flight hold the version that they see; the next one to start sees this.
                grown = await self._merge(batch, versions[number], episodes, progress)
                versions = {number + 1: grown}
            return versions[max(versions)]
        except AceError as error:
            self.gate.stop(error)
            raise
        except BaseException:  # cut off, or a bug: the batches ahead must not go on by themselves
            for _, task in flying.values():
                task.cancel()
            raise
        finally:
            # Calls in flight are paid: let them end and be recorded (the gate bounds the wait).
            await asyncio.gather(*(task for _, task in flying.values()), return_exceptions=True)

    def _replay(self) -> tuple[dict[int, Playbook], Progress]:
        """Playbook versions that batches to come will see, and the counts so far."""
        base = self.store.header().base_playbook
        growing = GrowingPlaybook(base, self.settings.training.quarantine_min_votes)
        merges, progress = list(self.store.merges()), Progress()
        oldest = len(merges) - self.settings.training.lookahead
        versions = {0: base} if oldest <= 0 else {}
        for merge in merges:
            growing.apply(merge.delta)
            if merge.batch + 1 >= oldest:
                versions[merge.batch + 1] = growing.playbook()
            self.on_merge(merge, growing.playbook)
        if merges:
            point = merges[-1].curve
            progress = Progress(point.examples_seen, point.correct, point.failed)
            progress.usage = Usage(calls=point.calls, prompt_tokens=point.tokens, cost_usd=point.cost_usd)
        return versions, progress

    async def _run_batch(self, batch: Batch, playbook: Playbook, version: int) -> list[Episode] | None:
        """All episodes in plan order, or None when the run stops before they are complete."""
        recorded = {episode.step: episode for episode in self.store.episodes(batch=batch.number)}
        replies = self.store.replies(batch.first_step, batch.last_step)
        self.emit(BatchStarted(batch.number, batch.epoch, len(batch.indices), len(recorded)))
        tasks = []
        for offset, index in enumerate(batch.indices):
            step = batch.first_step + offset
            if (known := recorded.get(step)) is not None:
                self._tell(known, replayed=True)
                continue
            place = PlanStep(step, batch.epoch, index, batch.number, version)
            tasks.append(asyncio.create_task(self._run_example(place, playbook, replies)))
        try:
            episodes = await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        if any(episode is None for episode in episodes):
            return None
        for episode in episodes:
            if episode is not None:
                recorded[episode.step] = episode
        return [recorded[step] for step in sorted(recorded)]

    async def _run_example(
        self, place: PlanStep, playbook: Playbook, replies: Mapping[str, ChatReply]
    ) -> Episode | None:
        """One example, recorded; None when the run stops before it is decided."""
        try:
            async with self._slots:
                if self.gate.reason is not None:
                    return None
                example = self.store.example(place.index)
                episode = await self._episode(place, example, playbook, replies)
            await self.store.record_episode(episode)
        except AceError as error:
            self.gate.stop(error)
            return None
        self._count(episode)
        return episode

    async def _episode(
        self, place: PlanStep, example: Example, playbook: Playbook, replies: Mapping[str, ChatReply]
    ) -> Episode:
        async def select(wanted: Example) -> Sequence[Bullet]:
            bullets: Sequence[Bullet] = await settled(self.select(playbook, wanted))
            return bullets

        ask_generator = self.caller.ask(self.roles["generator"], place.step, replies)
        ask_reflector = self.caller.ask(self.roles["reflector"], place.step, replies)
        episode = await run_episode(self.teacher, example, place, select, ask_generator, ask_reflector)
        ask_generator.check()
        ask_reflector.check()
        return episode

    def _count(self, episode: Episode) -> None:
        self._attempted += 1
        self._right += episode.correct
        self._failed += episode.failed
        self._tell(episode)
        if episode.failed:
            limit = self.settings.limits.max_failures
            if (error := check_failures(limit, self._failed, self._attempted, episode.error)) is not None:
                self.gate.stop(error)

    async def _merge(
        self, batch: Batch, playbook: Playbook, episodes: Sequence[Episode], progress: Progress
    ) -> Playbook:
        """The next version, on record before anyone sees it."""
        lessons: list[MergeItem] = [found for e in episodes if (found := lesson(e)) is not None]
        ask: RecordedCalls | None = None
        if (role := self.roles.get("curator")) is not None:
            replies = self.store.replies(batch.first_step, batch.first_step)
            ask = self.caller.ask(role, batch.first_step, replies)
        delta = await self._curate(playbook, lessons, ask)
        grown = playbook.apply(delta, quarantine_min_votes=self.settings.training.quarantine_min_votes)
        progress.seen += len(episodes)
        progress.correct += sum(e.correct for e in episodes)
        progress.failed += sum(e.failed for e in episodes)
        progress.usage = progress.usage.add(self.store.usage_of_steps(batch.first_step, batch.last_step))
        insights = [i.section for found in lessons for i in found.reflection.insights]
        point = CurvePoint(
            batch=batch.number,
            epoch=batch.epoch,
            examples_seen=progress.seen,
            correct=progress.correct,
            failed=progress.failed,
            accuracy=progress.accuracy,
            batch_accuracy=round(sum(e.correct for e in episodes) / len(episodes), 6),
            playbook_size=len(grown),
            bullets_added=sum(isinstance(change, Add) for change in delta.changes),
            bullets_incremented=sum(isinstance(change, Confirm) for change in delta.changes),
            insights={section.value: insights.count(section) for section in Section},
            calls=progress.usage.calls,
            tokens=progress.usage.tokens,
            cost_usd=progress.usage.cost_usd,
        )
        merge = Merge(batch.number, delta, point)
        await self.store.record_merge(batch.number, delta, point)
        self.on_merge(merge, lambda: grown)
        self.emit(BatchMerged(point))
        return grown

    async def _curate(
        self, playbook: Playbook, lessons: Sequence[MergeItem], ask: RecordedCalls | None
    ) -> Delta:
        try:
            delta: Delta = await settled(self.curator.curate(playbook, lessons, ask, at=now()))
        except AceError:
            raise
        except Exception as problem:  # a plug-in's: no merge, so no later batch either
            told = redact(f"{type(problem).__name__}: {problem}")
            raise AceError(
                f"the curator failed: {told}", "Nothing is lost. Mend it, then `ace resume`."
            ) from problem
        if ask is not None:
            ask.check()
        return delta

    def _tell(self, episode: Episode, *, replayed: bool = False) -> None:
        self.emit(
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
