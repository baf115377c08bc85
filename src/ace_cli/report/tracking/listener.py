"""Hands a run's events to trackers, each in a thread of its own: a slow one holds nobody up, one that fails stops nothing and is told once."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ace_cli.engine.events import (
    BatchMerged,
    Event,
    Listener,
    Notice,
    RunFinished,
    RunStarted,
    RunWithdrawn,
    VersionValidated,
)
from ace_cli.errors import AceError
from ace_cli.files import digest
from ace_cli.redact import redact
from ace_cli.report.tracking.base import Tracked, Tracker
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import CurvePoint, Purpose, State

PATIENCE = 30.0
"""Seconds that a tracker gets at the end of a run, to write down what it was told."""


def _mlflow() -> Tracker:
    from ace_cli.report.tracking.mlflow import MlflowTracker

    return MlflowTracker()


def _wandb() -> Tracker:
    from ace_cli.report.tracking.wandb import WandbTracker

    return WandbTracker()


TRACKERS: dict[str, Callable[[], Tracker]] = {"mlflow": _mlflow, "wandb": _wandb}


@contextlib.contextmanager
def tracked(names: Sequence[str], emit: Listener) -> Iterator[Listener]:
    """``emit``, and these trackers beside it."""
    if not names:
        yield emit
        return
    desks = [_Desk(name, TRACKERS[name]()) for name in dict.fromkeys(names)]

    def listen(event: Event) -> None:
        emit(event)
        if isinstance(event, RunStarted) and event.purpose is not Purpose.TRAIN:
            emit(Notice("evaluations are not tracked: --track is for training"))
        for desk in desks:
            desk.put(event)
            _tell(desk, emit)

    try:
        yield listen
    finally:
        for desk in desks:
            desk.close()
            _tell(desk, emit)


def _tell(desk: _Desk, emit: Listener) -> None:
    if (said := desk.problem) is not None and not desk.is_told:
        desk.is_told = True
        emit(Notice(f"{desk.name} is not told any more: {said}"))


class _Desk:
    """A tracker with the thread that it works in."""

    def __init__(self, name: str, tracker: Tracker) -> None:
        self.name = name
        self.problem: str | None = None
        self.is_told = False
        self._tracker = tracker
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._seen = {0: 0}
        self._thread: threading.Thread | None = None

    def put(self, event: Event) -> None:
        if isinstance(event, RunStarted) and event.purpose is Purpose.TRAIN:
            self._thread = threading.Thread(target=self._work, name=f"track-{self.name}", daemon=True)
            self._thread.start()
        if self._thread is not None:
            self._events.put(event)

    def close(self) -> None:
        self._events.put(None)
        if self._thread is None:
            return
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            self.problem = self.problem or f"it does not answer (waited for {PATIENCE:g} s)"

    def _work(self) -> None:
        try:
            while (event := self._events.get()) is not None:
                self._hand_on(event)
        except AceError as error:
            self.problem = f"{error.message}. {error.hint}" if error.hint else error.message
        except Exception as error:  # noqa: BLE001 - whatever goes wrong with a tracker, the run goes on
            self.problem = redact(" ".join(f"{type(error).__name__}: {error}".split()))[:300]

    def _hand_on(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._begin(Path(event.run_dir))
            case BatchMerged(point):
                self._log(point)
            case VersionValidated():
                step = self._seen.get(event.version, 0)
                self._tracker.log({f"{event.kind.value}_accuracy": event.correct / event.rows}, step)
            case RunFinished():
                step = max(self._seen.values())
                self._tracker.log({"seconds": event.seconds, "failed": event.failed}, step)
                files = [Path(event.playbook_path), Path(event.metrics_path)]
                self._tracker.end(event.state, files if event.state is State.FINISHED else [])
            case RunWithdrawn():
                self._tracker.end(State.FAILED, [])
            case _:
                pass

    def _begin(self, run_dir: Path) -> None:
        with RunReader(run_dir) as reader:
            header = reader.header()
            earlier = [merge.curve for merge in reader.merges()]
        key = digest(f"{run_dir.resolve().name} {header.created_at} {header.dataset_hash}".encode())[:12]
        settings = {path: str(value) for path, value in header.identity.items() if value is not None}
        is_known = self._tracker.begin(Tracked(key, run_dir.resolve().name, settings))
        for point in earlier:  # of sessions that were not tracked
            self._seen[point.batch + 1] = point.examples_seen
            if not is_known:
                self._log(point)

    def _log(self, point: CurvePoint) -> None:
        self._seen[point.batch + 1] = point.examples_seen
        values: dict[str, float] = {
            "accuracy": point.accuracy,
            "batch_accuracy": point.batch_accuracy,
            "playbook_size": point.playbook_size,
            "bullets_added": point.bullets_added,
            "calls": point.calls,
            "tokens": point.tokens,
        }
        if point.cost_usd is not None:
            values["cost_usd"] = point.cost_usd
        self._tracker.log(values, point.examples_seen)
