"""Who listens to a run's events: settings and terminal decide.

Progress goes to stderr and results to stdout, so that ``ace train > result.txt`` still shows bars.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator

from ace_cli.engine.events import Event
from ace_cli.report.progress.plain import PlainReporter, Reporter, ResultReporter
from ace_cli.settings import DisplaySettings


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
                _close(inner)  # or a display would go on drawing by itself

    try:
        yield listen
    finally:
        for inner in listening:
            _close(inner)


def _close(listener: Reporter) -> None:
    with contextlib.suppress(OSError, ValueError):
        listener.close()


def _choose(display: DisplaySettings) -> list[Reporter]:
    """Who tells the progress, and who tells the result: apart, since one reader may leave before the other."""
    kind = display.progress
    err, out = sys.stderr, sys.stdout  # None where the process was started without
    if kind == "auto":
        dumb = os.environ.get("TERM", "") in ("dumb", "")
        kind = "rich" if err and err.isatty() and not (dumb and os.name != "nt") else "plain"
    if kind == "json":
        from ace_cli.report.progress.json_lines import JsonReporter, JsonResult
    chosen: list[Reporter] = []
    if err and not display.quiet:
        if kind == "json":
            chosen.append(JsonReporter(err))
        elif kind == "rich":
            from ace_cli.report.progress.bars import RichReporter

            chosen.append(RichReporter())
        elif kind == "plain":
            chosen.append(PlainReporter(err))
    if out:
        chosen.append(JsonResult(out) if kind == "json" else ResultReporter(out))
    return chosen
