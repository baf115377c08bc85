"""Run directories: naming a new one, finding the newest unfinished one, listing them."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ace_cli.errors import AceError, UsageError
from ace_cli.runs import lock
from ace_cli.runs.reader import FILE, RunReader
from ace_cli.runs.records import FINISHED, RUNNING, Usage

RUNS = Path("runs")
"""Where new runs are made, below the working directory."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of ``ace resume --list``. ``state`` tells a killed run (``crashed``) from a running one."""

    run_dir: Path
    state: str
    reason: str
    created_at: str
    done: int
    total: int
    correct: int
    failed: int
    usage: Usage
    changed: float

    @property
    def is_resumable(self) -> bool:
        return self.state not in (FINISHED, RUNNING, "damaged")


def new_run_dir(dataset: str, parent: Path = RUNS) -> Path:
    """A name that sorts by time and says what was trained on: ``runs/20260102-150405-gsm8k-1a2b``."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    word = re.sub(r"[^a-z0-9]+", "-", Path(dataset).stem.lower()).strip("-")[:30] or "run"
    return parent / f"{stamp}-{word}-{secrets.token_hex(2)}"


def is_run(path: Path) -> bool:
    return (path / FILE).is_file()


def list_runs(parent: Path = RUNS) -> list[RunSummary]:
    """All runs below ``parent``, newest first; damaged ones are listed as such."""
    found = [summary(path.parent) for path in parent.glob(f"*/{FILE}")] if parent.is_dir() else []
    return sorted(found, key=lambda run: (run.changed, run.created_at), reverse=True)


def newest_unfinished(parent: Path = RUNS) -> Path:
    """The run that ``ace resume`` means when none is named.

    Raises:
        UsageError: there is none.
    """
    for run in list_runs(parent):
        if run.is_resumable:
            return run.run_dir
    raise UsageError(
        f"there is no unfinished run in {parent}/",
        "`ace resume --list` shows all; `ace resume RUN` names one.",
    )


def summary(run_dir: Path) -> RunSummary:
    """How a run stands; never raises for a damaged one."""
    changed = max(_changed(run_dir / FILE), _changed(run_dir / f"{FILE}-wal"))
    try:
        with RunReader(run_dir) as run:
            state, header = run.state(), run.header()
            done, correct, failed = run.counts()
            total = Usage()
            for usage in run.usage().values():
                total = total.add(usage)
            name = state.name
            if name == RUNNING and not lock.is_held(run_dir):
                name = "crashed"
            examples = run.example_count() * int(header.identity["training.epochs"])
            return RunSummary(
                run_dir,
                name,
                state.reason,
                header.created_at,
                done,
                examples,
                correct,
                failed,
                total,
                changed,
            )
    except AceError as error:
        return RunSummary(run_dir, "damaged", error.message, "", 0, 0, 0, 0, Usage(), changed)


def _changed(path: Path) -> float:
    """When it was last written; a log that a reader has just made is empty, and says nothing."""
    try:
        found = path.stat()
    except OSError:  # the log of a store that is just being closed
        return 0.0
    return found.st_mtime if found.st_size else 0.0
