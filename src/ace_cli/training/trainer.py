"""Batches in order: examples of a batch run concurrently, its reflections are merged in plan order.

With the same replies the playbook does not depend on concurrency, timing or interruptions: every example of
batch *b* sees the playbook after batch *b - 1 - lag*, where the lag is ``lookahead`` (:func:`.plan.lag`), and merges happen one after the other.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ace_cli.clock import now
from ace_cli.engine.calls import RecordedCalls
from ace_cli.engine.events import BatchMerged, BatchStarted
from ace_cli.engine.example import settled
from ace_cli.engine.phase import Phase
from ace_cli.engine.session import Session
from ace_cli.errors import AceError, RunStopped
from ace_cli.playbook import Add, Change, Confirm, Credit, Delta, Drop, GrowingPlaybook, Playbook, Section
from ace_cli.playbook.delta import refused_for, refuses
from ace_cli.redact import redact
from ace_cli.runs.records import CurvePoint, Episode, Merge, Usage
from ace_cli.settings import TrainingSettings
from ace_cli.stages.base import MergeItem, Refiner
from ace_cli.training.credit import merge_item
from ace_cli.training.leaks import Leaks
from ace_cli.training.memory import Memory
from ace_cli.training.plan import Batch, Plan, lag, most_lag
from ace_cli.training.tryout import Tryout
from ace_cli.training.upkeep import Upkeep
from ace_cli.training.validation import Validator

T = TypeVar("T")

OnMerge = Callable[[Merge, Callable[[], Playbook]], None]
"""Told of every merge in order, those of earlier sessions included, with what gives the playbook after it."""


class Trainer:
    """Works a plan off, from wherever the store says it stands."""

    def __init__(
        self,
        session: Session,
        plan: Plan,
        phase: Phase,
        on_merge: OnMerge,
        validator: Validator,
        memory: Memory,
        tryout: Tryout,
    ) -> None:
        self._session = session
        self._store = session.store
        self._settings = session.settings.training
        self._plan = plan
        self._phase = phase
        self._on_merge = on_merge
        self._validator = validator
        self._memory = memory
        self._tryout = tryout
        self._credit = Credit(self._settings.credit)
        self._upkeep = Upkeep(self._settings, session.roles["generator"].model.count_tokens)
        self._leaks: Leaks | None = None

    async def train(self) -> Playbook:
        """Go through the plan; the playbook after its last merge.

        Raises:
            RunStopped, AceError: it stopped before the end; what is recorded stays.
        """
        versions, point, due = self._replay()
        await self._remember(max(versions))
        validator = self._validator
        flight = _Flight(self._plan, self._settings, self._run_batch, versions, validator.barriers)
        try:
            for version, playbook in due.items():
                if await validator.at(version, playbook):
                    return playbook
            async for batch, episodes in flight.batches():
                if episodes is None:
                    raise self._session.stop.reason or RunStopped("the run was stopped")
                grown, point = await self._merge(batch, flight.newest, episodes, point)
                flight.merged(grown)
                if await validator.at(batch.number + 1, grown):
                    break
            await validator.done()
        except AceError as error:
            self._session.stop.stop(error)
            raise
        except BaseException:  # cut off, or a bug: the batches ahead must not go on by themselves
            flight.cancel()
            validator.cancel()
            raise
        finally:
            await flight.land()
            await validator.land()
        return flight.newest

    def _replay(self) -> tuple[dict[int, Playbook], CurvePoint | None, dict[int, Playbook]]:
        """The playbook versions that batches to come will see, by number, where the curve stands, and the versions to validate."""
        base = self._store.header().base_playbook
        growing = GrowingPlaybook(base, self._settings.quarantine_min_votes)
        merges = list(self._store.merges())
        oldest = len(merges) - most_lag(self._settings)
        versions = {0: base} if oldest <= 0 else {}
        due = {0: base} if 0 in self._validator.due else {}
        for merge in merges:
            growing.apply(merge.delta)
            self._upkeep.seen(merge.delta)
            if merge.batch + 1 >= oldest:
                versions[merge.batch + 1] = growing.playbook()
            if merge.batch + 1 in self._validator.due:
                due[merge.batch + 1] = growing.playbook()
            self._on_merge(merge, growing.playbook)
        return versions, merges[-1].curve if merges else None, due

    async def _run_batch(self, batch: Batch, version: int, playbook: Playbook) -> list[Episode] | None:
        recorded = {episode.step: episode for episode in self._store.episodes(batch=batch.number)}
        self._session.emit(BatchStarted(batch.number, batch.epoch, len(batch.indices), len(recorded)))
        return await self._phase.episodes(batch.steps(version), recorded, playbook)

    async def _merge(
        self, batch: Batch, playbook: Playbook, episodes: Sequence[Episode], before: CurvePoint | None
    ) -> tuple[Playbook, CurvePoint]:
        """The next version and its point of the curve, on record before anyone sees them."""
        items = [item for episode in episodes if (item := merge_item(episode, playbook, self._credit))]
        fit, leaked = self._sifted(items, episodes)
        delta, grown = await self._delta(batch, playbook, fit, leaked, episodes)
        used = self._store.usage_of_steps(batch.first_step, batch.last_step)
        point = _point(batch, before, episodes, items, delta, len(grown), used)
        await self._store.record_merge(batch.number, delta, point)
        await self._learn(episodes)
        self._on_merge(Merge(batch.number, delta, point), lambda: grown)
        self._session.emit(BatchMerged(point))
        return grown, point

    def _sifted(
        self, items: Sequence[MergeItem], episodes: Sequence[Episode]
    ) -> tuple[Sequence[MergeItem], Sequence[Drop]]:
        """``items`` without what gives away the example that taught it, and that."""
        if self._settings.allow_leaks:
            return items, ()
        if self._leaks is None:
            self._leaks = Leaks(self._store.all_examples())
        rows = self._store.examples([episode.index for episode in episodes])
        examples = {example.id: example for example in rows}
        pairs = [
            self._leaks.sifted(item, examples[item.example_id]) if item.reflection.insights else (item, ())
            for item in items
        ]
        return [item for item, _ in pairs], [drop for _, drops in pairs for drop in drops]

    async def _remember(self, merged: int) -> None:
        """Take in the examples of the newest of so many merged batches, until what must be known is known."""
        newest: list[Sequence[Episode]] = []
        missing = self._memory.keeps
        while missing > 0 and len(newest) < merged:
            newest.append(list(self._store.episodes(batch=merged - 1 - len(newest))))
            missing -= sum(bool(episode.rounds) and not episode.failed for episode in newest[-1])
        for episodes in reversed(newest):
            await self._learn(episodes)

    async def _learn(self, episodes: Sequence[Episode]) -> None:
        examples = self._store.examples([episode.index for episode in episodes])
        await self._memory.learn(zip(episodes, examples, strict=True))

    async def _delta(
        self,
        batch: Batch,
        playbook: Playbook,
        items: Sequence[MergeItem],
        leaked: Sequence[Drop],
        episodes: Sequence[Episode],
    ) -> tuple[Delta, Playbook]:
        """What the curator makes of ``items``, without what was tried and did not help, what was kept from it, and what follows; the next version."""
        curator = self._session.stages.curator
        ask: RecordedCalls | None = None
        if (role := self._session.roles.get("curator")) is not None:
            replies = self._store.replies(batch.first_step, batch.first_step)
            cached = self._session.settings.execution.cache is not None
            occasion = f"batch {batch.number}" if cached else ""
            ask = self._session.caller.ask(role, batch.first_step, replies, occasion=occasion)

        async def refine(grown: Playbook, known: int) -> Sequence[Change]:
            assert isinstance(curator, Refiner)
            return await self._curated(lambda: curator.refine(grown, ask, known=known), ask)

        can_refine = self._settings.refine and isinstance(curator, Refiner)
        delta: Delta = await self._curated(lambda: curator.curate(playbook, items, ask, at=now()), ask)
        delta = await self._tryout.sifted(batch, playbook, delta, episodes)
        return await self._upkeep.after(
            playbook,
            replace(delta, changes=(*delta.changes, *leaked)),
            items,
            refine if can_refine else None,
            ends_epoch=batch.ends_epoch,
        )

    async def _curated(self, work: Callable[[], Awaitable[T] | T], ask: RecordedCalls | None) -> T:
        """What the curator says; a failure of it stops the run."""
        try:
            said = await settled(work())
        except AceError:
            raise
        except Exception as problem:  # a plug-in's: no merge, so no later batch either
            told = redact(f"{type(problem).__name__}: {problem}")
            raise AceError(
                f"the curator failed: {told}", "Nothing is lost. Fix it, then `ace resume`."
            ) from problem
        if ask is not None:
            ask.check()
        return said


class _Flight:
    """Batches in the air: the one that is merged next, and up to ``lookahead`` behind it.

    ``versions`` are playbooks by number (version *n* is the one after *n* merges): the newest, and those before it that batches
    to come will see. A batch of ``barriers`` starts when all before it are merged.
    """

    def __init__(
        self,
        plan: Plan,
        settings: TrainingSettings,
        start: Callable[[Batch, int, Playbook], Coroutine[Any, Any, list[Episode] | None]],
        versions: dict[int, Playbook],
        barriers: Container[int] = (),
    ) -> None:
        self._settings = settings
        self._start = start
        self._versions = versions
        self._number = max(versions)
        self._barriers = barriers
        self._upcoming = plan.batches(self._number)
        self._coming = next(self._upcoming, None)
        self._flying: list[tuple[Batch, asyncio.Task[list[Episode] | None]]] = []

    @property
    def newest(self) -> Playbook:
        return self._versions[self._number]

    async def batches(self) -> AsyncIterator[tuple[Batch, list[Episode] | None]]:
        """Each batch with its episodes, in order; :meth:`merged` is called before the next one."""
        while True:
            while (batch := self._next()) is not None:
                version = self._version(batch)
                work = self._start(batch, version, self._versions[version])
                self._flying.append((batch, asyncio.create_task(work)))
            if not self._flying:
                return
            batch, task = self._flying.pop(0)
            yield batch, await task

    def _next(self) -> Batch | None:
        """The batch that may start now."""
        coming = self._coming
        if coming is None or self._version(coming) > self._number:
            return None
        if self._flying and coming.number in self._barriers:
            return None
        self._coming = next(self._upcoming, None)
        return coming

    def _version(self, batch: Batch) -> int:
        """The playbook that it sees."""
        return max(0, batch.number - lag(self._settings, batch.first_step))

    def merged(self, playbook: Playbook) -> None:
        """The next version is there."""
        self._number += 1
        self._versions[self._number] = playbook
        self._versions.pop(self._number - most_lag(self._settings) - 1, None)  # no batch to come sees it

    def cancel(self) -> None:
        for _, task in self._flying:
            task.cancel()

    async def land(self) -> None:
        """Calls in flight are paid: let them end and be recorded (the stop controller bounds the wait)."""
        await asyncio.gather(*(task for _, task in self._flying), return_exceptions=True)


def _point(
    batch: Batch,
    before: CurvePoint | None,
    episodes: Sequence[Episode],
    items: Sequence[MergeItem],
    delta: Delta,
    playbook_size: int,
    used: Usage,
) -> CurvePoint:
    """The curve after this batch."""
    seen = len(episodes) + (before.examples_seen if before else 0)
    right = sum(episode.correct for episode in episodes)
    correct = right + (before.correct if before else 0)
    insights = [insight.section for item in items for insight in item.reflection.insights]
    spent = Usage(before.calls, before.tokens, cost_usd=before.cost_usd) if before else Usage()
    spent = spent.add(used)
    return CurvePoint(
        batch=batch.number,
        epoch=batch.epoch,
        examples_seen=seen,
        correct=correct,
        failed=sum(episode.failed for episode in episodes) + (before.failed if before else 0),
        accuracy=round(correct / seen, 6),
        batch_accuracy=round(right / len(episodes), 6),
        playbook_size=playbook_size,
        bullets_added=sum(isinstance(change, Add) for change in delta.changes),
        bullets_incremented=sum(isinstance(change, Confirm) for change in delta.changes),
        insights={section.value: insights.count(section) for section in Section},
        refused=dict(Counter(refused_for(change) for change in delta.changes if refuses(change))),
        calls=spent.calls,
        tokens=spent.tokens,
        cost_usd=spent.cost_usd,
    )
