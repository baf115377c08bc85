"""How many calls are in flight, and how often they go, on a clock that jumps: a simulated provider, no waiting."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable

import pytest

from ace_cli.engine.pace import Pace
from ace_cli.engine.quota import Quota, Use
from ace_cli.llm.rates import Rates, Room, rates_in


class Provider:
    """Answers after lognormal times; ``workers`` requests at once, the others wait; more than ``most`` are refused."""

    def __init__(self, workers: int = 10_000, most: int = 10_000) -> None:
        self.now = 0.0
        self.workers = workers
        self.most = most
        self.in_flight = 0
        self.limits: list[int] = []
        self._slow = 1.0
        self._random = random.Random(5)
        self._busy: list[float] = []

    def clock(self) -> float:
        return self.now

    def slow_down(self, times: float) -> None:
        self._slow = times

    def run(self, pace: Pace, calls: int, demand: int = 10_000) -> None:
        """So many calls, as many at once as the pace allows and the ``demand`` gives."""
        events: list[tuple[float, int, int, float]] = []
        order, begun = itertools.count(), 0
        while begun < calls or events:
            while begun < calls and self.in_flight < min(pace.limit, demand):
                begun += 1
                self.in_flight += 1
                number = pace.begun()
                if self.in_flight > self.most:
                    heapq.heappush(events, (self.now + 0.05, next(order), -number, 0.0))
                    continue
                seconds = self._slow * self._random.lognormvariate(0, 0.5)
                while self._busy and self._busy[0] <= self.now:
                    heapq.heappop(self._busy)
                start = self.now
                if len(self._busy) >= self.workers:
                    start = heapq.heappop(self._busy)
                heapq.heappush(self._busy, start + seconds)
                heapq.heappush(events, (start + seconds, next(order), number, self.now))
            self.now, _, number, at = heapq.heappop(events)
            if number < 0:
                pace.refused(-number)
            else:
                pace.replied(number, "generator", self.now - at, self.in_flight)
            self.in_flight -= 1
            self.limits.append(pace.limit)


def paced(provider: Provider, concurrency: int | str = "auto") -> tuple[Pace, list[tuple[int, int, str]]]:
    changes: list[tuple[int, int, str]] = []
    return Pace(concurrency, lambda *change: changes.append(change), provider.clock), changes


def test_it_grows_while_more_calls_give_more_replies() -> None:
    provider = Provider()
    pace, changes = paced(provider)
    provider.run(pace, 3000)
    assert [limit for _, limit, _ in changes[:3]] == [32, 64, 128]
    assert pace.limit == 256


def test_it_does_not_grow_where_nobody_waits_for_it() -> None:
    provider = Provider()
    pace, changes = paced(provider)
    provider.run(pace, 2000, demand=12)
    assert (pace.limit, changes) == (16, [])


@pytest.mark.parametrize("workers", [8, 40])
def test_it_stays_about_where_the_provider_has_enough_to_do(workers: int) -> None:
    provider = Provider(workers=workers)
    pace, _ = paced(provider)
    provider.run(pace, 6000)
    late = provider.limits[3000:]
    assert max(late) <= 4 * max(workers, 16)
    assert sum(late) / len(late) >= 0.8 * min(workers, 16)


def test_many_refusals_at_once_are_one_episode() -> None:
    provider = Provider(most=1)
    pace, changes = paced(provider)
    numbers = [pace.begun() for _ in range(16)]
    for number in numbers:
        pace.refused(number)
    assert changes == [(16, 11, "the provider refuses more")]
    for number in [pace.begun() for _ in range(11)]:
        pace.refused(number)  # tried again, and refused again: nobody got through
    assert pace.limit == 11
    pace.replied(pace.begun(), "generator", 1.0, 1)
    pace.refused(pace.begun())  # that is another one
    assert pace.limit == 7


def test_it_finds_about_what_a_provider_admits() -> None:
    provider = Provider(most=50)
    pace, changes = paced(provider)
    provider.run(pace, 8000)
    late = provider.limits[4000:]
    assert 25 <= sum(late) / len(late) <= 55
    refusals = [change for change in changes if "refuses" in change[2]]
    assert 1 <= len(refusals) <= 12


def test_it_goes_back_once_when_replies_take_longer() -> None:
    provider = Provider()
    pace, changes = paced(provider)
    provider.run(pace, 4000)
    before = pace.limit
    provider.slow_down(3.0)
    provider.run(pace, 1500)
    slower = [change for change in changes if "slower" in change[2]]
    assert len(slower) == 1
    assert slower[0][:2] == (before, before * 3 // 4)


@pytest.mark.parametrize("most", [4, 10_000])
def test_a_fixed_number_is_obeyed_whatever_the_provider_does(most: int) -> None:
    provider = Provider(most=most)
    pace, changes = paced(provider, 7)
    provider.run(pace, 500)
    provider.slow_down(5.0)
    provider.run(pace, 500)
    assert (set(provider.limits), changes) == ({7}, [])


# -- requests and tokens a minute


class Counting:
    """A server that counts in any minute, and by the clock's minutes."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.seen: list[tuple[float, float]] = []

    def clock(self) -> float:
        return self.now

    def most_in_a_minute(self) -> float:
        most = total = 0.0
        recent: deque[tuple[float, float]] = deque()
        for at, units in self.seen:
            recent.append((at, units))
            total += units
            while recent[0][0] <= at - 60:
                total -= recent.popleft()[1]
            most = max(most, total)
        return most


