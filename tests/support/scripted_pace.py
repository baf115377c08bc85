"""How fast the scripted server answers, and how much it lets through."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import NormalDist

from support.scripted_roles import unit


@dataclass(frozen=True)
class Lognormal:
    """Seconds until a reply, as models take them: most near the mean, a few several times as long. By a hash of the request."""

    mean: float
    sigma: float = 0.5

    def of(self, sha: str) -> float:
        z = NormalDist().inv_cdf(min(max(unit("delay", sha), 1e-9), 1 - 1e-9))
        return self.mean * math.exp(self.sigma * z - self.sigma**2 / 2)


@dataclass
class Quota:
    """A provider's rate limit, as strict as they come: a bucket that holds one second's worth of requests (and of tokens).

    Whoever asks for more is banned: for ``ban`` seconds nothing gets through, whoever asks. ``tokens_a_minute`` counts prompts.
    """

    requests_a_minute: float
    tokens_a_minute: float = math.inf
    ban: float = 5.0
    violations: int = 0
    clock: Callable[[], float] = time.monotonic
    _levels: list[float] = field(default_factory=list)
    _at: float = 0.0
    _banned_until: float = 0.0

    def admits(self, tokens: int) -> bool:
        now = self.clock()
        limits = [limit for limit in (self.requests_a_minute, self.tokens_a_minute) if limit < math.inf]
        rates = [limit / 60 for limit in limits]
        room = [max(1.0, rate) for rate in rates]
        passed = now - self._at
        levels = [
            min(most, level + rate * passed)
            for most, level, rate in zip(room, self._levels or room, rates, strict=True)
        ]
        self._at, taken = now, [1.0, float(tokens)][: len(levels)]
        if now < self._banned_until:
            self._levels = levels
            return False
        if any(level < min(take, most) - 1e-6 for level, take, most in zip(levels, taken, room, strict=True)):
            self._levels, self._banned_until = levels, now + self.ban
            self.violations += 1
            return False
        self._levels = [level - take for level, take in zip(levels, taken, strict=True)]
        return True


class Slots:
    """A server that works on ``count`` requests at once, each for its time; the others wait, first come first served."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._free_at: deque[float] = deque([0.0] * count, count)

    def until_done(self, now: float, seconds: float) -> float:
        """Seconds from ``now`` until a request that takes ``seconds`` is answered."""
        start = max(now, min(self._free_at))
        self._free_at.remove(min(self._free_at))
        self._free_at.append(start + seconds)
        return start + seconds - now
