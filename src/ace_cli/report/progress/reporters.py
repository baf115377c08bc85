"""The reporters. Each listens to the engine's events; which one it is, settings and terminal decide.

Progress goes to stderr and results to stdout, so that ``ace train > result.txt`` still shows bars.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import IO, Protocol

from ace_cli.engine.events import (
    BatchMerged,
    CheckpointSaved,
    Event,
    ExampleFinished,
    Notice,
    RetryScheduled,
    RunFinished,
    RunStarted,
    Stopping,
)
from ace_cli.report.terminal.summary import count, money, percent, result_lines, span
from ace_cli.report.text import printable
from ace_cli.settings import DisplaySettings

RETRY_PAUSE = 10.0
"""Seconds between two lines about retries: a rate limit is worth a word, not a flood."""


class Reporter(Protocol):
    """Listens to a run. ``close`` is called once, however the run ended."""

    def __call__(self, event: Event) -> None: ...

    def close(self) -> None: ...


@contextlib.contextmanager
def reporter(display: DisplaySettings) -> Iterator[Callable[[Event], None]]:
    """The listener that fits settings and terminal. A terminal or pipe that has gone away stops no run."""
    listening = _choose(display)

    def listen(event: Event) -> None:
        for inner in tuple(listening):
            try:
                inner(event)
            except (OSError, ValueError):  # nobody reads it any more: the work goes on, the store knows all
                listening.remove(inner)
                with contextlib.suppress(OSError, ValueError):
                    inner.close()  # or a display would go on drawing by itself

    try:
        yield listen
    finally:
        for inner in listening:
            with contextlib.suppress(OSError, ValueError):
                inner.close()


def _choose(display: DisplaySettings) -> list[Reporter]:
    """Who tells the progress, and who tells the result: apart, since one reader may leave before the other."""
    kind = display.progress
    err, out = sys.stderr, sys.stdout  # None where the process was started without
    if kind == "auto":
        dumb = os.environ.get("TERM", "") in ("dumb", "")
        kind = "rich" if err and err.isatty() and not (dumb and os.name != "nt") else "plain"
    chosen: list[Reporter] = []
    if err and not display.quiet:
        if kind == "json":
            from ace_cli.report.progress.json_lines import JsonReporter

            chosen.append(JsonReporter(err))
        elif kind == "rich":
            from ace_cli.report.progress.bars import RichReporter

            chosen.append(RichReporter())
        elif kind == "plain":
            chosen.append(PlainReporter(err))
    if out:
        if kind == "json":
            from ace_cli.report.progress.json_lines import JsonResult

            chosen.append(JsonResult(out))
        else:
            chosen.append(ResultReporter(out))
    return chosen


class ResultReporter:
    """Only the result, when there is one."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunFinished):
            for line in result_lines(event):
                self._out.write(printable(line) + "\n")
            self._out.flush()

    def close(self) -> None:
        pass


class PlainReporter:
    """One line a batch; failures, retries and checkpoints as they come. For logs and pipes."""

    def __init__(self, err: IO[str]) -> None:
        self._err = err
        self._total = self._batches = 0
        self._started = time.monotonic()
        self._retries = RetryVoice()

    def __call__(self, event: Event) -> None:
        line = self._line(event)
        if line:
            self._err.write(printable(line) + "\n")
            self._err.flush()

    def _line(self, event: Event) -> str:
        match event:
            case RunStarted():
                self._total, self._batches = event.total, event.batches
                return started_line(event)
            case BatchMerged(point):
                changes = f"+{point.bullets_added}, {point.bullets_incremented} repeated"
                return (
                    f"batch {point.batch + 1}/{self._batches}: {point.examples_seen}/{self._total} examples, "
                    f"accuracy {percent(point.accuracy)} (batch {percent(point.batch_accuracy)}), "
                    f"{point.playbook_size} bullets ({changes}), {money(point.cost_usd)}, "
                    f"{span(time.monotonic() - self._started)}"
                )
        return self._retries.line(event) or remark(event)

    def close(self) -> None:
        pass


class RetryVoice:
    """Says that calls are being retried, now and then, with how many since the last word."""

    def __init__(self) -> None:
        self._said = float("-inf")
        self._count = 0

    def line(self, event: Event) -> str:
        """A line to print, or an empty text."""
        if not isinstance(event, RetryScheduled):
            return ""
        self._count += 1
        if time.monotonic() - self._said < RETRY_PAUSE:
            return ""
        more = f" ({self._count} retries since the last word)" if self._count > 1 else ""
        if self._said == float("-inf"):
            more = " (Ctrl-C stops the run, nothing is lost)"
        self._said, self._count = time.monotonic(), 0
        return f"{event.role}: {event.kind}, next try in {event.wait:.1f} s: {event.message}{more}"


def started_line(event: RunStarted) -> str:
    done = f", {event.done} done before" if event.done else ""
    word = "going on" if event.resumed else "training"
    return (
        f"{word}: {count(event.total, 'example')} in {count(event.batches, 'batch', 'batches')}{done}, "
        f"{count(event.playbook_size, 'bullet')} to start with"
    )


def remark(event: Event) -> str:
    """A line for events that any display tells alike; empty for the others."""
    match event:
        case ExampleFinished(failure=failure) if failure and not event.replayed:
            return f"example {event.example_id} failed ({failure}): {event.error}"
        case CheckpointSaved():
            return f"checkpoint: {event.path}"
        case Stopping():
            grace = f"; {event.in_flight} calls in flight may end (at most {event.grace:g} s, Ctrl-C ends them now)"
            return f"stopping: {event.reason}{grace if event.in_flight else ''}"
        case Notice(message):
            return message
    return ""
