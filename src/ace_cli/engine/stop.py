"""Stopping a run: once, for one reason, and without losing what is in flight."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

from ace_cli.engine.events import Listener, Stopping
from ace_cli.errors import AceError, Interrupted, LimitReached


class StopController:
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
        self._closed = asyncio.Event()

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

    async def pause(self, seconds: float) -> None:
        """Sleep before a call is tried again: nothing of it is in flight, so a run that stops tries no more.

        Raises:
            AceError: the reason for which the run stopped meanwhile.
        """
        await self.until(asyncio.Event(), seconds)

    async def until(self, event: asyncio.Event, seconds: float | None = None) -> None:
        """Wait for ``event``, at most ``seconds``, before a call that is not in flight.

        Raises:
            AceError: the reason for which the run stopped meanwhile.
        """
        waits = [asyncio.ensure_future(waited.wait()) for waited in (event, self._closed)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self.reason is not None:
            raise self.reason

    def stop(self, reason: AceError) -> None:
        """Stop the run; the first reason stays."""
        if self.reason is not None:
            return
        self.reason = reason
        self._closed.set()
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


@contextlib.contextmanager
def signals(stop: StopController) -> Iterator[None]:
    """Ctrl-C, termination and a closed terminal stop the run gently."""
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    loop = asyncio.get_running_loop()
    added: list[signal.Signals] = []
    if threading.current_thread() is threading.main_thread():
        for name in names:
            number = signal.Signals[name]
            if name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN:
                continue  # `nohup ace train`: it is to go on when the terminal is closed
            with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C stays a KeyboardInterrupt
                loop.add_signal_handler(number, stop.interrupt, _WORDS[name])
                added.append(number)
    try:
        yield
    finally:
        for number in added:
            loop.remove_signal_handler(number)


_WORDS = {"SIGINT": "Ctrl-C", "SIGTERM": "asked to terminate", "SIGHUP": "the terminal was closed"}


@contextlib.contextmanager
def deadline(stop: StopController, limit: float | None, spent: float) -> Iterator[None]:
    """``--max-time`` also holds while every call is waiting for a provider."""
    if limit is None:
        yield
        return
    left = max(0.0, limit - spent)
    reason = LimitReached(
        f"limit reached: --max-time {limit:g} s", "Go on with `ace resume` and a higher --max-time."
    )
    timer = asyncio.get_running_loop().call_later(left, stop.stop, reason)
    try:
        yield
    finally:
        timer.cancel()
