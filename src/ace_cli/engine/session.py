"""A session holds a run; a job is what it does.

The session has what any job needs: the lock, the store, the ledger, the models, what stops a run (signals, limits, the deadline) and how its end
is noted. Training is one :class:`Job`; it is handed the open :class:`Session` and knows nothing of the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ace_cli.engine.calls import Caller, Role
from ace_cli.engine.desk import Admission, LocalDesk
from ace_cli.engine.events import Event, Listener, Notice, RunWithdrawn
from ace_cli.engine.example import Select
from ace_cli.engine.executor import Executor
from ace_cli.engine.executor.choice import make_executor
from ace_cli.engine.failures import check_failures
from ace_cli.engine.ledger import Ledger
from ace_cli.engine.listening import GuardedListener
from ace_cli.engine.quota import WINDOW
from ace_cli.engine.stop import StopController, deadline, signals
from ace_cli.engine.wiring import (
    NO_REPLACEMENTS,
    Replacements,
    StageSpec,
    make_roles,
    make_run_embedder,
    make_select,
    models_of,
    priced,
    require_prices,
    with_curator,
)
from ace_cli.engine.withdrawal import is_unheard, withdraw
from ace_cli.errors import AceError, Interrupted, LimitReached
from ace_cli.llm.factory import warm
from ace_cli.llm.retry import RetryPolicy
from ace_cli.runs import lock
from ace_cli.runs.records import State
from ace_cli.runs.reply_cache import ReplyCache, open_cache
from ace_cli.runs.store import RunStore
from ace_cli.runs.target import question_words
from ace_cli.settings import Kind, Settings
from ace_cli.settings.recorded import recorded
from ace_cli.settings.values import AUTO, MOST_IN_FLIGHT
from ace_cli.stages.base import Stages
from ace_cli.stages.prompts import Prompts

R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")


WENT_ON = 60.0
"""Seconds for which a session that was killed may have gone on after it last put something on record."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open run, while a process works on it."""

    run_dir: Path
    settings: Settings
    store: RunStore
    ledger: Ledger
    stop: StopController
    roles: Mapping[str, Role]
    stages: Stages
    select: Select
    caller: Caller
    executor: Executor
    emit: Listener


class Job(Protocol[R_co]):
    """What a session does with its run, in ``phases`` of it. It goes on from wherever the store stands."""

    @property
    def phases(self) -> Sequence[int]:
        """Those whose failed examples count, known when :meth:`run` has ended."""
        ...

    def started(self) -> Event:
        """The first event."""
        ...

    async def run(self) -> None:
        """Work it off.

        Raises:
            RunStopped, AceError: it ended before its plan; everything recorded is safe.
        """
        ...

    def write(self) -> R_co:
        """Write the files of a finished run. Called once, after :meth:`run`, when nothing went wrong."""
        ...

    def finished(self, state: State, reason: str) -> Event:
        """The last event."""
        ...


def hold(
    run_dir: Path,
    settings: Settings,
    make_job: Callable[[Session], Job[R]],
    emit: Listener,
    replacements: Replacements = NO_REPLACEMENTS,
) -> R:
    """Open a run, do its job, and note how that ended.

    SIGINT, SIGTERM and SIGHUP stop it gently when this is the main thread; it also works inside a running event
    loop (a notebook), in a thread of its own.

    Raises:
        RunStopped, AceError: it ended before its plan; everything recorded is safe.
    """
    interrupts: list[Interrupt] = []
    coroutine = _hold(run_dir, settings, make_job, GuardedListener(emit), replacements, interrupts.append)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    return _in_thread(coroutine, interrupts)


Interrupt = Callable[[str], object]
"""Interrupts the run, from any thread; the text says by what."""


