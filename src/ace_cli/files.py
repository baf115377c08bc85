"""Writing a file so that it is never half written."""

from __future__ import annotations

import contextlib
import glob
import itertools
import os
import socket
from pathlib import Path

from ace_cli.errors import AceError


def write_atomic(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data``: after a crash there is the old file or the new one, never a half.

    The data goes into a temporary file in the same folder, is fsynced and renamed, and then the
    folder is fsynced. An existing file keeps its permissions; a link is followed, not replaced.
    Temporary files that a killed process left behind are removed.

    Raises:
        AceError: the file cannot be written; an older one is untouched.
    """
    path = Path(os.path.realpath(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~_umask()
        _remove_leftovers(path)
        temporary = path.with_name(f"{_prefix(path)}{os.getpid()}.{next(_numbers)}.tmp")
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(mode)
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> AceError:
    """The error of a failed write: what, why, and what helps."""
    import errno

    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = "Free some space; what was there before is untouched."
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        hint = "Choose a folder that you may write to."
    else:
        hint = ""
    return AceError(f"cannot write {path}: {reason}", hint)


_numbers = itertools.count(1)
"""Runs in threads of one process may write the same file: each writes a temporary one of its own."""


def _prefix(path: Path) -> str:
    """Of temporary files for ``path``: the host is part of it, since folders are shared between hosts."""
    return f".{path.name[:80]}.{socket.gethostname()[:40]}-"


def _remove_leftovers(path: Path) -> None:
    for leftover in path.parent.glob(f"{glob.escape(_prefix(path))}*.tmp"):
        pid = leftover.name[len(_prefix(path)) : -len(".tmp")].partition(".")[0]
        if pid.isdigit() and not is_alive(int(pid)):
            with contextlib.suppress(OSError):
                leftover.unlink()


def is_alive(pid: int) -> bool:
    """Is there a process of this number on this machine? Where that cannot be told: True."""
    if pid == os.getpid() or os.name == "nt":  # on Windows, signal 0 would end the process
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows has no handle on a folder to sync
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
