"""Room on the disk that is kept for replies in flight: whatever was paid can be written when the disk is full."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ace_cli.errors import StoreError

EACH = 64 * 1024
"""Bytes for one reply in flight, with its prompt and what the store writes around it."""
BASE = 1024 * 1024
_BLOCK = bytes(64 * 1024)


class Reserve:
    """A file in the run directory that takes up the room until it is needed."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / "run.reserve"

    def take(self, in_flight: int) -> None:
        """Set room aside for so many replies.

        Raises:
            StoreError: there is none, so nothing must be asked for that could not be kept.
        """
        size = BASE + EACH * in_flight
        try:
            self._path.unlink(
                missing_ok=True
            )  # of a killed session, perhaps of another size; never a link to elsewhere
            with os.fdopen(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, size)
                else:
                    for _ in range(0, size, len(_BLOCK)):
                        file.write(_BLOCK)
        except OSError as error:
            self.give()
            raise StoreError(
                f"cannot write {self._path.parent}: {error.strerror or error}; a run needs {size / 1e6:.1f} MB to start",
                "Nothing was asked for. Free some space, then `ace resume`.",
            ) from error

    def give(self) -> bool:
        """Free the room; False when there was none."""
        with contextlib.suppress(OSError):
            self._path.unlink()
            return True
        return False
