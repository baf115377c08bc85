"""The list of runs: columns for people, tabs for pipes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from ace_cli.report.format import local_time, money, percent, size
from ace_cli.report.terminal.paging import Output, write_lines
from ace_cli.report.terminal.tables import cut
from ace_cli.report.text import json_text, one_line, printable
from ace_cli.runs.folders import is_stamped, size_on_disk
from ace_cli.runs.overview import Overview

_GAP = 2
_LEAST = 8
"""Cells below which a name says nothing."""


@dataclass(frozen=True, slots=True)
class _Column:
    """``shown`` for people, where that is something else than ``value``."""

    title: str
    value: Callable[[Overview], str]
    shown: Callable[[Overview], str] | None = None
    right: bool = False

    def cells(self, runs: Sequence[Overview]) -> list[str]:
        return [one_line((self.shown or self.value)(run)) for run in runs]


def _accuracy(run: Overview) -> str:
    return "-" if run.accuracy is None else percent(run.accuracy)


def _model(run: Overview) -> str:
    return str(run.identity.get("models.generator.model") or "-")


_RUN = _Column("run", lambda run: str(run.run_dir))
_STATE = _Column("state", lambda run: run.state)
_ACCURACY = _Column("accuracy", _accuracy, right=True)
_COST = _Column("cost", lambda run: money(run.bill.cost_usd), right=True)
_STARTED = _Column("started", lambda run: run.created_at, lambda run: local_time(run.created_at), right=True)

ALL = (
    _RUN,
    _STARTED,
    _Column("size", lambda run: str(size_on_disk(run.run_dir)), lambda run: size(size_on_disk(run.run_dir)), right=True),
    _STATE,
    _Column("kind", lambda run: run.purpose),
    _Column("model", _model),
    _ACCURACY,
    _COST,
)  # fmt: skip
"""What `ace runs` shows."""
PROGRESS = (
    _RUN,
    _STATE,
    _Column("progress", lambda run: f"{run.done}/{run.planned}", right=True),
    _ACCURACY,
    _COST,
    _STARTED,
)
"""What `ace resume --list` shows."""


def print_runs(
    runs: Sequence[Overview], folder: Path, columns: Sequence[_Column] = PROGRESS, *, as_json: bool = False
) -> None:
    """One line a run, newest first, no wider than the terminal; why a run ended goes to stderr."""
    if as_json:
        write_lines([json_text([_entry(run) for run in runs])])
        return
    if not runs:
        sys.stderr.write(f"no runs in {printable(str(folder))}/\n")
        return
    out = Output()
    if out.is_terminal:
        write_lines(_fitted(runs, columns, out.width, "..." if out.ascii_only else "…"))
    else:
        titles = "\t".join(column.title for column in columns)
        rows = ("\t".join(one_line(column.value(run)) for column in columns) for run in runs)
        write_lines([titles, *rows])
    for run in runs:
        if run.reason:
            sys.stderr.write(f"{printable(run.run_dir.name)}: {printable(run.reason)}\n")


def short_name(run_dir: Path) -> str:
    """A run's name without the time that it begins with: `ace` knows it by that too."""
    return run_dir.name[_STAMP:] if is_stamped(run_dir.name) else run_dir.name


_STAMP = len("20260102-150405-")


@dataclass(slots=True)
class _Drawn:
    """A column as it is drawn."""

    title: str
    cells: list[str]
    right: bool

    @property
    def width(self) -> int:
        return max(map(cell_len, (self.title, *self.cells)))

    def lines(self) -> list[str]:
        spaces = [" " * (self.width - cell_len(cell)) for cell in (self.title, *self.cells)]
        cells = zip((self.title, *self.cells), spaces, strict=True)
        return [space + cell if self.right else cell + space for cell, space in cells]


def _fitted(runs: Sequence[Overview], columns: Sequence[_Column], width: int, mark: str) -> list[str]:
    """Where room is short, names lose their folder and time, then models their provider; then columns go, and both are cut."""
    table = {column.title: _Drawn(column.title, column.cells(runs), column.right) for column in columns}

    def excess() -> int:
        return sum(drawn.width + _GAP for drawn in table.values()) - _GAP - width

    if excess() > 0:
        table["run"].cells = [one_line(short_name(run.run_dir)) for run in runs]
        table["accuracy"].title = "acc"
    if excess() > 0 and "model" in table:
        table["model"].cells = [model.rpartition("/")[2] for model in table["model"].cells]
    for title in ("kind", "size", "model"):  # what is missed least
        if excess() > sum(table[name].width - _LEAST for name in ("run", "model") if name in table):
            table.pop(title, None)
    for title, cut_to in (("model", cut), ("run", _cut_start)):  # a run is known by the end of its name
        if (drawn := table.get(title)) and (over := excess()) > 0:
            drawn.cells = [cut_to(cell, max(drawn.width - over, _LEAST), mark) for cell in drawn.cells]
    rows = zip(*(drawn.lines() for drawn in table.values()), strict=True)
    return [(" " * _GAP).join(row).rstrip() for row in rows]


def _cut_start(text: str, room: int, mark: str) -> str:
    return cut(text[::-1], room, mark[::-1])[::-1]


def _entry(run: Overview) -> dict[str, Any]:
    whole = run.to_dict()
    kept = ("run", "state", "reason", "kind", "created_at", "examples", "seconds")
    return {name: whole[name] for name in kept} | {
        "size_bytes": size_on_disk(run.run_dir),
        "models": {role: run.identity.get(f"models.{role}.model") for role in ("generator", "reflector")},
        "playbook_size": run.playbook_size,
        "cost_usd": run.bill.cost_usd,
        "calls": run.bill.calls,
        "tokens": run.bill.tokens,
    }
