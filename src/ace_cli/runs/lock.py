"""One writer a run: a lock of the operating system, and a note of who holds it.

The system lets go of the lock when its holder dies, however it dies, so a dead process never blocks a run.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ace_cli.errors import AceError
from ace_cli.files import check_inside, is_alive, write_private


@dataclass(frozen=True, slots=True)
class Holder:
    pid: int
    host: str


PATIENCE = 0.3
"""Seconds: whoever looks whether a run is held holds it for a moment."""


class RunBusy(AceError):
    """Another process is writing to this run."""


@contextlib.contextmanager
def hold(run_dir: Path) -> Iterator[None]:
    """Hold the run's lock.

    Raises:
        RunBusy: naming the process and the host that hold it.
        AceError: the folder cannot be written, or a link leads out of it.
    """
    lock = _lock(run_dir)
    try:
        lock.acquire(timeout=PATIENCE, poll_interval=0.05)
    except Timeout:
        holder = _read(run_dir)
        who = f"process {holder.pid} on {holder.host}" if holder else "another process"
        raise RunBusy(
            f"{run_dir} is being written by {who}",
            "Wait for it or stop it first; `ace inspect` can read the run meanwhile.",
        ) from None
    except OSError as error:
        raise AceError(
            f"cannot lock {run_dir}: {error.strerror or error}", "The folder must be writable."
        ) from None
    try:
        note = json.dumps(asdict(Holder(os.getpid(), socket.gethostname())))
        write_private(_note(run_dir), note.encode())
        yield
    finally:
        with contextlib.suppress(OSError):
            _note(run_dir).unlink(missing_ok=True)
        lock.release()


def hold_existing(run_dir: Path) -> contextlib.AbstractContextManager[None]:
    """As :func:`hold`, of a run that must exist: a wrong path must not get a lock file.

    Raises:
        UsageError: there is no run.
    """
    from ace_cli.runs.opening import check

    check(run_dir / "run.sqlite3", integrity=False)  # whoever opens it will look closer
    return hold(run_dir)


def is_held(run_dir: Path) -> bool:
    """True while a process writes to the run."""
    if not _note(run_dir).exists():
        return False
    lock = _lock(run_dir)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:  # a folder that is not ours to write to, but perhaps to somebody else
        holder = _read(run_dir)
        return holder is not None and (holder.host != socket.gethostname() or is_alive(holder.pid))
    lock.release()
    return False


def _lock(run_dir: Path) -> FileLock:
    check_inside(run_dir / "run.lock", run_dir)
    return FileLock(run_dir / "run.lock", mode=0o600)


def _note(run_dir: Path) -> Path:
    # Beside the lock, not in it: on Windows a locked file cannot be read.
    return run_dir / "run.pid"


def _read(run_dir: Path) -> Holder | None:
    try:
        return Holder(**json.loads(_note(run_dir).read_text()))
    except (OSError, ValueError, TypeError):
        return None
