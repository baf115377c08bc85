"""How many failed examples are too many."""

from __future__ import annotations

from ace_cli.errors import RunStopped

ENOUGH = 10
"""Examples before a share means anything: one failure of one example is not a failing run."""


class TooManyFailures(RunStopped):
    """More examples failed than ``--max-failures`` allows."""


class FailureCount:
    """Counts examples, of one phase or of several together, until too many of them failed."""

    def __init__(self, limit: int | float, attempted: int = 0, failed: int = 0) -> None:
        self._limit = limit
        self._attempted = attempted
        self._failed = failed
        self._begun = 0

    def begin(self) -> None:
        """One more is worked on: until it has ended, a share of failures counts it as good, since refusals come back before answers."""
        self._begun += 1

    def add(self, failed: bool, error: str) -> TooManyFailures | None:
        """One of those begun has ended; the reason to stop, if there is one now."""
        self._begun -= 1
        self._attempted += 1
        self._failed += failed
        if not failed:
            return None
        return check_failures(self._limit, self._failed, self._attempted, error, in_flight=self._begun)


def check_failures(
    limit: int | float,
    failed: int,
    attempted: int,
    last_error: str,
    *,
    in_flight: int = 0,
    final: bool = False,
) -> TooManyFailures | None:
    """The reason to stop, if there is one.

    Args:
        limit: a count (int), or a share of the examples attempted (float below 1). A run may reach it, not pass it.
        in_flight: examples that have not ended.
        final: the plan is done, so a share counts however few examples there were.
    """
    if isinstance(limit, float):
        if attempted < ENOUGH and not final:
            return None
        too_many = failed > limit * (attempted + in_flight)
        allowed = f"{limit:.0%}"
    else:
        too_many = failed > limit
        allowed = str(limit)
    if not too_many:
        return None
    return TooManyFailures(
        f"{failed} of {attempted} examples failed (--max-failures {allowed}); the last one: {last_error}",
        "`ace inspect RUN` groups the failures; `ace resume RUN --max-failures ...` goes on.",
    )
