"""Who else hears of calls: litellm's callbacks, for the calls that name them and for no others.

litellm keeps its callbacks for the whole process, tells them of every call, and only logs it when one of them fails. Here they are
told of the calls of a run that asked for them, from a task of its own, so that a slow one holds nobody up, and what goes wrong with them is
kept for whoever asks (:func:`complaint`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import warnings
from collections import deque
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

from ace_cli.errors import UsageError
from ace_cli.llm.library import load_litellm
from ace_cli.llm.listeners import traced
from ace_cli.llm.wire import unheard
from ace_cli.plugins import load
from ace_cli.redact import redact

PATIENCE = 10.0
"""Seconds that callbacks get at the end of a run, to hand on what they still hold."""

_tasks: set[asyncio.Task[None]] = set()
_complaints: deque[str] = deque(maxlen=1)


def check_callbacks(names: Sequence[str]) -> None:
    """Make each of these, as a run would.

    Raises:
        UsageError: one is not known, or cannot be made here (a missing package or key).
    """
    for name in names:
        made = _make(name)
        if hasattr(made, "flush_queue"):  # its timer must start in the loop of the run
            from litellm.litellm_core_utils import litellm_logging

            _made.pop(name)
            litellm_logging._in_memory_loggers[:] = [
                logger for logger in litellm_logging._in_memory_loggers if logger is not made
            ]


@contextlib.contextmanager
def tracing(names: Sequence[str]) -> Iterator[None]:
    """Calls inside the block are told to these callbacks; without any, to nobody."""
    if not names:
        yield
        return
    litellm = load_litellm()
    _listen()
    for callback in map(_make, names):
        if callback not in litellm.callbacks:
            litellm.callbacks.append(callback)
    token = traced.set(True)
    try:
        yield
    finally:
        traced.reset(token)


def complaint() -> str | None:
    """The last thing that went wrong with a callback, if anything did since this was asked before."""
    return _complaints.popleft() if _complaints else None


async def finish(names: Sequence[str]) -> None:
    """Let callbacks hand on what they hold, for a while, and tell them of nothing more."""
    if not names:
        return
    from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER

    litellm, mine = load_litellm(), [_make(name) for name in names]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while waiting := [*_tasks, *_on_their_way()]:
                await asyncio.gather(*waiting, return_exceptions=True)
            await GLOBAL_LOGGING_WORKER.flush()
            for callback in mine:
                for flush in ("flush_queue", "async_send_batch"):
                    if hasattr(callback, flush):
                        await _quietly(getattr(callback, flush)())
                        break
            if (spans := sys.modules.get("opentelemetry.trace")) is not None:
                flush_spans = getattr(spans.get_tracer_provider(), "force_flush", bool)
                await asyncio.to_thread(flush_spans)
    for told in (getattr(litellm, name) for name in _LISTS):
        told[:] = [callback for callback in told if callback not in mine]


def _on_their_way() -> list[asyncio.Task[Any]]:
    """Litellm's tasks that bring a reply to the queue of its callbacks, which nobody else waits for."""
    return [
        task
        for task in asyncio.all_tasks()
        if getattr(task.get_coro(), "__name__", "") == "_client_async_logging_helper"
    ]


_LISTS = (
    "callbacks",
    "input_callback",
    "success_callback",
    "failure_callback",
    "_async_input_callback",
    "_async_success_callback",
    "_async_failure_callback",
)


def _make(name: str) -> Any:
    """The callback of this name; the same object each time."""
    litellm = load_litellm()
    known = {
        known: (lambda known=known: _built_in(known))
        for known in litellm._known_custom_logger_compatible_callbacks
    }
    if name not in _made:
        _made[name] = load("callback", name, known)
    return _made[name]


_made: dict[str, Any] = {}


def _built_in(name: str) -> Any:
    from litellm.litellm_core_utils import litellm_logging

    _listen()
    _complaints.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # timers of theirs that find no loop to run in yet
        made = litellm_logging._init_custom_logger_compatible_class(name, None, None)  # type: ignore[arg-type]
    if made is None:
        raise UsageError(
            f"the callback {name!r} cannot be used here: {complaint() or 'litellm does not say why'}"
        )
    return made


def _listen() -> None:
    """Hear what goes wrong with callbacks, and let them be told of failures from a task of their own."""
    from litellm.litellm_core_utils.litellm_logging import Logging

    if getattr(Logging, "is_ours", False):
        return
    original: Any = Logging.async_failure_handler

    async def async_failure_handler(*arguments: Any, **named: Any) -> None:
        if traced.get():
            with unheard():
                task = asyncio.get_running_loop().create_task(_quietly(original(*arguments, **named)))
            _tasks.add(task)
            task.add_done_callback(_tasks.discard)

    unsafe: Any = Logging
    unsafe.async_failure_handler, unsafe.is_ours = async_failure_handler, True
    for name in ("LiteLLM", "opentelemetry", "langfuse", "opik", "mlflow"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.ERROR)
        logger.handlers, logger.propagate = [_Ear()], False


async def _quietly(work: Coroutine[Any, Any, Any]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 - a callback's failure is told, and is no failure of the run
        _complaints.append(redact(f"{type(error).__name__}: {error}"))


class _Ear(logging.Handler):
    """What is logged of a callback's failure, in one line. litellm also logs failures of calls, which are no news to us."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "LiteLLM" and not (
            "[Non-Blocking" in record.getMessage() or "integrations" in Path(record.pathname).parts
        ):
            return
        reason = record.exc_info[1] if record.exc_info else None
        lines = record.getMessage().strip().splitlines() or [""]
        said = (
            f"{type(reason).__name__}: {reason}" if reason is not None else lines[-1]
        )  # of a traceback, the error
        _complaints.append(redact(" ".join(said.split()))[:300])
