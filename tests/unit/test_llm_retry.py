"""When a call is tried again, how long it waits, and when it is given up. No real time passes here."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import pytest

from ace_cli.llm import ChatReply, PermanentError, RequestError, TransientError
from ace_cli.llm.retry import CircuitBreaker, RetryNotice, RetryPolicy, with_retry

POLICY = RetryPolicy(max_retries=4, initial=1.0, maximum=60.0, horizon=600.0)


def limited(seconds: float | None = None) -> TransientError:
    return TransientError("m: rate limit", kind="rate_limit", retry_after=seconds)


def crashed() -> TransientError:
    return TransientError("m: the provider failed", kind="server_error", endpoint=False)


def refused() -> TransientError:
    return TransientError("m: no connection", kind="connection")


@dataclass
class World:
    """A clock that only sleeping moves, one breaker, and a list of what happened."""

    now: float = 1000.0
    waits: list[float] = field(default_factory=list)
    notices: list[RetryNotice] = field(default_factory=list)
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    sleeping: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.breaker.clock = lambda: self.now

    async def sleep(self, seconds: float) -> None:
        """Sleepers wake in the order of their time."""
        self.waits.append(seconds)
        until = self.now + seconds
        while self.now < until:
            self.sleeping.append(until)
            for _ in range(20):
                await asyncio.sleep(0)
            self.now = max(self.now, min(self.sleeping))
            self.sleeping.remove(until)

    async def call(
        self,
        outcomes: Iterable[Exception | None] | Callable[[], Exception | None],
        policy: RetryPolicy = POLICY,
    ) -> ChatReply:
        steps = None if callable(outcomes) else iter(outcomes)

        async def once() -> ChatReply:
            outcome = outcomes() if callable(outcomes) else next(steps)  # type: ignore[arg-type]
            if outcome is not None:
                raise outcome
            return ChatReply("fine")

        tried = await with_retry(
            once, policy, breaker=self.breaker, on_retry=self.notices.append, sleep=self.sleep
        )
        return replace(tried.value, retries=tried.retries)

    def run(
        self,
        outcomes: Iterable[Exception | None] | Callable[[], Exception | None],
        policy: RetryPolicy = POLICY,
    ) -> ChatReply:
        return asyncio.run(self.call(outcomes, policy))


def test_a_reply_says_how_many_tries_failed() -> None:
    world = World()
    assert world.run([None]).retries == 0
    assert world.run([crashed(), refused(), limited(), None]).retries == 3
    assert [(n.kind, n.attempt) for n in world.notices] == [
        ("server_error", 1),
        ("connection", 2),
        ("rate_limit", 3),
    ]


@pytest.mark.parametrize("error", [RequestError("no", kind="bad_request"), PermanentError("no", kind="auth")])
def test_what_will_never_work_is_not_tried_again(error: Exception) -> None:
    world = World()
    with pytest.raises(type(error)):
        world.run([error])
    assert world.notices == []


def test_waits_double_with_jitter_up_to_the_maximum() -> None:
    world = World()
    world.run([*[crashed() for _ in range(8)], None], RetryPolicy(max_retries=8, initial=1, maximum=20))
    full = [1, 2, 4, 8, 16, 20, 20, 20]
    assert all(f / 2 <= n.wait <= f for n, f in zip(world.notices, full, strict=True))
    assert len({round(n.wait / f, 6) for n, f in zip(world.notices, full, strict=True)}) > 1


def test_retry_after_is_honoured_and_those_sent_away_together_do_not_return_together() -> None:
    waits = set()
    for _ in range(20):
        world = World()
        world.run([limited(30.0), None])
        assert 30.0 <= world.notices[0].wait <= 37.5
        waits.add(world.notices[0].wait)
    assert len(waits) > 1


def test_seeds_of_others_are_left_alone() -> None:
    random.seed(1)
    state = random.getstate()
    World().run([crashed(), limited(3), None])
    assert random.getstate() == state


def test_a_request_that_crashes_the_server_is_given_up_after_its_retries() -> None:
    world = World()
    world.run([None])
    with pytest.raises(TransientError) as caught:
        world.run(crashed_always)
    assert caught.value.endpoint is False
    assert caught.value.message.startswith("m: the provider failed (tried 5 times in ")
    assert world.run([None]).text == "fine"


def crashed_always() -> TransientError:
    return crashed()


def test_an_outage_shorter_than_the_horizon_costs_time_only() -> None:
    world = World()
    end = world.now + 500
    reply = world.run(lambda: refused() if world.now < end else None)
    assert reply.retries > POLICY.max_retries


def test_an_outage_longer_than_the_horizon_is_the_endpoints() -> None:
    world = World()
    with pytest.raises(TransientError) as caught:
        world.run(lambda: refused())
    assert caught.value.endpoint is True
    assert 600 < world.now - 1000 < 700


def test_crashes_of_many_requests_at_once_are_an_outage() -> None:
    """No example is burnt when everything answers 500: all wait, and end as the endpoint's failure."""
    world = World()
    end = world.now + 300

    async def several(until: float) -> list[ChatReply | BaseException]:
        calls = [world.call(lambda: crashed() if world.now < until else None) for _ in range(4)]
        return await asyncio.gather(*calls, return_exceptions=True)

    replies = asyncio.run(several(end))
    assert all(isinstance(reply, ChatReply) for reply in replies), replies
    errors = asyncio.run(several(float("inf")))
    assert all(isinstance(error, TransientError) and error.endpoint for error in errors)


