"""Where Python looks for modules: not in the working directory, which may be somebody else's, unless its code is meant.

Needs no module but those that every process has: until :func:`leave_working_directory` is called, others might come from there.
"""

from __future__ import annotations

import os
import sys


def leave_working_directory() -> None:
    """Nothing is imported from the working directory by accident: not after ``python -m``, nor by an empty entry of PYTHONPATH."""
    sys.path[:] = elsewhere()


def elsewhere() -> list[str]:
    """The import path without the working directory, unless the user's own PYTHONPATH has that by its whole name."""
    try:
        here = os.path.realpath(os.getcwd())  # noqa: PTH109 - pathlib imports modules that might come from there
    except OSError:  # it was removed
        return sys.path[:]
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    meant = {entry for entry in entries if os.path.isabs(entry)}  # noqa: PTH117 - as above
    return [entry for entry in sys.path if entry in meant or os.path.realpath(entry or here) != here]


def look_in(folder: str) -> None:
    """Import from ``folder`` what is found nowhere else."""
    if folder not in sys.path:
        sys.path.append(folder)
