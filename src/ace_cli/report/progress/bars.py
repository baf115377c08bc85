"""Bars for a terminal: the epoch, the batch, and one line with what matters while it runs."""

from __future__ import annotations

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from ace_cli.engine.events import (
    BatchMerged,
    BatchStarted,
    CallFinished,
    CallStarted,
    ConcurrencyChanged,
    EvaluationFinished,
    Event,
    ExampleFinished,
    ReplyReused,
    RunFinished,
    RunPlanned,
    RunStarted,
    RunWithdrawn,
)
from ace_cli.report.format import count, money, percent
from ace_cli.report.progress.plain import RetryVoice, remark, started_lines
from ace_cli.report.terminal.summary import planned_lines
from ace_cli.report.text import printable
from ace_cli.runs.records import Purpose, Usage


class RichReporter:
    """Redrawn four times a second, however many events there are."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=self._console,
            expand=True,
        )
        self._epoch, self._batch = self._bars.add_task("epoch"), self._bars.add_task("batch")
        self._live: Live | None = None
        self._epochs = self._batches = 0
        self._done = self._correct = self._failed = self._bullets = self._in_flight = 0
        self._limit = 0
        self._usage = Usage()
        self._retries = RetryVoice()
        self._waiting = ""
        self._is_training = True

    def __call__(self, event: Event) -> None:
        match event:
            case RunPlanned():
                for planned in planned_lines(event):
                    self._console.print(Text(printable(planned)))
            case RunStarted():
                self._start(event)
            case BatchStarted():
                self._show_batch(event)
            case CallStarted():
                self._in_flight = event.in_flight
            case CallFinished():
                self._in_flight, self._usage = event.in_flight, event.usage
                if event.ok:
                    self._waiting = ""
            case ConcurrencyChanged(limit=limit):
                self._limit = limit
            case ReplyReused():
                self._usage = event.usage
            case ExampleFinished():
                self._count(event)
            case BatchMerged(point):
                self._bullets = point.playbook_size
            case RunFinished() | RunWithdrawn() | EvaluationFinished():
                self.close()
        line = remark(event)
        if line:
            self._console.print(Text(printable(line)))
        if waiting := self._retries.line(event):
            self._waiting = printable(waiting)

    def close(self) -> None:
        if self._live is not None:
            self._live.update(self._picture(), refresh=True)
            self._live.stop()
            self._live = None

    def _start(self, event: RunStarted) -> None:
        for line in started_lines(event):
            self._console.print(Text(printable(line)))
        self._epochs, self._batches = event.epochs, event.batches
        self._done, self._correct, self._failed = event.done, event.correct, event.failed
        self._bullets, self._usage = event.playbook_size, event.usage
        self._is_training = event.purpose is Purpose.TRAIN
        self._bars.update(self._batch, visible=self._is_training)
        epoch, batch = f"epoch 1/{event.epochs}", f"batch 0/{event.batches}"
        if not self._is_training:
            epoch = "answers"
        self._bars.reset(self._epoch, total=event.total, completed=event.done, description=epoch)
        self._bars.reset(self._batch, total=1, description=batch)
        self._live = Live(get_renderable=self._picture, console=self._console, refresh_per_second=4)
        self._live.start()

    def _show_batch(self, event: BatchStarted) -> None:
        self._bars.update(self._epoch, description=f"epoch {event.epoch + 1}/{self._epochs}")
        batch = f"batch {event.batch + 1}/{self._batches}"
        self._bars.reset(self._batch, total=event.size, description=batch)

    def _count(self, event: ExampleFinished) -> None:
        self._bars.advance(self._batch)
        if event.replayed:  # counted by RunStarted
            return
        self._done += 1
        self._correct += event.correct
        self._failed += bool(event.failure)
        self._bars.update(self._epoch, completed=self._done)

    def _picture(self) -> Group:
        accuracy = f"accuracy {percent(self._correct / self._done) if self._done else '-'}"
        parts = [
            *([accuracy] if self._is_training else ()),  # of an evaluation, it would mix the arms
            count(self._bullets, "bullet"),
            money(self._usage.cost_usd),
            *([f"{self._failed} failed"] if self._failed else ()),
            f"{self._in_flight} in flight" + (f" of {self._limit}" if self._limit else ""),
            *([f"{self._usage.cached_calls:,} from the cache"] if self._usage.cached_calls else ()),
        ]
        line = Text(" · ".join(parts), style="bold")
        waiting = Text(self._waiting, style="yellow", overflow="ellipsis", no_wrap=True)
        return Group(self._bars, line, *([waiting] if self._waiting else ()))
