"""What a run shows: plain lines, JSON lines, bars at a terminal, or only the result; and to nobody, if nobody is there."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable
from typing import Any

import pytest

from ace_cli.engine.events import (
    BatchMerged,
    BatchStarted,
    CallFinished,
    CallStarted,
    CheckpointSaved,
    Event,
    ExampleFinished,
    Notice,
    RetryScheduled,
    RunFinished,
    RunStarted,
    Stopping,
)
from ace_cli.report.progress.reporter import reporter
from ace_cli.report.terminal.summary import result_lines
from ace_cli.runs.records import CurvePoint, State, Usage
from ace_cli.settings import DisplaySettings

HOSTILE = "\x1b[31mred [bold]x[/bold] \x00 \u202egnp \ud800 \x9b2J\r\nnext"
USAGE = Usage(3, 100, 50, 0, 0, 1, 0.25)


def point(batch: int, text: float = 0.5) -> CurvePoint:
    return CurvePoint(batch, 0, 10 * (batch + 1), 5 * (batch + 1), 0, 0.5, text, 4, 2, 1, {}, 20, 900, 0.25)


def story(text: str, state: State = State.FINISHED) -> Iterable[Event]:
    """A small run in which ``text`` stands wherever somebody else's text may."""
    yield RunStarted(text, 20, 2, 1, 0, 0, 0, 0, Usage(), False)
    yield Notice(f"notice {text}")
    yield BatchStarted(0, 0, 10, 0)
    yield CallStarted("generator", 1)
    yield RetryScheduled("generator", "rate_limit", 1, 2.5, text)
    yield RetryScheduled("generator", "rate_limit", 2, 2.5, text)
    yield CallFinished("generator", 0, True, USAGE)
    yield ExampleFinished(text, 0, 0, True, "", "", 1.0)
    yield ExampleFinished(text, 1, 0, False, "timeout", text, 1.0)
    yield ExampleFinished(text, 2, 0, False, "timeout", text, 1.0, replayed=True)
    yield BatchMerged(point(0))
    yield CheckpointSaved(text, 10)
    yield Stopping(text, 2, 30.0)
    yield RunFinished(
        state, text, text, text, text, 20, 10, 1, 0.5, 4, 75.0, USAGE, {"generator": USAGE}, (point(0), point(1))
    )  # fmt: skip


def tell(monkeypatch: pytest.MonkeyPatch, text: str = "words", **display: Any) -> tuple[str, str]:
    """(stdout, stderr) of a small run."""
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with reporter(DisplaySettings(**display)) as listen:
        for event in story(text):
            listen(event)
    monkeypatch.undo()
    return out.getvalue(), err.getvalue()


def test_without_a_terminal_there_is_a_line_a_batch_and_the_result_on_stdout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, err = tell(monkeypatch)
    lines = err.splitlines()
    assert lines[0] == "training: 20 examples in 2 batches, 0 bullets to start with"
    assert "generator: rate_limit, next try in 2.5 s: words (Ctrl-C stops the run, nothing is lost)" in lines
    assert sum("next try" in line for line in lines) == 1  # not a line for every one
    assert sum("failed (timeout)" in line for line in lines) == 1  # not again for what was on record
    assert any(line.startswith("batch 1/2: 10/20 examples, accuracy 50.0 %") for line in lines)
    assert "checkpoint: words" in lines
    assert lines[-1] == "stopping: 2 calls in flight may end (at most 30 s, Ctrl-C ends them now)"
    assert out.splitlines()[0] == "accuracy   50.0 % at first sight (10 of 20 examples, 1 failed)"
    assert out.splitlines()[-1] == "next       ace inspect words"
    assert "$0.2500 (3 calls, 100 + 50 tokens, 1 retry)" in out


@pytest.mark.parametrize(
    "display", [{"quiet": True}, {"progress": "none"}, {"progress": "rich", "quiet": True}]
)
def test_quiet_means_the_result_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, display: dict[str, Any]
) -> None:
    out, err = tell(monkeypatch, **display)
    assert err == ""
    assert out.startswith("accuracy ")


@pytest.mark.parametrize("text", ["words", HOSTILE], ids=["plain", "hostile"])
def test_json_is_an_event_a_line_and_the_result_alone_on_stdout(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    out, err = tell(monkeypatch, text, progress="json")
    assert (out + err).isascii()
    assert "\x1b" not in err
    assert "\x00" not in err
    events = [json.loads(line) for line in err.splitlines()]
    assert [event["event"] for event in events][:3] == ["run_started", "notice", "batch_started"]
    assert len(events) == len(list(story(text)))
    assert all("time" in event for event in events)
    assert events[1]["message"] == f"notice {text}"
    assert events[-1]["by_role"]["generator"]["calls"] == 3
    assert json.loads(out) == events[-1]
    out, err = tell(monkeypatch, text, progress="json", quiet=True)
    assert err == ""
    assert json.loads(out)["event"] == "run_finished"


@pytest.mark.parametrize("progress", ["plain", "rich"])
def test_text_of_others_cannot_speak_to_the_terminal(monkeypatch: pytest.MonkeyPatch, progress: str) -> None:
    out, err = tell(monkeypatch, HOSTILE, progress=progress)
    for shown in (out, err):
        assert "\\x1b[31mred [bold]x[/bold]" in shown
        for bad in ("\x1b[31m", "\x00", "\u202e", "\ud800", "\x9b"):
            assert bad not in shown
        assert shown.encode()


class Gone(io.StringIO):
    """A pipe that nobody reads any more."""

    def __init__(self, after: int = 0) -> None:
        super().__init__()
        self.left = after

    def write(self, text: str) -> int:
        self.left -= 1
        if self.left < 0:
            raise BrokenPipeError
        return super().write(text)


@pytest.mark.parametrize("progress", ["plain", "json", "rich", "auto"])
@pytest.mark.parametrize("stream", ["stderr", "stdout"])
@pytest.mark.parametrize("gone", [None, Gone(), Gone(2)], ids=["closed", "broken", "breaks"])
def test_who_does_not_listen_stops_no_run_and_takes_nothing_from_the_other(
    monkeypatch: pytest.MonkeyPatch, progress: str, stream: str, gone: Gone | None
) -> None:
    kept = io.StringIO()
    monkeypatch.setattr(sys, stream, gone)
    monkeypatch.setattr(sys, "stdout" if stream == "stderr" else "stderr", kept)
    with reporter(DisplaySettings.model_validate({"progress": progress})) as listen:
        for event in story("words"):
            listen(event)
    monkeypatch.undo()
    assert ('"accuracy": 0.5' if progress == "json" else "50.0 %") in kept.getvalue()


def test_a_stopped_run_says_how_to_go_on() -> None:
    *_, last = story("run-1", State.STOPPED)
    assert isinstance(last, RunFinished)
    lines = result_lines(last)
    assert "playbook   4 bullets so far" in lines
    assert lines[-1] == "next       ace resume run-1"


def test_a_display_that_nobody_reads_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    class Gone:
        def __call__(self, event: object) -> None:
            heard.append("event")
            raise OSError(5, "Input/output error")

        def close(self) -> None:
            heard.append("close")

    monkeypatch.setattr("ace_cli.report.progress.bars.RichReporter", Gone)
    monkeypatch.setattr(sys, "stdout", None)
    with reporter(DisplaySettings(progress="rich")) as listen:
        listen(Notice("one"))
        assert heard == ["event", "close"]
        listen(Notice("two"))
    assert heard == ["event", "close"]
