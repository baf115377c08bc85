"""`ace inspect` of a run: at a glance, one example's story, and live."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict

from rich.console import Console

from ace_cli.errors import UsageError
from ace_cli.playbook.nearest import nearest_ids
from ace_cli.report.terminal.paging import show, wrapped, write_lines
from ace_cli.report.terminal.run_view import RunView, joined, live_lines, progress_line, run_lines, run_view
from ace_cli.report.text import json_text, printable
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import RUNNING

_GLANCE = 1.0
"""Seconds between two looks at a run that goes on."""


def show_run(run: RunReader, *, as_json: bool, whole: bool, console: Console) -> None:
    """State, costs by role, accuracy and growth, failures by cause, slowest and most_expensive examples, settings."""
    view = run_view(run)
    if as_json:
        write_lines([json_text(view.to_dict())])
    else:
        ascii_only = console.options.ascii_only
        lines = run_lines(view, console.width, whole=whole, ascii_only=ascii_only)
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

    def draw(view: RunView) -> None:
        lines = live_lines(view, console.width, console.height, ascii_only=console.options.ascii_only)
        live.update(joined(lines), refresh=True)

    with Live(console=console, auto_refresh=False, vertical_overflow="ellipsis") as live:
        draw(view := run_view(run))
        while view.state == RUNNING:
            time.sleep(_GLANCE)
            draw(view := run_view(run, view))
    show_run(run, as_json=False, whole=False, console=console)


def _follow_lines(run: RunReader, as_json: bool) -> None:
    told, view = 0, None
    while True:
        view = run_view(run, view)
        fresh = view.curve[told:]
        write_lines(json.dumps(asdict(p)) if as_json else progress_line(p, view.total) for p in fresh)
        told = len(view.curve)
        if view.state != RUNNING:
            reason = f": {printable(view.reason)}" if view.reason else ""
            sys.stderr.write(f"{view.run_dir} is {view.state}{reason}\n")
            return
        time.sleep(_GLANCE)
