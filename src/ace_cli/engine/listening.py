"""Listeners are somebody else's code: what they raise must not tear through whatever emits an event."""

from __future__ import annotations

from collections.abc import Callable

from ace_cli.engine.events import Event, Listener
from ace_cli.errors import AceError, RunStopped
from ace_cli.redact import redact


class ListenerFailed(RunStopped):
    """The listener raised; its error is the ``__cause__``."""


class GuardedListener:
    """Hands events on until the listener raises: then ``stop`` is called with the reason, and it hears no more."""

    def __init__(self, listener: Listener) -> None:
        self.problem: ListenerFailed | None = None
        self.stop: Callable[[AceError], None] = lambda _: None
        self._listener = listener

    def __call__(self, event: Event) -> None:
        if self.problem is not None:
            return
        try:
            self._listener(event)
        except Exception as error:  # noqa: BLE001 - whatever it is, calls in flight are paid and get recorded
            told = redact(f"{type(error).__name__}: {error}")
            self.problem = ListenerFailed(
                f"a listener to the run's events failed: {told}", "Nothing is lost: `ace resume` goes on."
            )
            self.problem.__cause__ = error
            self.stop(self.problem)
