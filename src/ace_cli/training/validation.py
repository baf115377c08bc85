"""Validation beside training: versions of the playbook answer held-out examples, each version in a phase of its own.

Attempts only, and no reply is shared with training. What is on record decides which version is kept
(:mod:`ace_cli.runs.validated`), so a run that is killed in the middle of a validation goes on with it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace

from ace_cli.engine.events import Event, ExampleFinished, VersionValidated
from ace_cli.engine.example import PlanStep
from ace_cli.engine.failures import FailureCount
from ace_cli.engine.phase import Phase
from ace_cli.engine.session import Session
from ace_cli.errors import RunStopped
from ace_cli.llm.base import PromptStyle
from ace_cli.playbook import Playbook
from ace_cli.playbook.render import lines
from ace_cli.runs.records import PhaseKind, Split
from ace_cli.runs.validated import validation
from ace_cli.stages.retrieval import MANY
from ace_cli.training.plan import Plan

QUARTERS = 4
"""Parts of the plan after which a version is validated, where no interval is named."""


def due_versions(plan: Plan, every: int | None) -> frozenset[int]:
    """The versions to validate: the start, the end, and those after every so many batches (None: each quarter of the plan).

    An extension of the plan has quarters of its own, so what was due before stays due.
    """
    due, before = {0}, 0
    for segment in plan.segments:
        last = before + replace(plan, segments=(segment,)).batch_count
        due.add(last)
        if every is None:
            due |= {before + -(-(last - before) * part // QUARTERS) for part in range(1, QUARTERS)}
        else:
            due |= set(range(every, last, every))
        before = last
    return frozenset(due)


class Validator:
    """Has versions of the playbook validated while the training goes on; without validation examples it does nothing.

    With patience the training waits for each result, since it may be the last one.
    """

    def __init__(self, session: Session, plan: Plan) -> None:
        self._session = replace(session, emit=self._tell)
        self._emit = session.emit
        self._rows = session.store.indices(Split.VALIDATION)
        self._judging = session.store.indices(Split.JUDGEMENT)
        self._waits = session.settings.validation.patience is not None
        self.due = due_versions(plan, session.settings.validation.every) if self._rows else frozenset[int]()
        self._phases: dict[bytes, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        kinds = (PhaseKind.VALIDATION, PhaseKind.JUDGEMENT)
        phases = [phase.id for phase in session.store.phase_records() if phase.kind in kinds]
        counts = [session.store.counts(phase) for phase in phases]
        attempted, failed = sum(count[0] for count in counts), sum(count[2] for count in counts)
        self._failures = FailureCount(session.settings.limits.max_failures, attempted, failed)

    @property
    def barriers(self) -> frozenset[int]:
        """Batches that must not start before the version of their number is validated."""
        return self.due if self._waits else frozenset()

    async def at(self, version: int, playbook: Playbook) -> bool:
        """Validate a version if it is due and not yet done. Called for all versions in their order.

        Returns:
            Whether the training is to end here.

        Raises:
            RunStopped, AceError: the run stopped before the result that the training waits for was there.
        """
        if version not in self.due:
            return False
        phase = PhaseKind.VALIDATION.number(version)
        first = self._phases.setdefault(_content(playbook, self._session), phase)
        same_as = None if first == phase else first
        self._session.store.begin_phase(phase, PhaseKind.VALIDATION, version, same_as)
        if same_as is None:
            work = self._answer(PhaseKind.VALIDATION, version, playbook, self._rows)
            self._tasks.append(asyncio.create_task(work))
        if not self._waits:
            return False
        await self.done()
        found = validation(self._session.store)
        return found is not None and found.is_spent

    async def done(self) -> None:
        """Wait for all that was begun.

        Raises:
            RunStopped, AceError: it was not completed.
        """
        tasks, self._tasks = self._tasks, []
        try:
            await asyncio.gather(*tasks)
        finally:
            self._tasks += [task for task in tasks if not task.done()]

    async def judge(self) -> None:
        """The start and the version that is kept answer the examples that had no part in the choice.

        Raises:
            RunStopped, AceError: it was not completed.
        """
        store, found = self._session.store, validation(self._session.store)
        if not self._judging or found is None or not found.kept:
            return
        versions = {version: store.playbook(version) for version in (0, found.kept)}
        if len({_content(playbook, self._session) for playbook in versions.values()}) == 1:
            return
        for version, playbook in versions.items():
            store.begin_phase(PhaseKind.JUDGEMENT.number(version), PhaseKind.JUDGEMENT, version)
            work = self._answer(PhaseKind.JUDGEMENT, version, playbook, self._judging)
            self._tasks.append(asyncio.create_task(work))
        try:
            await self.done()
        finally:
            await self.land()

    async def land(self) -> None:
        """Calls in flight are paid: let them end and be recorded (the stop controller bounds the wait)."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _answer(self, kind: PhaseKind, version: int, playbook: Playbook, rows: Sequence[int]) -> None:
        number, store = kind.number(version), self._session.store
        recorded = {episode.step: episode for episode in store.episodes(phase=number)}
        if len(recorded) == len(rows):
            return
        phase = Phase(self._session, tries=None, phase=number, count=self._failures)
        steps = [PlanStep(step, 0, index, 0, version) for step, index in enumerate(rows)]
        if (episodes := await phase.episodes(steps, recorded, playbook)) is None:
            raise self._session.stop.reason or RunStopped("the run was stopped")
        right, failed = sum(e.correct for e in episodes), sum(e.failed for e in episodes)
        self._emit(VersionValidated(kind, version, len(rows), right, failed))

    def _tell(self, event: Event) -> None:
        """Displays count the examples that are trained on; a validation is told as a whole."""
        if not isinstance(event, ExampleFinished):
            self._emit(event)


def _content(playbook: Playbook, session: Session) -> bytes:
    """Equal for versions of which the Generator sees the same, whatever the question."""
    bullets = [bullet for bullet in playbook.bullets if not bullet.is_quarantined]
    training, model = session.settings.training, session.roles["generator"].model
    text = lines(bullets)
    is_searched = (
        training.max_bullets is not None
        or 0 < MANY * training.near_bullets < len(bullets)
        or model.style is PromptStyle.PLAIN
        or model.count_tokens(text) + len(bullets) > training.context_budget
    )  # then confidence has a say in which bullets are shown
    digest = hashlib.blake2b(text.encode(), digest_size=16)
    for bullet in bullets:
        digest.update(f"\0{bullet.domain_id}\0{bullet.confidence if is_searched else ''}".encode())
    return digest.digest()
