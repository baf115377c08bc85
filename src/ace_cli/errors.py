"""Every error that a user can cause, as one line, a hint and an exit code.

`ace` prints ``error: MESSAGE`` and ``hint: HINT`` and ends with ``exit_code``; a traceback is shown
only with ``ACE_DEBUG=1``. Whatever is not an :class:`AceError` is a bug of ours.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import Any

from ace_cli.text import valid


class ExitCode(IntEnum):
    """What the process says to the shell that started it."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    LIMIT = 3
    INTERRUPTED = 130


class AceError(Exception):
    """A failure that we foresaw.

    Args:
        message: one line that names the thing and what is wrong with it.
        hint: what to do about it; empty when there is nothing useful to say.

    ``run_dir`` is the run that it ended, if there is one to go on with.
    """

    exit_code: ExitCode = ExitCode.FAILED
    run_dir: Path | None = None

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = valid(message)
        self.hint = valid(hint)
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors travel between processes whole, whatever their constructors take."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[AceError], args: tuple[object, ...], state: dict[str, object]) -> AceError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class UsageError(AceError):
    """Wrong flags, settings or input: nothing was started and nothing was paid."""

    exit_code = ExitCode.USAGE


class RunStopped(AceError):
    """The run ended before its plan did, and ``ace resume`` goes on from here."""


class LimitReached(RunStopped):
    """A limit that the user set (cost, calls, tokens, time) is spent."""

    exit_code = ExitCode.LIMIT


class Interrupted(RunStopped):
    """Ctrl-C, SIGTERM or a closed terminal."""

    exit_code = ExitCode.INTERRUPTED


class StoreError(AceError):
    """The run store cannot be read or written; the run stops, and what is recorded is safe."""
