"""Trying again: when, how long, and when to give up.

A failed call has one of two causes, and they need opposite patience. If the *endpoint* is in trouble (down,
overloaded, rate limit), every request would fail, so waiting costs time only, and giving up would burn
the rest of the examples. If it is *this request* (a prompt that crashes the server, say), waiting is a waste. A provider seldom says which.
So all calls to an endpoint share a :class:`CircuitBreaker` that remembers what the others met.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ace_cli.llm.base import TransientError
from ace_cli.llm.rates import Rates

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

_jitter = random.Random()
"""Of its own, so that neither seeds nor results of anybody else are touched."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Times in seconds.

    ``max_retries`` bounds the further tries of a call whose failure seems to be its own. ``horizon`` is
    how long an endpoint that answers nobody is waited for. Waits double from ``initial`` to ``maximum``.
    """

    max_retries: int = 8
    initial: float = 1.0
    maximum: float = 60.0
    horizon: float = 600.0


MOST_PAID = 3
"""Tries of one call that may be paid for without giving anything; a shape that cannot be read rarely passes."""


MOST_UNREAD = 4
"""Tries of one call that an endpoint may answer with something else than an API sends, if it never gave a reply: it is the wrong address."""


@dataclass(frozen=True, slots=True)
class RetryNotice:
    """A try failed and another one follows in ``wait`` seconds. ``attempt`` counts failed tries from 1.

    ``retry_after`` is what the provider asked for, in seconds, ``rates`` what it says of its limits.
    """

    kind: str
    attempt: int
    wait: float
    message: str
    retry_after: float | None = None
    rates: Rates | None = None


@dataclass(slots=True)
class CircuitBreaker:
    """What the calls to one endpoint know of each other; one per model and event loop.

    New calls are held back after a Retry-After, or after two failures of the endpoint without a success
    between them. The first success of a call begun after that lets them all through.
    """

    clock: Callable[[], float] = time.monotonic
    last_success: float = float("-inf")
    _failing: set[object] = field(default_factory=set)
    _given_up: int = 0
    _in_a_row: int = 0
    _closed_at: float = float("-inf")
    _closed_until: float = float("-inf")

    async def wait(self, sleep: Sleep) -> bool:
        """Return when a call may start; whether there was anything to wait for."""
        has_waited = False
        while (left := self._closed_until - self.clock()) > 0:
            has_waited = True
            nap = min(left, 0.25)  # short, since a success ends the wait
            await sleep(nap * _jitter.uniform(1.0, 1.2))
        return has_waited

    def succeeded(self, started: float) -> None:
        """A call that began at ``started`` got its reply."""
        self.last_success = self.clock()
        self._in_a_row = self._given_up = 0
        self._failing.clear()
        if started >= self._closed_at:
            self._closed_until = float("-inf")

    def failed(self, call: object, error: TransientError, wait: float) -> None:
        self._failing.add(call)
        if not error.endpoint:
            return
        self._in_a_row += 1
        if error.retry_after is not None or self._in_a_row >= 2:
            self._closed_at = self.clock()
            self._closed_until = max(self._closed_until, self._closed_at + wait)

    def left(self, call: object, *, given_up: bool) -> None:
        """The call is over without a reply: given up, cancelled, or failed for good."""
        self._failing.discard(call)
        self._given_up += given_up

    def is_suspect(self, call: object) -> bool:
        """Do failures that could be the request's own look like the endpoint's? Nobody got through, and
        other calls fail too, or three were given up in a row."""
        return len(self._failing - {call}) > 0 or self._given_up >= 3


@dataclass(frozen=True, slots=True)
class Retried(Generic[T]):
    """What a call gave in the end, and how many tries failed before."""

    value: T
    retries: int


async def with_retry(
    once: Callable[[], Awaitable[T]],
    policy: RetryPolicy,
    *,
    breaker: CircuitBreaker | None = None,
    on_retry: Callable[[RetryNotice], None] | None = None,
    sleep: Sleep = asyncio.sleep,
    ready: Callable[[], Awaitable[None]] | None = None,
) -> Retried[T]:
    """What ``once`` returns, tried again after each :class:`TransientError` until it is time to give up.

    See :meth:`_Tries.wait_after` for when that is.

    Args:
        once: one try; it may be a chat call or an embedding call.
        breaker: shared by all calls to the same endpoint.
        on_retry: told before each wait.
        sleep: for tests.
        ready: returns when the next try may be made; the first one may, unless it had to wait for the breaker.

    Raises:
        TransientError: the last one, saying how often was tried. ``endpoint`` is True if it was an outage (the
            run should stop, resumable), False if only this request is lost.
        RequestError, PermanentError: as ``once`` raised them.
    """
    breaker = breaker or CircuitBreaker()
    tries = _Tries(policy, breaker)
    try:
        while True:
            if (await breaker.wait(sleep) or tries.failures) and ready:
                await ready()
            started = breaker.clock()
            try:
                value = await once()
            except TransientError as error:
                wait = tries.wait_after(error)
                breaker.failed(tries, error, wait)
                if on_retry:
                    on_retry(RetryNotice(error.kind, tries.failures, wait, error.message, error.retry_after))
                await sleep(wait)
            else:
                breaker.succeeded(started)
                return Retried(value, tries.failures)
    except BaseException as error:
        breaker.left(tries, given_up=isinstance(error, TransientError))
        raise


@dataclass(slots=True, eq=False)
class _Tries:
    """The failed tries of one call."""

    policy: RetryPolicy
    breaker: CircuitBreaker
    failures: int = 0
    _own: int = 0
    _paid: int = 0
    _unread: int = 0
    _first: float = 0.0

    def wait_after(self, error: TransientError) -> float:
        """Seconds to wait after a try that just failed. The call is given up when

        * ``max_retries`` further tries failed for reasons that seem to be this request's own, or they took a horizon, or
        * the endpoint answered nobody for ``horizon`` seconds, or asks to come back later than that (an outage), or
        * it is answered with something else than an API sends :data:`MOST_UNREAD` times by an endpoint that never gave a reply, or
        * it fails for three horizons although others get through, or
        * :data:`MOST_PAID` tries were paid for.

        With ``max_retries`` 0, nothing is tried again.

        Raises:
            TransientError: given up; see :func:`with_retry`.
        """
        policy, now = self.policy, self.breaker.clock()
        self.failures += 1
        if self.failures == 1:
            self._first = now
        is_own = not error.endpoint and not self.breaker.is_suspect(self)
        self._own += is_own
        self._paid += error.paid
        self._unread += error.kind == "bad_body"
        trying = now - self._first
        answered_nobody = now - max(self._first, self.breaker.last_success)
        asked = error.retry_after or 0.0
        if not is_own and max(answered_nobody, asked) > policy.horizon:
            raise self._last_word(error, is_outage=True) from error.__cause__
        if policy.max_retries == 0:
            raise self._last_word(error, is_outage=error.endpoint) from error.__cause__
        if self._unread >= MOST_UNREAD and self.breaker.last_success == float("-inf"):
            raise self._last_word(error, is_outage=True) from error.__cause__
        if (
            self._paid >= MOST_PAID
            or self._own > policy.max_retries
            or trying > policy.horizon * (1 if is_own else 3)
        ):
            raise self._last_word(error, is_outage=False) from error.__cause__
        return _wait(policy, self.failures, error.retry_after)

    def _last_word(self, error: TransientError, *, is_outage: bool) -> TransientError:
        """``error``, saying how often was tried and whether it was an outage."""
        message = error.message
        if self.failures > 1:
            seconds = self.breaker.clock() - self._first
            message = f"{message} (tried {self.failures} times in {seconds:.0f} s)"
        return TransientError(
            message, error.hint, kind=error.kind, retry_after=error.retry_after, endpoint=is_outage
        )


def _wait(policy: RetryPolicy, failures: int, asked: float | None) -> float:
    """Seconds until the next try: exponential with jitter, and never less than what the provider asks for."""
    backoff = min(policy.maximum, policy.initial * 2.0 ** min(failures - 1, 60))
    wait = backoff * _jitter.uniform(0.5, 1.0)
    if asked is None:
        return wait
    # a little later, and not all at once: those who were sent away together must not return together
    return max(wait, asked + _jitter.uniform(0.0, max(asked / 4, min(backoff, policy.initial))))
