"""Trying again: when, how long, and when to give up.

A failed call has one of two causes, and they need opposite patience. If the *endpoint* is in trouble (down,
overloaded, rate limit), every request would fail, so waiting costs time only, and giving up would burn
the rest of the examples. If it is *this request* (a prompt that crashes the server, say), waiting is a waste. A provider seldom says which.
So all calls to an endpoint share an :class:`CircuitBreaker` that remembers what the others met.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from ace_cli.llm.base import ChatReply, TransientError

if TYPE_CHECKING:
    from tenacity import RetryCallState

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


@dataclass(frozen=True, slots=True)
class RetryNotice:
    """A try failed and another one follows in ``wait`` seconds. ``attempt`` counts failed tries from 1."""

    kind: str
    attempt: int
    wait: float
    message: str


@dataclass(slots=True)
class CircuitBreaker:
    """What the calls to one endpoint know of each other; one per model and event loop.

    New calls are held back after a Retry-After, or after two failures of the endpoint without a success
    between them. The first success of a call begun after that opens the gate at once.
    """

    clock: Callable[[], float] = time.monotonic
    last_success: float = float("-inf")
    _failing: set[object] = field(default_factory=set)
    _given_up: int = 0
    _in_a_row: int = 0
    _closed_at: float = float("-inf")
    _closed_until: float = float("-inf")

    async def wait(self, sleep: Sleep) -> None:
        """Return when a call may start."""
        while (left := self._closed_until - self.clock()) > 0:
            nap = min(left, 0.25)  # short, since a success may open the gate
            await sleep(nap * _jitter.uniform(1.0, 1.2))

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


async def with_retry(
    call: Callable[[], Awaitable[ChatReply]],
    policy: RetryPolicy,
    *,
    gate: CircuitBreaker | None = None,
    on_retry: Callable[[RetryNotice], None] | None = None,
    sleep: Sleep = asyncio.sleep,
) -> ChatReply:
    """:func:`retried` for a chat call: the number of failed tries goes into the reply's ``retries``."""
    reply, failures = await retried(call, policy, gate=gate, on_retry=on_retry, sleep=sleep)
    return replace(reply, retries=failures)


async def retried(
    call: Callable[[], Awaitable[T]],
    policy: RetryPolicy,
    *,
    gate: CircuitBreaker | None = None,
    on_retry: Callable[[RetryNotice], None] | None = None,
    sleep: Sleep = asyncio.sleep,
) -> tuple[T, int]:
    """What ``call`` returns, tried again after each :class:`TransientError`, and how many tries failed.

    It gives up when

    * ``max_retries`` further tries failed for reasons that seem to be this request's own, or they took a horizon, or
    * the endpoint answered nobody for ``horizon`` seconds, or asks to come back later than that, or
    * this call fails for three horizons although others get through.

    With ``max_retries`` 0, nothing is tried again.

    Args:
        gate: shared by all calls to the same endpoint.
        on_retry: told before each wait.
        sleep: for tests.

    Raises:
        TransientError: the last one, saying how often was tried. ``endpoint`` is True if it was an outage (the
            run should stop, resumable), False if only this request is lost.
        RequestError, PermanentError: as ``call`` raised them.
    """
    from tenacity import AsyncRetrying, retry_if_exception_type

    gate = gate or CircuitBreaker()
    tries = _Tries(policy, gate, on_retry)
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(TransientError),
        stop=tries.is_enough,
        wait=tries.wait,
        before_sleep=tries.announce,
        sleep=sleep,
        reraise=True,
    )

    async def once() -> T:
        await gate.wait(sleep)
        started = gate.clock()
        result = await call()
        gate.succeeded(started)
        return result

    try:
        result: T = await retrying(once)
    except TransientError as error:
        gate.left(tries, given_up=True)
        raise tries.spent(error) from error.__cause__
    except BaseException:
        gate.left(tries, given_up=False)
        raise
    return result, tries.failures


class _Tries:
    """The tries of one call: the decisions that tenacity asks for."""

    def __init__(
        self, policy: RetryPolicy, gate: CircuitBreaker, on_retry: Callable[[RetryNotice], None] | None
    ) -> None:
        self.policy = policy
        self.gate = gate
        self.on_retry = on_retry
        self.failures = 0
        self._own = 0
        self._first = 0.0
        self._is_outage = False

    def is_enough(self, state: RetryCallState) -> bool:
        """Called once after each failed try."""
        error, now, policy = _error(state), self.gate.clock(), self.policy
        self.failures += 1
        if self.failures == 1:
            self._first = now
        is_own = not error.endpoint and not self.gate.is_suspect(self)
        self._own += is_own
        answered_nobody = now - max(self._first, self.gate.last_success)
        self._is_outage = not is_own and (
            answered_nobody > policy.horizon or (error.retry_after or 0.0) > policy.horizon
        )
        return (
            self._is_outage
            or policy.max_retries == 0
            or self._own > policy.max_retries
            or now - self._first > policy.horizon * (1 if is_own else 3)
        )

    def wait(self, state: RetryCallState) -> float:
        """Seconds: exponential with jitter, and never less than what the provider asks for."""
        backoff = min(self.policy.maximum, self.policy.initial * 2.0 ** min(state.attempt_number - 1, 60))
        wait = backoff * _jitter.uniform(0.5, 1.0)
        asked = _error(state).retry_after
        if asked is None:
            return wait
        # a little later, and not all at once: those who were sent away together must not return together
        return max(wait, asked + _jitter.uniform(0.0, max(asked / 4, min(backoff, self.policy.initial))))

    def announce(self, state: RetryCallState) -> None:
        error, wait = _error(state), state.upcoming_sleep
        self.gate.failed(self, error, wait)
        if self.on_retry:
            self.on_retry(RetryNotice(error.kind, self.failures, wait, error.message))

    def spent(self, error: TransientError) -> TransientError:
        """The last error, saying how often was tried."""
        message = error.message
        if self.failures > 1:
            seconds = self.gate.clock() - self._first
            message = f"{message} (tried {self.failures} times in {seconds:.0f} s)"
        endpoint = self._is_outage or (error.endpoint and self.policy.max_retries == 0)
        return TransientError(
            message, error.hint, kind=error.kind, retry_after=error.retry_after, endpoint=endpoint
        )


def _error(state: RetryCallState) -> TransientError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, TransientError)
    return error
