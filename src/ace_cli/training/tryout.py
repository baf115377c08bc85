"""Try-out: a new lesson is believed when it mends more than it breaks.

After the Curator has merged a batch, each lesson that would become a bullet is tried: the example that taught it, and the nearest ones that
were merged before, are attempted with the playbook and that one lesson more. It stays if more of them are right now and were wrong than
the other way round; where all of them were right without it there is nothing to mend, so nothing is asked. All lessons of a batch are tried
at once, each batch in a phase of its own: on record, never paid twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ace_cli.engine.events import Event, ExampleFinished, LessonsTried
from ace_cli.engine.example import PlanStep
from ace_cli.engine.failures import FailureCount
from ace_cli.engine.phase import Phase
from ace_cli.engine.session import Session
from ace_cli.errors import RunStopped
from ace_cli.playbook import Add, Change, Confirm, Delta, Drop, Link, Playbook, SetAside, TakeBack
from ace_cli.playbook.contests import any_linked, contests
from ace_cli.runs.records import Episode, PhaseKind
from ace_cli.training.memory import Memory
from ace_cli.training.plan import Batch

KIND = "it was tried and did not help"
"""What lessons that failed are counted under."""

NOTHING_TO_MEND = "it could not be tried: nothing near was wrong"
"""What those are counted under that would have been tried on right answers alone."""


@dataclass(frozen=True, slots=True)
class _Finding:
    """Whether a lesson helps, what it is counted under if not, and what was seen, in words."""

    helps: bool
    kind: str
    seen: str


@dataclass(frozen=True, slots=True)
class _Trial:
    """A lesson and the examples that it is tried on: their places in the dataset, and whether they were right without it."""

    add: Add
    rows: tuple[tuple[int, bool], ...]
    first_step: int

    def steps(self, batch: Batch) -> list[PlanStep]:
        return [
            PlanStep(step, 0, index, batch.number, batch.number)
            for step, (index, _) in enumerate(self.rows, self.first_step)
        ]

    @property
    def can_mend(self) -> bool:
        """Whether any of the examples was wrong."""
        return not all(was for _, was in self.rows)

    def finding(self, episodes: Sequence[Episode]) -> _Finding:
        """What the answers tell of the lesson. A failed call says nothing."""
        if not self.can_mend:
            return _Finding(False, NOTHING_TO_MEND, f"{_examples(len(self.rows))}, right without it")
        told = [
            (was, episode.correct)
            for (_, was), episode in zip(self.rows, episodes, strict=True)
            if not episode.failed
        ]
        mended, broken = sum(now > was for was, now in told), sum(now < was for was, now in told)
        seen = f"tried on {_examples(len(told))}: mended {mended}, broke {broken}"
        return _Finding(mended > broken, KIND, seen)


def _examples(number: int) -> str:
    return "1 example" if number == 1 else f"{number} examples"


class Tryout:
    """Tries the new lessons of merges. ``similar`` is the number of examples beside the one that taught a lesson; None: nothing is tried."""

    def __init__(self, session: Session, memory: Memory, similar: int | None) -> None:
        self._session = replace(session, emit=self._tell)
        self._emit = session.emit
        self._memory = memory
        self._similar = similar
        store = session.store
        counts = [store.counts(p.id) for p in store.phase_records() if p.kind == PhaseKind.TRYOUT]
        attempted, failed = sum(c[0] for c in counts), sum(c[2] for c in counts)
        self._failures = FailureCount(session.settings.limits.max_failures, attempted, failed)

    async def sifted(
        self, batch: Batch, playbook: Playbook, delta: Delta, episodes: Sequence[Episode]
    ) -> Delta:
        """``delta`` without the lessons that did not help; they, and what repeated them, are dropped with what was seen.

        Raises:
            RunStopped, AceError: the run stopped before all were tried.
        """
        if self._similar is None:
            return delta
        trials = [trial async for trial in self._trials(delta, episodes)]
        if not trials:
            return delta
        number, store = PhaseKind.TRYOUT.number(batch.number), self._session.store
        if any(trial.can_mend for trial in trials):
            store.begin_phase(number, PhaseKind.TRYOUT)
        phase = Phase(self._session, tries=None, phase=number, count=self._failures)
        recorded = {episode.step: episode for episode in store.episodes(phase=number)}

        async def answers(trial: _Trial) -> list[Episode] | None:
            if not trial.can_mend:
                return []
            steps = trial.steps(batch)
            known = {step.step: recorded[step.step] for step in steps if step.step in recorded}
            return await phase.episodes(
                steps, known, playbook.with_bullets((*playbook.bullets, trial.add.bullet))
            )

        found = await asyncio.gather(*(answers(trial) for trial in trials))
        if any(episodes is None for episodes in found):
            raise self._session.stop.reason or RunStopped("the run was stopped")
        findings = {
            trial.add.bullet.id: trial.finding(answered or [])
            for trial, answered in zip(trials, found, strict=True)
        }
        kept = sum(finding.helps for finding in findings.values())
        tried = sum(len(answered or []) for answered in found)
        self._emit(LessonsTried(batch.number, len(trials), kept, tried))
        return _without(playbook, delta, findings)

    async def _trials(self, delta: Delta, episodes: Sequence[Episode]) -> AsyncIterator[_Trial]:
        taught_by = {episode.example_id: episode for episode in episodes}
        step = 0
        for change in delta.changes:
            if isinstance(change, Add) and (taught := taught_by.get(change.example_id)) is not None:
                example = self._session.store.example(taught.index)
                alike = await self._memory.alike(example, taught.batch, self._similar or 0)
                rows = ((taught.index, taught.correct), *alike)
                yield _Trial(change, rows, step)
                step += len(rows)

    def _tell(self, event: Event) -> None:
        """Displays count the examples that are trained on."""
        if not isinstance(event, ExampleFinished):
            self._emit(event)


def _without(playbook: Playbook, delta: Delta, findings: Mapping[str, _Finding]) -> Delta:
    """``delta`` with what was found: reasons for those that stay, drops for the others and for what repeated them."""
    lost = {bullet_id for bullet_id, finding in findings.items() if not finding.helps}
    changes = tuple(_changes(delta, findings, lost))
    if not lost:
        return replace(delta, changes=changes)
    settled = tuple(c for c in changes if not isinstance(c, SetAside | TakeBack))  # decided anew without them
    sifted = replace(delta, changes=settled)
    if not any_linked(playbook, settled):
        return sifted
    return replace(sifted, changes=(*settled, *contests(playbook.apply(sifted))))


def _changes(delta: Delta, findings: Mapping[str, _Finding], lost: set[str]) -> Iterator[Change]:
    for change in delta.changes:
        match change:
            case Add(bullet, example_id) if bullet.id in lost:
                found = findings[bullet.id]
                yield Drop(example_id, bullet.content, bullet.section, f"{found.kind} ({found.seen})")
            case Add(bullet, example_id, reason) if bullet.id in findings:
                yield Add(bullet, example_id, "; ".join(filter(None, (reason, findings[bullet.id].seen))))
            case Confirm(bullet_id, example_id, content, section) if bullet_id in lost:
                found = findings[bullet_id]
                repeats = f"{found.kind} (it repeats a lesson: {found.seen})"
                yield Drop(example_id, content, section, repeats)
            case Link(bullet_id, other) if lost & {bullet_id, other}:
                pass
            case _:
                yield change
