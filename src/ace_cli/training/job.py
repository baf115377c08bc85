"""Training as the job of a session: from the plan to the playbook's file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ace_cli.engine.checks import check_outputs
from ace_cli.engine.events import Event, Listener, RunFinished, RunStarted
from ace_cli.engine.phase import Phase
from ace_cli.engine.session import Session, hold
from ace_cli.engine.wiring import NO_REPLACEMENTS, Replacements
from ace_cli.llm.hosts import hosts
from ace_cli.playbook import Playbook
from ace_cli.runs.overview import overview
from ace_cli.runs.records import TRAINING, State
from ace_cli.runs.target import question_words, training_config
from ace_cli.runs.validated import validation
from ace_cli.settings import Settings
from ace_cli.training.findings import findings
from ace_cli.training.memory import Memory
from ace_cli.training.outputs import Checkpoints, write_outputs
from ace_cli.training.plan import make_plan, most_lag
from ace_cli.training.trainer import Trainer
from ace_cli.training.tryout import Tryout
from ace_cli.training.validation import Validator


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """A finished training run."""

    run_dir: Path
    playbook: Playbook
    playbook_path: Path
    metrics_path: Path
    metrics: Mapping[str, Any]


def train(
    run_dir: Path, settings: Settings, emit: Listener, replacements: Replacements = NO_REPLACEMENTS
) -> TrainedRun:
    """Work a training run off, from wherever it stands, and write its files.

    Raises:
        RunStopped, AceError: as :func:`~ace_cli.engine.session.hold`.
    """
    check_outputs(settings.output)
    return hold(run_dir, settings, TrainingJob, emit, replacements)


class TrainingJob:
    """See :class:`~ace_cli.engine.session.Job`."""

    phases = (TRAINING,)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._plan = make_plan(session.settings, session.store.segments())
        was_finished = session.store.state().state is State.FINISHED
        self._validator = Validator(session, self._plan)
        self._nothing_new = was_finished and self._is_done()
        self._trained: Playbook
        """After the last merge; there when :meth:`run` has ended."""

    def started(self) -> Event:
        store, plan = self._session.store, self._plan
        done, correct, failed = store.counts()
        return RunStarted(
            run_dir=str(self._session.run_dir),
            total=plan.steps,
            batches=plan.batch_count,
            epochs=plan.epochs,
            done=done,
            correct=correct,
            failed=failed,
            playbook_size=store.playbook_size(),
            usage=self._session.ledger.total,
            resumed=len(store.sessions()) > 1,
            hosts=hosts(self._session.settings.models),
            finished=self._nothing_new,
        )

    async def run(self) -> None:
        """See :class:`~ace_cli.engine.session.Job`."""
        session, settings = self._session, self._session.settings
        store, output = session.store, settings.output
        checkpoints = Checkpoints(
            store.run_dir,
            training_config(store),
            output.checkpoint_interval if output.checkpoints else None,
            session.emit,
        )
        training = settings.training
        memory = Memory(question_words(store), most_lag(training) * training.batch_size)
        phase = Phase(
            session,
            tries=settings.training.reflection_rounds,
            look_around=memory.around,
            only_wrong=settings.training.reflect_on == "wrong",
        )
        tryout = Tryout(session, memory, settings.training.tryout)
        trainer = Trainer(session, self._plan, phase, checkpoints.on_merge, self._validator, memory, tryout)
        self._trained = await trainer.train()
        await self._validator.judge()

    def write(self) -> TrainedRun:
        """See :class:`~ace_cli.engine.session.Job`."""
        session, output = self._session, self._session.settings.output
        found = validation(session.store)
        playbook = self._trained if found is None else session.store.playbook(found.kept)
        metrics = write_outputs(session.store, playbook, output, session.emit, nothing_new=self._nothing_new)
        return TrainedRun(session.run_dir, playbook, output.playbook, output.metrics, metrics)

    def finished(self, state: State, reason: str) -> Event:
        """See :class:`~ace_cli.engine.session.Job`."""
        output, run = self._session.settings.output, overview(self._session.store)
        return RunFinished(
            state=state,
            reason=reason,
            run_dir=str(run.run_dir),
            playbook_path=_near(output.playbook),
            metrics_path=_near(output.metrics),
            examples=run.done,
            correct=run.correct,
            failed=run.failed,
            accuracy=round(run.accuracy or 0.0, 6),
            playbook_size=run.playbook_size,
            seconds=run.seconds,
            usage=run.bill,
            by_role=dict(run.usage),
            curve=tuple(run.curve),
            notes=findings(self._session.store).words if state is State.FINISHED else (),
        )

    def _is_done(self) -> bool:
        """Whether the plan is worked off, or was ended before its end."""
        found = validation(self._session.store)
        return self._session.store.counts()[0] == self._plan.steps or (found is not None and found.is_spent)


def _near(path: Path) -> str:
    """``path`` as a user would write it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
