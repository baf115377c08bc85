"""What a model and whoever lets it call tell each other while a call is under way.

A call is let go once, but it may take several requests: a model leaves out a parameter that its server does not take, say. Each
of them counts for a rate limit. And what a server says of its limits comes with every reply, also with one that is an error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from ace_cli.llm.rates import Rates


@dataclass(slots=True)
class Tries:
    """Of one call: ``again`` returns when a further request may be sent; ``rates`` is what the server said last."""

    again: Callable[[], Awaitable[None]]
    rates: Rates | None = None


_current: ContextVar[Tries | None] = ContextVar("tries", default=None)


@contextmanager
def trying(tries: Tries) -> Iterator[None]:
    """Calls inside the block belong to ``tries``."""
    token = _current.set(tries)
    try:
        yield
    finally:
        _current.reset(token)


async def another_request() -> None:
    """To be awaited before each request of a call but its first one."""
    if (tries := _current.get()) is not None:
        await tries.again()


def told(rates: Rates | None) -> None:
    """A server has answered, and said this of its limits."""
    if rates is not None and (tries := _current.get()) is not None:
        tries.rates = rates


def forget() -> None:
    """What a server said is about itself alone: the next request may go to another one."""
    if (tries := _current.get()) is not None:
        tries.rates = None