def _in_thread(coroutine: Coroutine[Any, Any, R], interrupts: Sequence[Interrupt]) -> R:
    """Run it in a thread; Ctrl-C, which only the waiting main thread hears, is handed on."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(asyncio.run, coroutine)
        while True:
            try:
                return future.result()
            except KeyboardInterrupt:
                while not interrupts and not future.done():  # it is just being opened
                    time.sleep(0.05)
                if future.done():
                    raise
                with contextlib.suppress(RuntimeError):  # its loop has just ended
                    interrupts[0]("Ctrl-C")


async def _hold(
    run_dir: Path,
    settings: Settings,
    make_job: Callable[[Session], Job[R]],
    emit: GuardedListener,
    replacements: Replacements,
    on_open: Callable[[Interrupt], None],
) -> R:
    execution = settings.execution
    with (
        lock.hold(run_dir),
        RunStore(run_dir) as store,
        open_cache(execution.cache, execution.cache_size, lambda text: emit(Notice(text))) as cache,
    ):
        session = _open(run_dir, settings, store, emit, replacements, cache)
        stop = session.stop
        job = make_job(session)
        store.begin_session(recorded(settings, Kind.RUNTIME))
        with signals(stop):
            loop = asyncio.get_running_loop()
            on_open(lambda name: loop.call_soon_threadsafe(stop.interrupt, name))
            emit(job.started())
            if settings.models.callbacks:
                emit(Notice(f"every prompt and reply is sent to: {', '.join(settings.models.callbacks)}"))
            problem = await _work(session, job) or emit.problem
            # Without an await from here on, so a signal waits until the files are whole.
            if problem is None or not is_unheard(store, problem):
                return _end(session, job, emit, problem)
            emit(RunWithdrawn(problem.message, str(run_dir)))
    raise withdraw(run_dir, problem)


def _open(
    run_dir: Path,
    settings: Settings,
    store: RunStore,
    emit: GuardedListener,
    replacements: Replacements,
    cache: ReplyCache | None,
) -> Session:
    execution = settings.execution

    def tell(text: str) -> None:
        emit(Notice(text))

    roles = with_curator(settings, make_roles(settings.models, tell))
    require_prices(settings, roles)
    ledger = Ledger(settings.limits, priced(settings, store.usage(), roles), store.seconds())
    stop = StopController(emit, execution.grace_period, lambda: ledger.in_flight)
    emit.stop = stop.stop
    policy = RetryPolicy(max_retries=execution.max_retries, horizon=execution.retry_horizon)
    admission = Admission(execution, models_of(settings.models, roles), emit, stop)
    if execution.max_rpm or execution.max_tpm:
        _remember(store, admission)
    desk = LocalDesk(store, ledger, emit, stop, admission, cache)
    caller = Caller(desk, policy, run_dir.name)
    embedder = make_run_embedder(settings.models, store, caller, tell)
    spec = StageSpec(settings, Prompts(dict(store.header().prompts)), replacements, run_dir.name)
    stages = spec.make(embedder)
    common = question_words(store) if store.evaluation() is None else None
    return Session(
        run_dir=run_dir,
        settings=settings,
        store=store,
        ledger=ledger,
        stop=stop,
        roles=roles,
        stages=stages,
        select=make_select(settings.training, roles["generator"].model, embedder, common),
        caller=caller,
        executor=make_executor(spec, stages, roles, desk, policy, stop, emit, admission.pace),
        emit=emit,
    )


def _remember(store: RunStore, admission: Admission) -> None:
    """What earlier sessions asked for within the minute, as far as it is known, and at most what one that was killed had in flight."""
    for role, tokens, ago in store.calls_since(WINDOW):
        admission.remember(role, tokens, ago)
    since = sessions[-1].cut_off if (sessions := store.sessions()) else None
    if since is not None and (ago := max(0.0, since - WENT_ON)) < WINDOW:
        at_once = store.runtime().get("execution.concurrency", AUTO)
        most = MOST_IN_FLIGHT if at_once == AUTO else int(at_once)
        admission.assume(most, store.longest_call(), ago)


async def _work(session: Session, job: Job[Any]) -> AceError | None:
    """Do the job; what it ended with before its plan, if anything."""
    stop, limits = session.stop, session.settings.limits
    with deadline(stop, limits.max_time, session.store.seconds()):
        try:
            if session.settings.execution.max_rpm or session.settings.execution.max_tpm:
                await warm(session.settings.models)
            await _guarded(job, stop)
        except AceError as error:
            return error
        finally:
            stop.close()
            await session.executor.close()
    total = failed = 0
    last = ""
    for phase in job.phases:
        attempted, _, lost = session.store.counts(phase)
        total, failed = total + attempted, failed + lost
        if lost:
            *_, last = (error for group in session.store.failures(phase).values() for _, error in group)
    return check_failures(limits.max_failures, failed, total, last, final=True)


async def _guarded(job: Job[Any], stop: StopController) -> None:
    """Run it; a cancellation by the stop controller becomes the reason for which it stopped."""
    task = asyncio.ensure_future(job.run())
    stop.guard(task)
    try:
        await task
    except asyncio.CancelledError:
        if stop.reason is not None:
            raise stop.reason from None
        raise


def _end(session: Session, job: Job[R], emit: GuardedListener, problem: AceError | None) -> R:
    """Write the files of a run that ended well, note how it ended, and tell.

    Raises:
        AceError: ``problem``, or what went wrong here.
    """
    result: list[R] = []
    if problem is None:
        try:
            result.append(job.write())
        except AceError as error:
            problem = error
    state, reason = _state(problem)
    try:
        session.store.end_session(state, reason)
    except AceError as error:
        problem = problem or error  # when the store itself is the problem, that is what is reported
    emit(job.finished(state, reason))
    if problem := problem or emit.problem:
        problem.run_dir = session.run_dir
        raise problem
    return result[0]


def _state(problem: AceError | None) -> tuple[State, str]:
    if problem is None:
        return State.FINISHED, ""
    stopped = isinstance(problem, Interrupted | LimitReached)
    return State.STOPPED if stopped else State.FAILED, problem.message
