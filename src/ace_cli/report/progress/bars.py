"""Bars for a terminal: the epoch, the batch, and one line with what matters while it runs."""

from __future__ import annotations

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from ace_cli.engine.events import (
    BatchMerged,
    BatchStarted,
    CallFinished,
    CallStarted,
    Event,
    ExampleFinished,
    RunFinished,
    RunStarted,
)
from ace_cli.report.format import money, percent
from ace_cli.report.progress.plain import RetryVoice, remark, started_line
from ace_cli.report.text import printable
from ace_cli.runs.records import Usage


class RichReporter:
    """Redrawn four times a second, however many events there are."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=self._console,
            expand=True,
        )
        self._live: Live | None = None
        self._epoch: TaskID | None = None
        self._batch: TaskID | None = None
        self._epochs = self._batches = self._batch_number = self._epoch_number = 0
        self._done = self._correct = self._failed = self._bullets = self._in_flight = 0
        self._usage = Usage()
        self._retries = RetryVoice()
        self._waiting = ""

    def __call__(self, event: Event) -> None:
        match event:
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
            case ExampleFinished():
                self._count(event)
            case BatchMerged(point):
                self._bullets = point.playbook_size
            case RunFinished():
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
        self._console.print(Text(printable(started_line(event))))
        self._epochs, self._batches = event.epochs, event.batches
        self._done, self._correct, self._failed = event.done, event.correct, event.failed
        self._bullets, self._usage = event.playbook_size, event.usage
        self._epoch = self._bars.add_task("epoch", total=event.total, completed=event.done, note="")
        self._batch = self._bars.add_task("batch", total=1, note="")
        self._live = Live(get_renderable=self._picture, console=self._console, refresh_per_second=4)
        self._live.start()

    def _show_batch(self, event: BatchStarted) -> None:
        if self._batch is None:
            return
        self._batch_number, self._epoch_number = event.batch + 1, event.epoch + 1
        self._bars.reset(self._batch, total=event.size, completed=0)

    def _count(self, event: ExampleFinished) -> None:
        if self._batch is not None:
            self._bars.advance(self._batch)
        if event.replayed or self._epoch is None:  # counted by RunStarted
            return
        self._done += 1
        self._correct += event.correct
        self._failed += bool(event.failure)
        self._bars.update(self._epoch, completed=self._done)

    def _picture(self) -> Group:
        if self._epoch is not None and self._batch is not None:
            epoch = f"epoch {max(1, self._epoch_number)}/{self._epochs}"
            self._bars.update(self._epoch, description=epoch)
            self._bars.update(self._batch, description=f"batch {self._batch_number}/{self._batches}")
        accuracy = percent(self._correct / self._done) if self._done else "-"
        parts = [f"accuracy {accuracy}", f"{self._bullets} bullets", money(self._usage.cost_usd)]
        if self._failed:
            parts.append(f"{self._failed} failed")
        parts.append(f"{self._in_flight} in flight")
        line = Text(" · ".join(parts), style="bold")
        waiting = (
            [Text(self._waiting, style="yellow", overflow="ellipsis", no_wrap=True)] if self._waiting else []
        )
        return Group(self._bars, line, *waiting)
