"""Run directories: naming a new one, finding the newest unfinished one, listing them."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

from ace_cli.errors import AceError, UsageError
from ace_cli.runs.opening import FILE
from ace_cli.runs.overview import Overview, overview
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import State

RUNS = Path("runs")
"""Where new runs are made, below the working directory."""


def new_run_dir(dataset: str, parent: Path = RUNS) -> Path:
    """A name that sorts by time and says what was trained on: ``runs/20260102-150405-gsm8k-1a2b``."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    word = re.sub(r"[^a-z0-9]+", "-", Path(dataset).stem.lower()).strip("-")[:30] or "run"
    return parent / f"{stamp}-{word}-{secrets.token_hex(2)}"


def is_stamped(name: str) -> bool:
    """Whether it begins with a time, as the names that :func:`new_run_dir` makes."""
    return re.match(r"\d{8}-\d{6}-.", name, re.ASCII) is not None


def is_run(path: Path) -> bool:
    return (path / FILE).is_file()


def list_runs(parent: Path = RUNS) -> list[Overview]:
    """All runs below ``parent``, newest first; damaged ones are listed as such."""
    found = [(_changed(folder), _look(folder)) for folder in run_folders(parent)]
    return [run for _, run in sorted(found, key=lambda pair: (pair[0], pair[1].created_at), reverse=True)]


def find_run(named: Path, parent: Path = RUNS) -> Path:
    """The run that is meant: a path, or the end of the name of one below ``parent`` (``gsm8k-1a2b``).

    What is no run is handed back, for whoever opens it to say so.

    Raises:
        UsageError: several are meant, or nothing is there.
    """
    if named.name == FILE:
        named = named.parent
    if named.exists() or named.is_symlink() or len(named.parts) != 1:
        return named
    meant = runs_called(str(named), parent)
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise UsageError(
            f"{len(meant)} runs end with {str(named)!r}", f"Which one: {', '.join(map(str, meant[:5]))}?"
        )
    near = difflib.get_close_matches(str(named), [run.name for run in run_folders(parent)], 3, 0.4)
    raise UsageError(
        f"there is no run {str(named)!r}",
        f"Nearest: {', '.join(near)}." if near else f"`ace runs` lists those in {parent}/.",
    )


def runs_called(end: str, parent: Path = RUNS) -> list[Path]:
    """The runs below ``parent`` whose names end so."""
    return sorted(run for run in run_folders(parent) if run.name.endswith(end))


def run_folders(parent: Path) -> list[Path]:
    return [path.parent for path in parent.glob(f"*/{FILE}")] if parent.is_dir() else []


def size_on_disk(run_dir: Path) -> int:
    """Bytes of all files in it; links count as themselves."""
    total = 0
    for folder, _, names in os.walk(run_dir):
        for name in names:
            with contextlib.suppress(OSError):  # it goes while we look
                total += (Path(folder) / name).lstat().st_size
    return total


def newest_run(parent: Path = RUNS) -> Path:
    """The run that was worked on last.

    Raises:
        UsageError: there is none.
    """
    found = max(run_folders(parent), key=_changed, default=None)
    if found is None:
        raise UsageError(
            f"there is no run in {parent}/ yet", "Name a playbook or a run; `ace train` makes one."
        )
    return found


def _look(run_dir: Path) -> Overview:
    try:
        with RunReader(run_dir) as run:
            return overview(run)
    except AceError as error:
        return Overview(run_dir=run_dir, state=State.DAMAGED, reason=error.message)


def _changed(run_dir: Path) -> float:
    """When its store was last written; a log that a reader has just made is empty, and says nothing."""
    times = [0.0]
    for path in (run_dir / FILE, run_dir / f"{FILE}-wal"):
        with contextlib.suppress(OSError):  # the log of a store that is just being closed
            found = path.stat()
            times.append(found.st_mtime if found.st_size else 0.0)
    return max(times)
