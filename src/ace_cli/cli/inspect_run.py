"""`ace inspect` of a run: at a glance, one example's story, and live."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain

from rich.text import Text

from ace_cli.errors import UsageError
from ace_cli.playbook.nearest import nearest_ids
from ace_cli.report.format import merge_line
from ace_cli.report.terminal.example_view import example_lines, example_story
from ace_cli.report.terminal.paging import Output, write_lines
from ace_cli.report.terminal.run_view import live_lines, run_lines
from ace_cli.report.text import printable
from ace_cli.runs.overview import Overview, overview
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import Purpose, State
from ace_cli.training.findings import final_words

_GLANCE = 1.0
"""Seconds between two looks at a run that goes on."""


def show_run(run: RunReader, out: Output) -> None:
    """State, costs by role, accuracy and growth, failures by cause, slowest and most expensive examples, settings.

    Of an evaluation, what it found comes first.
    """
    seen = overview(run)
    found = final_words(run)
    lines = run_lines(seen, out.width, whole=out.whole, ascii_only=out.ascii_only, findings=found)
    if seen.purpose is Purpose.EVAL:
        _show_evaluation(run, seen, lines, out)
    else:
        out.show(lambda: {**seen.to_dict(), "findings": list(found)}, lines)


def _show_evaluation(run: RunReader, seen: Overview, lines: Iterator[Text], out: Output) -> None:
    from ace_cli.evaluation.finding import examine, is_complete
    from ace_cli.report.terminal.finding_view import finding_lines

    finding = examine(run) if is_complete(run) else None
    told = (
        []
        if finding is None
        else finding_lines(finding, out.width, whole=out.whole, ascii_only=out.ascii_only)
    )
    out.show(
        lambda: {**seen.to_dict(), "evaluation": None if finding is None else finding.to_dict()},
        chain(told, [Text()] if finding else [], lines),
    )


def show_example(run: RunReader, example_id: str, out: Output) -> None:
    """The whole story of one example.

    Raises:
        UsageError: the run has no such example; the hint names the nearest ids.
    """
    index = run.index_of(example_id)
    if index is None:
        near = ", ".join(map(printable, nearest_ids(example_id, run.example_ids())))
        raise UsageError(f"no example {printable(example_id)!r} in {run.run_dir}", f"Nearest: {near}.")
    story = example_story(run, index)
    out.show(story.to_dict, example_lines(story))


def follow(run: RunReader, out: Output) -> None:
    """Show the run until it ends: redrawn at a terminal, a line (or JSON object) for every merge otherwise.

    Ctrl-C ends the watching, not the run.
    """
    try:
        if out.is_terminal and not out.console.is_dumb_terminal and not out.as_json:
            _follow_live(run, out)
        else:
            _follow_lines(run, out.as_json)
    except KeyboardInterrupt:
        sys.stderr.write("\nno longer watching; the run goes on\n")


def _watched(run: RunReader) -> Iterator[Overview]:
    """How the run stands, look after look, until it is over.

    A run that has just been made is held by no process for a moment, as one that crashed: so that is looked at twice.
    """
    seen, is_gone = overview(run), False
    yield seen
    while seen.state is State.RUNNING or (seen.state is State.CRASHED and not is_gone):
        is_gone = seen.state is State.CRASHED
        time.sleep(_GLANCE)
        seen = overview(run, seen)
        yield seen


def _follow_live(run: RunReader, out: Output) -> None:
    from rich.live import Live

    with Live(console=out.console, auto_refresh=False, vertical_overflow="ellipsis") as live:
        for seen in _watched(run):
            lines = live_lines(seen, out.width, out.console.height, ascii_only=out.ascii_only)
            live.update(Text("\n").join(lines), refresh=True)
    show_run(run, out)


def _follow_lines(run: RunReader, as_json: bool) -> None:
    told = 0
    for seen in _watched(run):
        fresh = seen.curve[told:]
        write_lines(json.dumps(asdict(p)) if as_json else merge_line(p, seen.planned) for p in fresh)
        told = len(seen.curve)
    reason = f": {printable(seen.reason)}" if seen.reason else ""
    sys.stderr.write(f"{printable(str(seen.run_dir))} is {seen.state}{reason}\n")
