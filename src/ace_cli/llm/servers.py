"""Several servers of one model: who gets the next call, and who is left out for a while.

A server with fewest calls in flight is next. One that fails as a server does (nobody listens, a reset, a gateway's 5xx, a rate limit)
is left out at once, and its call goes to another one without a wait. After a pause, which grows, one call tries it again. Where
all are out, the call fails as it would with a single server: waiting is the business of ``retry.py``.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ace_cli.errors import AceError
from ace_cli.llm.base import ModelError, TransientError
from ace_cli.llm.tries import another_request, forget

M = TypeVar("M")
T = TypeVar("T")
E = TypeVar("E", bound=AceError)

STRIKES = 3
"""Failures in a row, each of which may be its request's own, after which a server is left out: one that fails fast would else get every call."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds; pauses double in between."""


@dataclass(slots=True, eq=False)
class Server(Generic[M]):
    """``place`` is its address as it may be shown; times are those of the clock of :class:`Servers`."""

    place: str
    model: M
    in_flight: int = 0
    is_out: bool = False
    is_tried: bool = False
    """Out, with the one call in flight that tries it."""
    is_told: bool = False
    """Whether the user heard that it is out."""
    _chosen: int = 0
    _strikes: int = 0
    _pauses: int = 0
    _out_since: float = field(default=float("-inf"))
    due: float = field(default=float("-inf"))
    _back_since: float = field(default=float("-inf"))

    def may_be_asked(self, now: float) -> bool:
        """In use, or due for the one call that tries it."""
        return not self.is_out or (now >= self.due and not self.is_tried)

    @property
    def load(self) -> tuple[int, int]:
        """What is least is next: calls in flight, then who waited longest."""
        return self.in_flight, self._chosen

    @contextmanager
    def chosen(self, number: int) -> Iterator[None]:
        """The ``number``-th call is on its way to it."""
        self._chosen = number
        self.in_flight += 1
        tries = self.is_out
        self.is_tried |= tries
        try:
            yield
        finally:
            self.in_flight -= 1
            if tries:
                self.is_tried = False

    def succeeded(self, started: float, now: float) -> None:
        """That brings it back; the reply to a call from before it failed does not."""
        self._strikes = 0
        if self.is_out and started >= self._out_since:
            self.is_out, self._back_since = False, now

    def failed(self, error: TransientError, started: float, now: float) -> bool:
        """Whether it is left out from now on."""
        if error.paid:  # it is there, and answers
            return False
        self._strikes += 1
        if not (error.endpoint or self._strikes >= STRIKES or self.is_out):
            return False
        if self.is_out and started < self._out_since:  # sent before it was left out: no news
            return False
        was_out, self.is_out, self._out_since = self.is_out, True, now
        if error.retry_after is not None:
            pause = error.retry_after
        else:
            if not was_out and now - self._back_since > LONGEST_PAUSE:
                self._pauses = 0
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._pauses, 30))
            self._pauses += 1
        self.due = now + pause
        return not was_out


class Servers(Generic[M]):
    """The servers of one model, for the calls of one event loop.

    Args:
        models: address, as it may be shown -> the model there.
        notify: told when a server is left out, and when it is back.
    """

    def __init__(
        self,
        models: Sequence[tuple[str, M]],
        notify: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._servers = [Server(place, model) for place, model in models]
        self._notify = notify
        self._clock = clock
        self._calls = 0
        self._limited: set[Server[M]] = set()

    @property
    def models(self) -> Sequence[M]:
        return [server.model for server in self._servers]

    async def ask(self, once: Callable[[M], Awaitable[T]]) -> T:
        """What ``once`` gives with the model of the server that is next, or of another one where that fails.

        Raises:
            ModelError: no server that may be asked answered; the message names the server.
        """
        met: dict[Server[M], TransientError] = {}
        while (server := self._next(met)) is not None:
            if met:
                await another_request()
            self._calls += 1
            started = self._clock()
            try:
                with server.chosen(self._calls):
                    value = await once(server.model)
            except TransientError as error:
                self._failed(server, error, started)
                met[server] = said_of(server.place, error)
                if not error.endpoint:
                    raise met[server] from error.__cause__
            except ModelError as error:
                raise said_of(server.place, error) from error.__cause__
            else:
                self._succeeded(server, started)
                forget()
                return value
        forget()
        # the one that may be asked first says how long to wait
        soonest = min(met.values(), key=lambda error: error.retry_after or 0.0)
        raise soonest from soonest.__cause__

    def _next(self, met: dict[Server[M], TransientError]) -> Server[M] | None:
        now = self._clock()
        left = [server for server in self._servers if server not in met]
        if asked := [server for server in left if server.may_be_asked(now)]:
            return min(asked, key=lambda server: server.load)
        if met:
            return None
        return min(left, key=lambda server: server.due)

    def _succeeded(self, server: Server[M], started: float) -> None:
        server.succeeded(started, self._clock())
        if server.is_told and not server.is_out:
            server.is_told = False
            self._notify(f"{server.place} is back")

    def _failed(self, server: Server[M], error: TransientError, started: float) -> None:
        if not server.failed(error, started, self._clock()):
            return
        if error.kind == "rate_limit":  # which passes and comes again, as often as the calls are many
            if server not in self._limited:
                self._limited.add(server)
                self._notify(
                    f"{server.place} rests when it asks to, as it does now, which is told once: {error.message}"
                )
            return
        server.is_told = True
        others = any(not other.is_out for other in self._servers)
        then = "its calls go to the others" if others else "no other server is left, so calls wait"
        self._notify(f"{server.place} is left out until it answers, {then}: {error.message}")


def said_of(place: str, error: E) -> E:
    """``error``, with the address of the server that it is about."""
    if place.partition("://")[2].partition("/")[0] not in error.message:
        error.message = f"{error.message} (at {place})"
        error.args = (error.message,)
    return error