def go(
    server: Counting, quota: Quota, seconds: float, latency: Callable[[], float], tokens: Callable[[], int]
) -> int:
    """As many calls as the quota lets go in so many seconds; how many."""
    done, count, ends, order = (
        server.now + seconds,
        0,
        list[tuple[float, int, Use, int]](),
        itertools.count(),
    )
    while server.now < done:
        wait = max(quota.own_delay(1000), quota.told_delay(1000))
        if wait <= 0:
            used = tokens()
            use = quota.take(1000)
            server.seen.append((server.now, used))
            heapq.heappush(ends, (server.now + latency(), next(order), use, used))
            count += 1
            continue
        if ends and ends[0][0] <= server.now + wait:
            server.now, _, use, used = heapq.heappop(ends)
            quota.end(use, used, None)
        else:
            server.now += wait + 1e-9
    return count


def test_requests_a_minute_are_never_more_than_allowed_and_near_it() -> None:
    server = Counting()
    count = go(server, Quota(max_rpm=600, clock=server.clock), 600, lambda: 0.5, lambda: 0)
    assert len(server.seen) == count
    assert 0.97 * 6000 <= count <= 6000
    server.seen = [(at, 1) for at, _ in server.seen]
    assert server.most_in_a_minute() <= 600
    assert (
        max(sum(1 for at, _ in server.seen if second <= at < second + 1) for second in range(1000, 1100))
        <= 15
    )


def test_tokens_are_counted_as_estimated_and_then_as_used() -> None:
    server, numbers = Counting(), random.Random(3)
    quota = Quota(max_tpm=60_000, clock=server.clock)
    go(server, quota, 900, lambda: numbers.uniform(0.2, 4.0), lambda: numbers.randint(50, 1000))
    assert server.most_in_a_minute() <= 60_000
    used = sum(units for _, units in server.seen)
    assert used >= 0.85 * 60_000 * 15


def test_a_call_larger_than_the_limit_goes_alone() -> None:
    server = Counting()
    quota = Quota(max_tpm=500, clock=server.clock)
    assert go(server, quota, 300, lambda: 1.0, lambda: 500) in (4, 5)


def test_what_an_earlier_session_used_still_counts() -> None:
    server = Counting()
    quota = Quota(max_rpm=3, clock=server.clock)
    for _ in range(3):
        quota.remember(10, ago=20.0)
    assert quota.own_delay(1) == pytest.approx(41.0)


def test_calls_wait_until_what_the_provider_says_is_left_suffices() -> None:
    server = Counting()
    quota = Quota(clock=server.clock)
    uses = [quota.take(100) for _ in range(3)]
    quota.end(uses[0], 100, Rates(requests=Room(remaining=2, limit=60, reset=58)))
    assert quota.told_delay(100) == pytest.approx(1.0)  # two went since: one a second comes back
    quota.end(uses[2], 100, Rates(requests=Room(remaining=5, limit=60, reset=55)))
    quota.end(uses[1], 100, Rates(requests=Room(remaining=0, limit=60, reset=60)))  # older news
    assert quota.told_delay(100) == 0
    quota.end(quota.take(100), 100, Rates(tokens=Room(remaining=0, limit=0, reset=7)))
    assert quota.told_delay(100) == pytest.approx(7.0)
    server.now += 7.1
    assert quota.told_delay(100) == 0
    quota.hold(30)
    assert quota.told_delay(1) == pytest.approx(30)


@pytest.mark.parametrize(
    ("headers", "requests", "tokens"),
    [
        (
            {
                "x-ratelimit-limit-requests": "500",
                "x-ratelimit-remaining-requests": "499",
                "x-ratelimit-reset-requests": "120ms",
                "x-ratelimit-remaining-tokens": "29000",
                "x-ratelimit-reset-tokens": "6m1.5s",
            },
            Room(499, 500, 0.12),
            Room(29000, 0, 361.5),
        ),
        (
            {
                "anthropic-ratelimit-requests-limit": "50",
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2001-01-01T00:00:00Z",
            },
            Room(0, 50, 0),
            None,
        ),
        ({"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "7.5"}, Room(3, 0, 7.5), None),
        ({"x-ratelimit-remaining-requests": "many", "x-ratelimit-reset-requests": "1s"}, None, None),
        ({"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "soon"}, None, None),
        ({}, None, None),
    ],
)
def test_what_providers_say_of_their_limits(
    headers: dict[str, str], requests: Room | None, tokens: Room | None
) -> None:
    expected = Rates(requests, tokens) if requests or tokens else None
    assert rates_in(headers) == expected
