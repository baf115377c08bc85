"""litellm's preparation of a call, done where the call is made instead of in a thread.

An async call of litellm has another thread make the request ready, and waits for it: a few hundred microseconds of Python, for which two threads
then contend. It sends nothing meanwhile where the provider speaks OpenAI's protocol (others may fetch credentials). So for those the event loop of a run
does it itself. Everything else that is given to a thread goes to one.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

PROVIDERS = frozenset({"openai", "hosted_vllm", "custom_openai"})
"""litellm's names of those whose calls are made ready without a request of their own."""

_wanted: ContextVar[bool] = ContextVar("prepared_at_once", default=False)


class Preparing(ThreadPoolExecutor):
    """The threads of an event loop (its default executor), and :func:`prepared_at_once` without one."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """A future of asyncio's, which its ``run_in_executor`` takes as it is, for what was done already."""
        if args or kwargs or not _wanted.get() or not _is_preparation(fn):
            return super().submit(fn, *args, **kwargs)
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            done.set_result(fn())
        except Exception as error:  # noqa: BLE001 - raised where it is awaited, as from a thread
            done.set_exception(error)
        return done


@contextmanager
def prepared_at_once(wanted: bool) -> Iterator[None]:
    """Calls of litellm inside the block are made ready by the event loop, where its executor is :class:`Preparing`."""
    token = _wanted.set(wanted)
    try:
        yield
    finally:
        _wanted.reset(token)


def _is_preparation(fn: Callable[..., Any]) -> bool:
    """Whether it is litellm's ``completion``, bound to its arguments and a context, as its ``acompletion`` has it done."""
    inner = fn.args[0] if isinstance(fn, partial) and fn.args else None
    main = sys.modules.get("litellm.main")
    return isinstance(inner, partial) and main is not None and inner.func is getattr(main, "completion", None)
