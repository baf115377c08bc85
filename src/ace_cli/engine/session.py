"""Working a run off, from wherever it stands: what `ace train`, `ace resume` and the Python API share."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ace_cli.engine.calls import Caller, Role
from ace_cli.engine.create import check_outputs
from ace_cli.engine.events import Event, Listener, Notice, RunFinished, RunStarted
from ace_cli.engine.failures import check_failures
from ace_cli.engine.ledger import Ledger
from ace_cli.engine.listening import GuardedListener
from ace_cli.engine.models import make_roles, priced, require_prices
from ace_cli.engine.resume import recorded
from ace_cli.engine.stop import StopController, deadline, signals
from ace_cli.engine.wiring import NO_REPLACEMENTS, Parts, Replacements, make_parts
from ace_cli.errors import AceError, Interrupted, LimitReached
from ace_cli.llm.retry import RetryPolicy
from ace_cli.playbook import Playbook
from ace_cli.runs import lock
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import FAILED, FINISHED, STOPPED, Usage
from ace_cli.runs.store import RunStore
from ace_cli.scoring import get_scorer
from ace_cli.settings import Kind, Settings
from ace_cli.stages.prompts import Prompts
from ace_cli.training.episode import Teacher
from ace_cli.training.outputs import Checkpoints, training_config, write_outputs
from ace_cli.training.plan import Plan
from ace_cli.training.trainer import Trainer


@dataclass(frozen=True, slots=True)
class Result:
    """A finished run."""

    run_dir: Path
    playbook: Playbook
    playbook_path: Path
    metrics_path: Path
    metrics: Mapping[str, Any]


def execute(
    run_dir: Path, settings: Settings, emit: Listener, replacements: Replacements = NO_REPLACEMENTS
) -> Result:
    """Work a run off, from wherever it stands, and write its files.

    SIGINT, SIGTERM and SIGHUP stop it gently when this is the main thread; it also works inside of a running event
    loop (a notebook), in a thread of its own.

    Raises:
        RunStopped, AceError: it ended before its plan; everything recorded is safe.
    """
    interrupts: list[Interrupt] = []
    coroutine = _execute(run_dir, settings, GuardedListener(emit), replacements, interrupts.append)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    return _in_thread(coroutine, interrupts)


Interrupt = Callable[[str], object]
"""Interrupts the run, from any thread; the text says by what."""


def _in_thread(coroutine: Coroutine[Any, Any, Result], interrupts: Sequence[Interrupt]) -> Result:
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


async def _execute(
    run_dir: Path,
    settings: Settings,
    emit: GuardedListener,
    replacements: Replacements,
    on_open: Callable[[Interrupt], None],
) -> Result:
    check_outputs(settings)
    with lock.hold(run_dir), RunStore(run_dir) as store:
        was_finished = is_finished(store)
        header = store.header()
        plan = make_plan(settings, store)
        roles = make_roles(settings, lambda text: emit(Notice(text)))
        require_prices(settings, roles.values())
        ledger = Ledger(settings.limits, priced(settings, store.usage(), roles), store.seconds())
        gate = StopController(emit, settings.execution.grace_period, lambda: ledger.in_flight)
        emit.stop = gate.stop
        parts = make_parts(
            settings,
            Prompts(dict(header.prompts)),
            roles,
            replacements,
            store,
        )
        store.begin_session(recorded(settings, Kind.RUNTIME))
        problem: AceError | None = None
        with signals(gate):
            loop = asyncio.get_running_loop()
            on_open(lambda name: loop.call_soon_threadsafe(gate.interrupt, name))
            if was_finished:
                emit(Notice("this run is finished; its files are written again"))
            emit(_started(run_dir, store, plan, ledger.total))
            trainer = _trainer(settings, store, plan, parts, roles, ledger, gate, emit)
            with deadline(gate, settings.limits.max_time, store.seconds()):
                try:
                    await _guarded(trainer, gate)
                except AceError as error:
                    problem = error
                finally:
                    gate.close()
                    for role in roles.values():
                        await role.model.close()
            total, _, failed = store.counts()
            if problem is None:
                problem = emit.problem or check_failures(
                    settings.limits.max_failures, failed, total, _last_failure(store), final=True
                )
            # Without an await from here on, so a signal waits until the files are whole.
            return _finish(run_dir, settings, store, problem, emit)


def is_finished(store: RunReader) -> bool:
    return store.state().name == FINISHED


def make_plan(settings: Settings, run: RunReader) -> Plan:
    return Plan(
        tuple(run.segments()),
        settings.training.epochs,
        settings.training.batch_size,
        settings.training.seed,
        settings.data.shuffle,
    )


async def _guarded(trainer: Trainer, gate: StopController) -> Playbook:
    """Train; a cancellation by the gate becomes the reason for which it closed."""
    task = asyncio.ensure_future(trainer.train())
    gate.guard(task)
    try:
        return await task
    except asyncio.CancelledError:
        if gate.reason is not None:
            raise gate.reason from None
        raise


def _trainer(
    settings: Settings,
    store: RunStore,
    plan: Plan,
    parts: Parts,
    roles: Mapping[str, Role],
    ledger: Ledger,
    gate: StopController,
    emit: Listener,
) -> Trainer:
    policy = RetryPolicy(max_retries=settings.execution.max_retries, horizon=settings.execution.retry_horizon)
    output = settings.output
    checkpoints = Checkpoints(
        store.run_dir,
        training_config(store.header(), store.example_count()),
        output.checkpoint_interval if output.checkpoints else None,
        emit,
    )
    judge = get_scorer(settings.training.scorer)
    return Trainer(
        settings=settings,
        plan=plan,
        store=store,
        teacher=Teacher(parts.generator, parts.reflector, judge, settings.training.reflection_rounds),
        curator=parts.curator,
        roles=roles,
        select=parts.select,
        caller=Caller(store, ledger, policy, emit, gate),
        emit=emit,
        on_merge=checkpoints.on_merge,
        gate=gate,
    )


def _started(run_dir: Path, store: RunStore, plan: Plan, usage: Usage) -> RunStarted:
    done, correct, failed = store.counts()
    return RunStarted(
        run_dir=str(run_dir),
        total=plan.steps,
        batches=plan.batch_count,
        epochs=plan.epochs,
        done=done,
        correct=correct,
        failed=failed,
        playbook_size=store.playbook_size(),
        usage=usage,
        resumed=len(store.sessions()) > 1,
    )


def _finish(
    run_dir: Path,
    settings: Settings,
    store: RunStore,
    problem: AceError | None,
    emit: GuardedListener,
) -> Result:
    """Write the files of a finished run, note how it ended, and tell."""
    playbook = Playbook()
    playbook_path, metrics_path = Path(settings.output.playbook), Path(settings.output.metrics)
    metrics: Mapping[str, Any] = {}
    if problem is None or _is_complete(settings, store):
        try:
            playbook = store.playbook()
            metrics = write_outputs(store, playbook, playbook_path, metrics_path)
        except AceError as error:
            problem = problem or error
    state, reason = FINISHED, ""
    if problem is not None:
        state = STOPPED if isinstance(problem, Interrupted | LimitReached) else FAILED
        reason = problem.message
    with contextlib.suppress(AceError) if problem is not None else contextlib.nullcontext():
        store.end_session(state, reason)  # when the store itself is the problem, that is what is told
    emit(_finished(run_dir, settings, store, state, reason))
    if problem := problem or emit.problem:
        raise problem
    return Result(run_dir, playbook, playbook_path, metrics_path, metrics)


def _is_complete(settings: Settings, store: RunReader) -> bool:
    return store.counts()[0] == make_plan(settings, store).steps


def _finished(run_dir: Path, settings: Settings, store: RunReader, state: str, reason: str) -> Event:
    total, correct, failed = store.counts()
    usage = Usage()
    by_role = store.usage()
    for role in by_role.values():
        usage = usage.add(role)
    return RunFinished(
        state=state,
        reason=reason,
        run_dir=str(run_dir),
        playbook_path=_near(settings.output.playbook),
        metrics_path=_near(settings.output.metrics),
        examples=total,
        correct=correct,
        failed=failed,
        accuracy=round(correct / total, 6) if total else 0.0,
        playbook_size=store.playbook_size(),
        seconds=store.seconds(),
        usage=usage,
        by_role=by_role,
        curve=tuple(merge.curve for merge in store.merges()),
    )


def _last_failure(store: RunReader) -> str:
    rows = [row for group in store.failures().values() for row in group]
    return rows[-1][1] if rows else ""


def _near(path: str) -> str:
    """``path`` as a user would write it from here."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path
