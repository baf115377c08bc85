"""The list of runs that ``ace resume --list`` prints."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ace_cli.report.format import money, percent
from ace_cli.report.text import one_line, printable
from ace_cli.runs.overview import Overview


def print_runs(runs: Sequence[Overview], folder: Path) -> None:
    """One line a run, newest first; columns for people, tabs for pipes."""
    if not runs:
        sys.stderr.write(f"no runs in {folder}/\n")
        return
    rows: list[tuple[str, ...]] = [("run", "state", "progress", "accuracy", "cost", "started")]
    for run in runs:
        share = "-" if run.accuracy is None else percent(run.accuracy)
        cost = money(run.bill.cost_usd)
        cells = (str(run.run_dir), run.state, f"{run.done}/{run.planned}", share, cost, run.created_at)
        rows.append(tuple(one_line(cell) for cell in cells))
    if sys.stdout.isatty():
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
        ]
    else:
        lines = ["\t".join(row) for row in rows]
    for line in lines:
        sys.stdout.write(line.rstrip() + "\n")
    for run in runs:
        if run.reason:
            sys.stderr.write(printable(f"{run.run_dir}: {run.reason}") + "\n")