def test_one_after_the_other_three_requests_are_given_up_and_then_it_is_an_outage() -> None:
    world = World()
    ends = []
    for _ in range(4):
        with pytest.raises(TransientError) as caught:
            world.run(crashed_always)
        ends.append(caught.value.endpoint)
    assert ends == [False, False, False, True]


def test_a_provider_that_sends_away_for_longer_than_the_horizon_ends_it_at_once() -> None:
    world = World()
    with pytest.raises(TransientError) as caught:
        world.run([limited(3600.0)])
    assert (caught.value.endpoint, caught.value.retry_after) == (True, 3600.0)
    assert world.now == 1000.0


def test_a_call_that_alone_is_sent_away_for_ever_is_given_up() -> None:
    world = World()

    def others_get_through() -> TransientError:
        world.breaker.succeeded(world.now)
        return limited(30.0)

    with pytest.raises(TransientError) as caught:
        world.run(others_get_through)
    assert caught.value.endpoint is False
    assert world.now - 1000 > 3 * POLICY.horizon


def test_no_retries_means_none() -> None:
    for error in (crashed(), refused()):
        world = World()
        with pytest.raises(TransientError) as caught:
            world.run([error], RetryPolicy(max_retries=0))
        assert caught.value.message == error.message
        assert caught.value.endpoint is error.endpoint


def test_new_calls_hold_back_while_the_provider_sends_others_away() -> None:
    world = World()
    begun: list[float] = []

    async def story() -> None:
        first = asyncio.ensure_future(world.call([limited(20.0), None]))
        await asyncio.sleep(0.01)

        def note() -> None:
            begun.append(world.now)

        await asyncio.gather(*(world.call(note) for _ in range(5)))
        await first

    asyncio.run(story())
    assert all(at >= 1020.0 for at in begun)


def test_a_success_ends_the_wait_only_if_it_began_after_the_trouble() -> None:
    world = World()
    breaker = world.breaker
    breaker.failed("a", refused(), 50.0)
    asyncio.run(breaker.wait(world.sleep))
    assert world.waits == [], "one failure is no outage"
    world.now += 1
    breaker.failed("b", refused(), 50.0)
    breaker.succeeded(started=1000.0)  # begun before the trouble: it says nothing about now
    breaker.failed("b", limited(50.0), 50.0)
    asyncio.run(breaker.wait(world.sleep))
    assert world.now > 1050.0
    breaker.failed("b", limited(50.0), 50.0)
    breaker.succeeded(started=world.now)
    world.waits.clear()
    asyncio.run(breaker.wait(world.sleep))
    assert world.waits == []


def test_cancelling_a_waiting_call_leaves_no_trace() -> None:
    world = World()

    async def forever(seconds: float) -> None:
        await asyncio.Event().wait()

    async def once() -> ChatReply:
        raise crashed()

    async def story() -> None:
        task = asyncio.ensure_future(with_retry(once, POLICY, breaker=world.breaker, sleep=forever))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())
    assert not world.breaker.is_suspect(object())


def test_a_request_that_only_ever_times_out_does_not_outlast_the_horizon() -> None:
    world = World()

    def times_out() -> TransientError:
        world.now += 250  # a time-out is paid in time, not in tries
        world.breaker.succeeded(world.now)  # others get through
        return TransientError("m: no whole reply", kind="timeout", endpoint=False)

    with pytest.raises(TransientError) as caught:
        world.run(times_out, RetryPolicy(max_retries=50, horizon=600.0))
    assert caught.value.endpoint is False
    assert world.now - 1000 < 1200
