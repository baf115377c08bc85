"""Showing many lines: one screen as it is, more of it through the user's pager, all of it into a pipe."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from ace_cli.report.text import json_text

_CHUNK = 200
"""Lines rendered at a time: few enough that the first screen is there at once."""


class Output:
    """Where the result of a command goes: JSON for scripts, else lines, which a terminal gets wrapped and paged.

    ``whole`` is for the views: with all of it, rather than what fits.
    """

    def __init__(self, *, as_json: bool = False, whole: bool = False) -> None:
        self.as_json, self.whole = as_json, whole
        for stream in (sys.stdout, sys.stderr):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:  # an ASCII terminal shows an escape where it lacks a character
                reconfigure(errors="backslashreplace")
        # No markup, no emoji codes, no highlighting of what others wrote.
        self.console = Console(markup=False, emoji=False, highlight=False)
        self.is_terminal = self.console.is_terminal
        self.ascii_only = self.console.options.ascii_only

    @property
    def width(self) -> int:
        return self.console.width

    def show(self, value: Callable[[], Any], lines: Iterable[Text]) -> None:
        """``value`` as JSON, or the lines that say the same."""
        if self.as_json:
            write_lines([json_text(value())])
        else:
            show(wrapped(lines, self.console), self.console)


def show(lines: Iterable[Text], console: Console) -> None:
    """Print ``lines``; at a terminal, what is longer than the screen goes through the pager."""
    if not console.is_terminal:
        _write(console, lines)
        return
    waiting = iter(lines)
    screen = list(islice(waiting, max(console.height - 1, 1)))
    beyond = list(islice(waiting, 1))
    pager = _pager() if beyond and sys.stdin.isatty() and not console.is_dumb_terminal else None
    everything = chain(screen, beyond, waiting)
    if pager is None:
        _write(console, everything)
    else:
        _page(console, everything, pager)


def write_lines(lines: Iterable[str]) -> None:
    """Results for a script: as they are, to stdout."""
    with _reader_may_leave():
        for line in lines:
            sys.stdout.write(line)
            sys.stdout.write("\n")
        sys.stdout.flush()


def wrapped(lines: Iterable[Text], console: Console) -> Iterator[Text]:
    """At a terminal, long lines go on below their own indentation; into a pipe they stay whole."""
    for line in lines:
        if not console.is_terminal or line.cell_len <= console.width:
            yield line
            continue
        indent = min(len(line.plain) - len(line.plain.lstrip()) + 2, console.width // 3)
        first, *rest = line.wrap(console, console.width)
        yield first
        if rest:
            remainder = Text(" ").join(rest)
            for part in remainder.wrap(console, console.width - indent):
                yield Text(" " * indent).append_text(part)


def _write(console: Console, lines: Iterable[Text]) -> None:
    with _reader_may_leave():
        for block in _rendered(console, lines):
            console.file.write(block)
        console.file.flush()


@contextlib.contextmanager
def _reader_may_leave() -> Iterator[None]:
    """``ace inspect ... | head`` has seen enough: no error, and what is still buffered goes nowhere."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _page(console: Console, lines: Iterable[Text], pager: list[str]) -> None:
    # -X leaves the page on the screen, -F ends by itself if all fits after all.
    environment = {"LESS": "FRX", "LV": "-c", **os.environ}
    process = subprocess.Popen(
        pager, stdin=subprocess.PIPE, env=environment, text=True, encoding="utf-8", errors="backslashreplace"
    )
    assert process.stdin is not None  # it was asked for
    # The reader may leave before the end; Ctrl-C is the pager's own key while it is open.
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        for block in _rendered(console, lines):
            process.stdin.write(block)
    while process.poll() is None:
        with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
            process.stdin.close()
            process.wait()


def _rendered(console: Console, lines: Iterable[Text]) -> Iterator[str]:
    waiting = iter(lines)
    while chunk := list(islice(waiting, _CHUNK)):
        with console.capture() as capture:
            for line in chunk:
                console.print(line, soft_wrap=True)
        yield capture.get()


def _pager() -> list[str] | None:
    """The user's pager as a command; None to print without one (``PAGER=cat``, or none installed)."""
    wanted = os.environ.get("PAGER")
    command = shlex.split(wanted) if wanted is not None else ["less"]
    if not command or command[0] == "cat" or shutil.which(command[0]) is None:
        return None
    # Whatever the user's LESS says: without -R, colours are shown as escapes.
    return [*command, "-R"] if Path(command[0]).name == "less" else command
