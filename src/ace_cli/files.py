"""Writing a file so that it is never half written, never lost, and where it was meant to be."""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import itertools
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ace_cli.errors import AceError


def write_atomic(path: Path, data: bytes, *, inside: Path | None = None) -> None:
    """Replace ``path`` by ``data``: after a crash there is the old file or the new one, never a half.

    The data goes into a temporary file in the same folder, is fsynced and renamed, and then the
    folder is fsynced. An existing file keeps its permissions; a link is followed, not replaced.
    Temporary files that a killed process left behind are removed.

    Args:
        path: the file; missing folders are made.
        data: all of it.
        inside: the run directory that the file belongs to: what is new in it is for its owner alone, and a link that
            leads out of it is refused.

    Raises:
        AceError: the file cannot be written; an older one is untouched.
    """
    if inside is not None:
        check_inside(path, inside)
    path = Path(os.path.realpath(path))
    try:
        path.parent.mkdir(0o777 if inside is None else 0o700, parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o7777 if path.exists() else 0o600 if inside else 0o666 & ~_umask()
        _remove_leftovers(path)
        handle, name = tempfile.mkstemp(".tmp", f"{_prefix(path)}{os.getpid()}.", path.parent)
        temporary = Path(name)
        with _removed_on_failure(temporary):
            with os.fdopen(handle, "wb") as file:
                _fill(file, data)
            temporary.chmod(mode)
            temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def digest(data: bytes) -> str:
    """What tells one content of a file from another, as runs record it of what they write."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def write_private(path: Path, data: bytes = b"") -> None:
    """Write a small file anew, for its owner alone. What stands there is taken away first, a link as well, and never followed.

    Raises:
        AceError: it cannot be written.
    """
    try:
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    except OSError as error:
        raise cannot_write(path, error) from error


def keep_aside(path: Path) -> Path | None:
    """Copy what stands at ``path`` to the first free one of ``NAME.1.json``, ``NAME.2.json`` ... beside it.

    So whoever replaces the file next destroys nothing, and there is a file at every moment.

    Returns:
        The copy; None where there is no file to keep.

    Raises:
        AceError: it cannot be read, or the copy not be written; no half copy is left.
    """
    kept = path
    try:
        if not path.exists():
            return None
        data, mode = path.read_bytes(), path.stat().st_mode & 0o7777
        file = _first_free(path)
        kept = Path(file.name)
        with _removed_on_failure(kept), file:
            kept.chmod(mode)
            _fill(file, data)
        _sync_folder(kept.parent)
    except OSError as error:
        raise cannot_write(kept, error) from error
    return kept


def check_inside(path: Path, folder: Path) -> None:
    """Refuse a ``path`` in ``folder`` that a symbolic link leads out of it.

    Raises:
        AceError: it names where the link leads.
    """
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(os.path.realpath(folder)):
        raise AceError(f"{path} leads out of the run, to {real}", "Remove the symbolic link.")


def cannot_write(path: Path, error: OSError) -> AceError:
    """The error of a failed write: what, why, and what helps."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = "Free some space; what was there before is untouched."
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        hint = "Choose a folder that you may write to."
    else:
        hint = ""
    return AceError(f"cannot write {path}: {reason}", hint)


def _first_free(path: Path) -> IO[bytes]:
    """A new file beside ``path``, named after it and a number."""
    for number in itertools.count(1):
        with contextlib.suppress(FileExistsError):
            return path.with_name(f"{path.stem}.{number}{path.suffix}").open("xb")
    raise AssertionError("numbers do not end")


@contextlib.contextmanager
def _removed_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def _fill(file: IO[bytes], data: bytes) -> None:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


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
