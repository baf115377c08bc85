"""Writing a file so that it is never half written."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from ace_cli.errors import AceError


def write_atomic(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data``: after a crash there is the old file or the new one, never a half.

    The data goes into a temporary file in the same folder, is fsynced and renamed, and then the
    folder is fsynced. An existing file keeps its permissions; a link is followed, not replaced.

    Raises:
        AceError: the file cannot be written; an older one is untouched.
    """
    path = Path(os.path.realpath(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:80]}.", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
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
