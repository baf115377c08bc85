"""Evaluation as the job of a session: every example in every arm, all of them in flight together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ace_cli.engine.events import EvaluationFinished, Event, Listener, RunStarted
from ace_cli.engine.example import PlanStep
from ace_cli.engine.failures import FailureCount
from ace_cli.engine.phase import Phase
from ace_cli.engine.session import Session, hold
from ace_cli.engine.wiring import NO_REPLACEMENTS, Replacements
from ace_cli.errors import RunStopped
from ace_cli.evaluation.finding import REPORT_FILE, Finding, evaluation_of, examine, left_out, without
from ace_cli.evaluation.phases import Side, phases_of, side_of, sides_of
from ace_cli.files import write_atomic
from ace_cli.llm.hosts import hosts
from ace_cli.playbook import Playbook
from ace_cli.runs.codec import dumps_pretty
from ace_cli.runs.overview import overview
from ace_cli.runs.records import Episode, Purpose, State
from ace_cli.settings import Settings

_TOGETHER = 8
"""Examples of an arm that are taken before the other arm's: both are measured at about the same time."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A finished evaluation."""

    run_dir: Path
    finding: Finding


def answering_only(settings: Settings) -> Settings:
    """``settings`` whose other roles are the Generator: an evaluation calls nobody else, and needs no other price or key."""
    models = settings.models
    alone = models.model_copy(
        update={
            "reflector": models.reflector.model_copy(update=dict(models.generator)),
            "curator": models.curator.model_copy(update={"model": None}),
        }
    )
    return settings.model_copy(update={"models": alone})


def evaluate(
    run_dir: Path, settings: Settings, emit: Listener, replacements: Replacements = NO_REPLACEMENTS
) -> Evaluated:
    """Work an evaluation off, from wherever it stands.

    Raises:
        RunStopped, AceError: as :func:`~ace_cli.engine.session.hold`.
    """
    return hold(run_dir, answering_only(settings), EvaluationJob, emit, replacements)


class EvaluationJob:
    """See :class:`~ace_cli.engine.session.Job`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._evaluation = evaluation_of(session.store)
        self._rows = session.store.example_count()
        self.phases = phases_of(self._evaluation, sides_of(self._evaluation))
        counts = [session.store.counts(phase) for phase in self.phases]
        self._done, self._right, self._failed = (sum(column) for column in zip(*counts, strict=True))
        limit = session.settings.limits.max_failures
        self._failures = FailureCount(limit, self._done, self._failed)

    def started(self) -> Event:
        session = self._session
        return RunStarted(
            run_dir=str(session.run_dir),
            total=len(self.phases) * self._rows,
            batches=len(self.phases),
            epochs=1,
            done=self._done,
            correct=self._right,
            failed=self._failed,
            playbook_size=len(session.store.header().base_playbook),
            usage=session.ledger.total,
            resumed=len(session.store.sessions()) > 1,
            hosts=hosts(session.settings.models),
            purpose=Purpose.EVAL,
        )

    async def run(self) -> None:
        """See :class:`~ace_cli.engine.session.Job`."""
        evaluation = self._evaluation
        measured = self._session.store.header().base_playbook
        playbooks = {Side.BASE: evaluation.against or Playbook(), Side.PLAYBOOK: measured}
        if evaluation.is_baseline:
            del playbooks[Side.PLAYBOOK]
        await self._answer(playbooks)
        if evaluation.ablate:
            ids = left_out(self._session.store, evaluation)
            await self._answer({Side.ABLATED: without(measured, ids)})

    def write(self) -> Evaluated:
        """See :class:`~ace_cli.engine.session.Job`."""
        run_dir = self._session.run_dir
        finding = examine(self._session.store)
        write_atomic(run_dir / REPORT_FILE, dumps_pretty(finding.to_dict()), inside=run_dir)
        return Evaluated(run_dir, finding)

    def finished(self, state: State, reason: str) -> Event:
        """See :class:`~ace_cli.engine.session.Job`."""
        run = overview(self._session.store)
        return EvaluationFinished(
            state=state,
            reason=reason,
            run_dir=str(run.run_dir),
            planned=run.planned,
            done=run.done,
            failed=run.failed,
            seconds=run.seconds,
            usage=run.bill,
            by_role=dict(run.usage),
        )

    async def _answer(self, playbooks: Mapping[Side, Playbook]) -> None:
        """Every example with each of ``playbooks``, as often as is asked for.

        Raises:
            RunStopped, AceError: it stopped before all is answered.
        """
        session, numbers = self._session, phases_of(self._evaluation, list(playbooks))
        phases, recorded = {}, {}
        for number in numbers:
            session.store.begin_phase(number, _kind(number))
            phases[number] = Phase(session, tries=None, phase=number, count=self._failures)
            recorded[number] = {episode.step: episode for episode in session.store.episodes(phase=number)}
        tasks = [
            asyncio.create_task(
                phases[number].episodes(
                    _steps(start, min(start + _TOGETHER, self._rows)),
                    recorded[number],
                    playbooks[side_of(number)[0]],
                )
            )
            for start in range(0, self._rows, _TOGETHER)
            for number in numbers
        ]
        if None in await _all(tasks):
            raise session.stop.reason or RunStopped("the run was stopped")


async def _all(tasks: Sequence[asyncio.Task[list[Episode] | None]]) -> list[list[Episode] | None]:
    """What the tasks give; where one is cut off or breaks, all of them end."""
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _steps(start: int, stop: int) -> list[PlanStep]:
    """All of a phase's examples see one version of a playbook; steps are places in the dataset."""
    return [PlanStep(step, epoch=0, index=step, batch=0, version=0) for step in range(start, stop)]


def _kind(phase: int) -> str:
    side, repeat = side_of(phase)
    return f"eval {side.label} {repeat}"
