"""Removing a run: what is ours in its folder, and nothing else."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from ace_cli.errors import AceError, UsageError
from ace_cli.files import digest
from ace_cli.runs import lock, migrations
from ace_cli.runs.opening import FILE, files_of
from ace_cli.runs.reader import RunReader

_LEFTOVER = r"(?:\.[^/]*-\d+\.[^/]*\.tmp)?"
_CHECKPOINT = re.compile(rf"\.?checkpoint_\d{{1,20}}\.json{_LEFTOVER}")
_BESIDE = ("run.reserve", "run.pid", "run.lock")
"""The lock last: until then nobody else takes the run."""


def check_removable(run_dir: Path) -> None:
    """Is there a run of ours, a damaged one included, in a folder of its own?

    Raises:
        UsageError: there is not.
    """
    store = run_dir / FILE
    if run_dir.is_symlink():
        raise UsageError(f"{run_dir} is a link, not a run", "Name the folder that it leads to.")
    if not _is_ours(store):
        problem = "is not a run of ace" if store.exists() else f"is not a run: it has no {FILE}"
        raise UsageError(f"{run_dir} {problem}, so nothing is removed", "`ace runs` lists the runs.")


def remove_run(run_dir: Path) -> list[str]:
    """Remove the run's files, and its folder if nothing else is in it; the names of what else there is.

    Files that the run wrote elsewhere (playbook and metrics) stay.

    Raises:
        RunBusy: a process works on it. AceError: something cannot be removed.
    """
    check_removable(run_dir)
    try:
        with lock.hold(run_dir):
            ours = [*_checkpoints(run_dir), *_outputs(run_dir), *reversed(files_of(run_dir))]
            for path in ours:  # the store last: what is left of a run can be removed again
                _remove(path)
            for name in _BESIDE:
                _remove(run_dir / name)
        _remove(run_dir / _BESIDE[-1])  # a system that removes no locked file
        for folder in (run_dir / "checkpoints", run_dir):
            if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
                folder.rmdir()
    except OSError as error:
        raise AceError(f"cannot remove {error.filename or run_dir}: {error.strerror or error}") from None
    return sorted(path.name for path in run_dir.iterdir()) if run_dir.is_dir() else []


def _remove(path: Path) -> None:
    """A link is removed itself, not what it leads to; a folder of that name is not ours."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISDIR(path.lstat().st_mode):
            path.unlink()


def _is_ours(store: Path) -> bool:
    """By the head of the file, which holds our number even where the rest of it is damaged."""
    try:
        if not stat.S_ISREG(store.lstat().st_mode):
            return False
        with store.open("rb") as file:
            head = file.read(72)
    except OSError:
        return False
    return head.startswith(b"SQLite format 3\0") and head[68:72] == migrations.APPLICATION_ID.to_bytes(4)


def _checkpoints(run_dir: Path) -> Iterator[Path]:
    folder = run_dir / "checkpoints"
    if folder.is_dir() and not folder.is_symlink():
        yield from (path for path in folder.iterdir() if _CHECKPOINT.fullmatch(path.name))


def _outputs(run_dir: Path) -> list[Path]:
    """Playbook and metrics that the run wrote into its own folder, as far as they are still what it wrote."""
    try:
        with RunReader(run_dir) as run:
            written = run.outputs()
    except AceError:  # damaged
        return []
    home = os.path.realpath(run_dir)
    return [
        path
        for path in map(Path, written)
        if os.path.realpath(path.parent) == home and _digest(path) in written[str(path)]
    ]


def _digest(path: Path) -> str:
    try:
        is_file = stat.S_ISREG(path.lstat().st_mode)
        return digest(path.read_bytes()) if is_file else ""
    except OSError:
        return ""
