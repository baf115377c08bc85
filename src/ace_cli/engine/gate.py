"""Stopping a run: once, for one reason, and without losing what is in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ace_cli.engine.events import Listener, Stopping
from ace_cli.errors import AceError, Interrupted


class Gate:
    """Open until the run is to stop.

    After an interruption no further example is taken and those in flight are finished; after any other
    reason (a limit, a bad key, an outage) not even a further call is made. Either way what is in flight may end
    within the grace period, then ``abort`` cuts it off.
    """

    def __init__(self, emit: Listener, grace: float, in_flight: Callable[[], int]) -> None:
        self.reason: AceError | None = None
        self._emit = emit
        self._grace = grace
        self._in_flight = in_flight
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def guard(self, task: asyncio.Task[object]) -> None:
        """The task that ``abort`` cancels."""
        self._task = task

    def check(self) -> None:
        """Called before every call.

        Raises:
            AceError: the reason, when no further call may be made.
        """
        if self.reason is not None and not isinstance(self.reason, Interrupted):
            raise self.reason

    def stop(self, reason: AceError) -> None:
        """Close the gate; the first reason stays."""
        if self.reason is not None:
            return
        self.reason = reason
        self._emit(Stopping(reason.message, self._in_flight(), self._grace))
        self._timer = asyncio.get_running_loop().call_later(self._grace, self.abort)

    def interrupt(self, name: str) -> None:
        """A signal: the first one stops, the second one aborts."""
        if self.reason is not None:  # stopping already, whatever for: now in a hurry
            self.abort()
            return
        self.stop(Interrupted(f"interrupted ({name})", "Nothing is lost: `ace resume` goes on."))

    def abort(self) -> None:
        """Cut off what is in flight."""
        if self._task is not None:
            self._task.cancel()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
