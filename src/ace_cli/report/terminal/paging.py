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
        """``value`` as JSON, or the lines that say the same; more than a screen of them goes through the pager."""
        if self.as_json:
            write_lines([json_text(value())])
            return
        waiting = self._wrapped(lines) if self.is_terminal else iter(lines)
        screen = list(islice(waiting, max(self.console.height, 1)))
        fits = len(screen) < self.console.height or not self.is_terminal or self.console.is_dumb_terminal
        pager = None if fits or not sys.stdin.isatty() else _pager()
        blocks = self._rendered(chain(screen, waiting))
        if pager is not None:
            _page(blocks, pager)
            return
        with _reader_may_leave():
            for block in blocks:
                self.console.file.write(block)
            self.console.file.flush()

    def print(self, value: Callable[[], Any], lines: Iterable[Text]) -> None:
        """As :meth:`show`, without a pager: what a command that took its time ends with stays on the screen."""
        if self.as_json:
            write_lines([json_text(value())])
            return
        with _reader_may_leave():
            for block in self._rendered(self._wrapped(lines) if self.is_terminal else iter(lines)):
                self.console.file.write(block)
            self.console.file.flush()

    def _wrapped(self, lines: Iterable[Text]) -> Iterator[Text]:
        """Long lines go on below their own indentation."""
        width = self.console.width
        for line in lines:
            if line.cell_len <= width:
                yield line
                continue
            indent = min(len(line.plain) - len(line.plain.lstrip()) + 2, width // 3)
            first = line.wrap(self.console, width)[0]
            yield first
            rest = line[len(first) :]
            if rest.plain.startswith(
                " "
            ):  # the one at which the line was broken; all others stay as they are
                rest = rest[1:]
            for part in rest.wrap(self.console, width - indent):
                yield Text(" " * indent).append_text(part)

    def _rendered(self, lines: Iterator[Text]) -> Iterator[str]:
        while chunk := list(islice(lines, _CHUNK)):
            with self.console.capture() as capture:
                for line in chunk:
                    self.console.print(line, soft_wrap=True)
            yield capture.get()


def write_lines(lines: Iterable[str]) -> None:
    """Results for a script: as they are, to stdout."""
    with _reader_may_leave():
        for line in lines:
            sys.stdout.write(line)
            sys.stdout.write("\n")
        sys.stdout.flush()


@contextlib.contextmanager
def _reader_may_leave() -> Iterator[None]:
    """``ace inspect ... | head`` has seen enough: no error, and what is still buffered goes nowhere."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _page(blocks: Iterable[str], pager: list[str]) -> None:
    # -X leaves the page on the screen, -F ends by itself if all fits after all.
    environment = {"LESS": "FRX", "LV": "-c", **os.environ}
    process = subprocess.Popen(
        pager, stdin=subprocess.PIPE, env=environment, text=True, encoding="utf-8", errors="backslashreplace"
    )
    assert process.stdin is not None  # it was asked for
    # The reader may leave before the end; Ctrl-C is the pager's own key while it is open.
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        for block in blocks:
            process.stdin.write(block)
    while process.poll() is None:
        with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
            process.stdin.close()
            process.wait()


def _pager() -> list[str] | None:
    """The user's pager as a command; None to print without one (``PAGER=cat``, or none installed)."""
    wanted = os.environ.get("PAGER")
    command = shlex.split(wanted) if wanted is not None else ["less"]
    if not command or command[0] == "cat" or shutil.which(command[0]) is None:
        return None
    # Whatever the user's LESS says: without -R, colours are shown as escapes.
    return [*command, "-R"] if Path(command[0]).name == "less" else command
