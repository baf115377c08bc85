"""Lines for logs and pipes, and what every display tells alike."""

from __future__ import annotations

import time
from typing import IO, Protocol

from ace_cli.engine.events import (
    BatchMerged,
    CheckpointSaved,
    ConcurrencyChanged,
    EvaluationFinished,
    Event,
    ExampleFinished,
    LessonsTried,
    Notice,
    RetryScheduled,
    RunFinished,
    RunPlanned,
    RunStarted,
    Stopping,
    VersionValidated,
)
from ace_cli.report.format import calls_made, count, duration, merge_line, money, percent
from ace_cli.report.terminal.summary import planned_lines, result_lines
from ace_cli.report.text import printable
from ace_cli.runs.records import Purpose

RETRY_PAUSE = 10.0
"""Seconds between two lines about retries: a rate limit is worth a word, not a flood."""


class Reporter(Protocol):
    """Listens to a run. ``close`` is called once, however the run ended."""

    def __call__(self, event: Event) -> None: ...

    def close(self) -> None: ...


class Writer:
    """A reporter that writes lines to a stream as they come."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, *lines: str) -> None:
        for line in lines:
            self._stream.write(printable(line) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Nothing is held open."""


class ResultReporter(Writer):
    """Only the result, when there is one."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunFinished):
            self.write(*result_lines(event))


class PlainReporter(Writer):
    """One line a batch; failures, retries and checkpoints as they come."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(stream)
        self._planned = self._batches = self._done = 0
        self._is_training = True
        self._started = time.monotonic()
        self._retries = RetryVoice()

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._planned, self._batches = event.total, event.batches
            self._done, self._is_training = event.done, event.purpose is Purpose.TRAIN
            self._started = time.monotonic()  # as the time of a run is counted
            self.write(*started_lines(event))
        elif isinstance(event, RunPlanned):
            self.write(*planned_lines(event))
        elif line := self._line(event):
            self.write(line)

    def _line(self, event: Event) -> str:
        match event:
            case BatchMerged(point):
                elapsed = duration(time.monotonic() - self._started)
                return f"{merge_line(point, self._planned, self._batches)}, {elapsed}"
            case ExampleFinished(replayed=False) if not self._is_training:
                self._done += 1
                if line := self._tenth():
                    self.write(line)
        return self._retries.line(event) or remark(event)

    def _tenth(self) -> str:
        """How far an evaluation is, ten times on its way."""
        before, now = ((done * 10) // max(1, self._planned) for done in (self._done - 1, self._done))
        if before == now or self._done == self._planned:
            return ""
        elapsed = duration(time.monotonic() - self._started)
        return f"{self._done} of {count(self._planned, 'answer')}, {elapsed}"


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
        more = f" ({self._count} retries since the last line)" if self._count > 1 else ""
        if self._said == float("-inf"):
            more = " (Ctrl-C stops the run, nothing is lost)"
        self._said, self._count = time.monotonic(), 0
        return f"{event.role}: {event.kind}, next try in {event.wait:.1f} s: {event.message}{more}"


def started_lines(event: RunStarted) -> list[str]:
    """What is to be done, and who is called for it."""
    done = f", {event.done} already done" if event.done else ""
    if event.purpose is Purpose.EVAL:
        each = event.total // max(1, event.batches)
        word = "going on" if event.resumed else "evaluating"
        plan = f"{word}: {count(event.total, 'answer')} ({event.batches} to each of {count(each, 'example')}){done}"
        return [plan, f"calls go to: {', '.join(event.hosts)}"] if event.hosts else [plan]
    if event.finished:
        done = count(event.total, "example")
        return [f"this run is finished: {done} done; only files that are missing are written again"]
    word = "going on" if event.resumed else "training"
    plan = (
        f"{word}: {count(event.total, 'example')} in {count(event.batches, 'batch', 'batches')}{done}, "
        f"{count(event.playbook_size, 'bullet')} to start with"
    )
    return [plan, f"calls go to: {', '.join(event.hosts)}"] if event.hosts else [plan]


def evaluation_line(event: EvaluationFinished) -> str:
    """How an evaluation ended; what it found is told by whoever asked for it."""
    failed = f", {event.failed} failed" if event.failed else ""
    usage = event.usage
    took = f"{calls_made(usage)}, {usage.tokens:,} tokens, {money(usage.cost_usd)}, {duration(event.seconds)}"
    return f"{event.state}: {event.done} of {count(event.planned, 'answer')}{failed}; {took}; run {event.run_dir}"


def remark(event: Event) -> str:
    """A line for events that any display tells alike; empty for the others."""
    match event:
        case ExampleFinished(failure=failure) if failure and not event.replayed:
            return f"example {event.example_id} failed ({failure}): {event.error}"
        case VersionValidated():
            right = percent(event.correct / event.rows)
            version = f"version {event.version}" if event.version else "the starting playbook"
            failed = f", {event.failed} failed" if event.failed else ""
            return f"{event.kind}: {version}: {right} of {count(event.rows, 'example')} right{failed}"
        case LessonsTried():
            lessons, answers = count(event.lessons, "new lesson"), count(event.answers, "answer")
            return f"try-out of batch {event.batch + 1}: {event.kept} of {lessons} helped ({answers})"
        case ConcurrencyChanged(before, limit, reason) if limit < before:
            return f"{count(limit, 'call')} at once from now on, not {before}: {reason}"
        case CheckpointSaved():
            return f"checkpoint: {event.path}"
        case Stopping():
            # Not why: that is the error at the end.
            calls = count(event.in_flight, "call")
            grace = f": {calls} in flight may end (at most {event.grace:g} s, Ctrl-C ends them now)"
            return f"stopping{grace if event.in_flight else ''}"
        case Notice(message):
            return message
        case EvaluationFinished():
            return evaluation_line(event)
    return ""
