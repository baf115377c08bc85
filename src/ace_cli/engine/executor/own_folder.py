"""The folder of a cluster of our own: there as long as the process that started it, and taken away by the next one if that was killed.

The lock of the operating system on the folder tells whether its owner lives: the system lets go of it, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PREFIX = "ace-ray-"
YOUNG = 60.0
"""Seconds: a folder may just have been made, and be about to be locked."""
_TRIES, _PAUSE = 10, 0.2


class OwnFolder:
    """A new folder with a short path, since sockets stand in it. Those of processes that were killed are taken away first."""

    def __init__(self, place: Path | None = None) -> None:
        place = place or Path("/tmp" if os.name == "posix" else tempfile.gettempdir())
        for left in _left_behind(place):
            remove(left)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        self._lock = _locked(self.path)

    def remove(self) -> None:
        """Take it away; again is no harm."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        remove(self.path)


def remove(folder: Path) -> None:
    """With all that is in it, also while processes of it are still about to end and write a last line."""
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE)


def _left_behind(place: Path) -> Iterator[Path]:
    """Folders of this user whose owner is dead."""
    if sys.platform == "win32":
        return
    for folder in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            seen = folder.lstat()
            if seen.st_uid != os.getuid() or time.time() - seen.st_mtime < YOUNG:
                continue
            if (lock := _locked(folder)) is not None:
                os.close(lock)
                yield folder


def _locked(folder: Path) -> int | None:
    """A handle that locks the folder; None where another process has it locked, or nothing can be."""
    if sys.platform == "win32":  # what a killed process leaves stays in the folder for temporary files
        return None
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle
