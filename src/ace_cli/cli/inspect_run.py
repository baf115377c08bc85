"""`ace inspect` of a run: at a glance, one example's story, and live."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from ace_cli.errors import UsageError
from ace_cli.playbook.nearest import nearest_ids
from ace_cli.report.format import merge_line
from ace_cli.report.terminal.paging import show, wrapped, write_lines
from ace_cli.report.terminal.run_view import live_lines, run_lines
from ace_cli.report.text import json_text, printable
from ace_cli.runs.overview import Overview, overview
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import State

_GLANCE = 1.0
"""Seconds between two looks at a run that goes on."""


def show_run(run: RunReader, *, as_json: bool, whole: bool, console: Console) -> None:
    """State, costs by role, accuracy and growth, failures by cause, slowest and most expensive examples, settings."""
    seen = overview(run)
    if as_json:
        write_lines([json_text(seen.to_dict())])
    else:
        ascii_only = console.options.ascii_only
        lines = run_lines(seen, console.width, whole=whole, ascii_only=ascii_only)
        show(wrapped(lines, console), console)


def show_example(run: RunReader, example_id: str, *, as_json: bool, console: Console) -> None:
    """The whole story of one example.

    Raises:
        UsageError: the run has no such example; the hint names the nearest ids.
    """
    from ace_cli.report.terminal.example_view import example_lines, example_story

    index = run.index_of(example_id)
    if index is None:
        near = ", ".join(map(printable, nearest_ids(example_id, run.example_ids())))
        raise UsageError(f"no example {printable(example_id)!r} in {run.run_dir}", f"Nearest: {near}.")
    story = example_story(run, index)
    if as_json:
        write_lines([json_text(story.to_dict())])
    else:
        show(wrapped(example_lines(story), console), console)


def follow(run: RunReader, *, as_json: bool, console: Console) -> None:
    """Show the run until it ends: redrawn at a terminal, a line (or JSON object) for every merge otherwise.

    Ctrl-C ends the watching, not the run.
    """
    try:
        if console.is_terminal and not console.is_dumb_terminal and not as_json:
            _follow_live(run, console)
        else:
            _follow_lines(run, as_json)
    except KeyboardInterrupt:
        sys.stderr.write("\nno longer watching; the run goes on\n")


def _follow_live(run: RunReader, console: Console) -> None:
    from rich.live import Live

    def draw(earlier: Overview | None = None) -> Overview:
        seen = overview(run, earlier)
        lines = live_lines(seen, console.width, console.height, ascii_only=console.options.ascii_only)
        live.update(Text("\n").join(lines), refresh=True)
        return seen

    with Live(console=console, auto_refresh=False, vertical_overflow="ellipsis") as live:
        seen = draw()
        while seen.state is State.RUNNING:
            time.sleep(_GLANCE)
            seen = draw(seen)
    show_run(run, as_json=False, whole=False, console=console)


def _follow_lines(run: RunReader, as_json: bool) -> None:
    told, seen = 0, None
    while True:
        seen = overview(run, seen)
        fresh = seen.curve[told:]
        write_lines(json.dumps(asdict(p)) if as_json else merge_line(p, seen.planned) for p in fresh)
        told = len(seen.curve)
        if seen.state is not State.RUNNING:
            reason = f": {printable(seen.reason)}" if seen.reason else ""
            sys.stderr.write(f"{printable(str(seen.run_dir))} is {seen.state}{reason}\n")
            return
        time.sleep(_GLANCE)
