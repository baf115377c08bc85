"""How many failed examples are too many."""

from __future__ import annotations

from ace_cli.errors import RunStopped

ENOUGH = 10
"""Examples before a share means anything: one failure of one example is not a failing run."""


class TooManyFailures(RunStopped):
    """More examples failed than ``--max-failures`` allows."""


def check_failures(
    limit: int | float, failed: int, attempted: int, last_error: str, *, final: bool = False
) -> TooManyFailures | None:
    """The reason to stop, if there is one.

    Args:
        limit: a count (int), or a share of the examples attempted (float below 1). A run may reach it, not pass it.
        final: the plan is done, so a share counts however few examples there were.
    """
    if isinstance(limit, float):
        if attempted < ENOUGH and not final:
            return None
        too_many = failed > limit * attempted
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
