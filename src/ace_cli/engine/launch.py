"""Starting, resuming and finishing a run: what `ace train`, `ace resume` and the Python API share."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ace_cli._version import __version__
from ace_cli.clock import now
from ace_cli.data import (
    ContentHash,
    DatasetSpec,
    Example,
    FieldMap,
    Skipped,
    read_examples,
    source_fingerprint,
)
from ace_cli.engine.calls import Caller, Role
from ace_cli.engine.episode import Teacher
from ace_cli.engine.events import Event, Listener, Notice, RunFinished, RunStarted
from ace_cli.engine.failures import check_failures
from ace_cli.engine.gate import Gate
from ace_cli.engine.ledger import Ledger
from ace_cli.engine.models import make_roles, require_prices
from ace_cli.engine.outputs import Checkpoints, training_config, write_outputs
from ace_cli.engine.parts import Parts, make_parts
from ace_cli.engine.plan import Plan
from ace_cli.engine.resume import recorded, resumed_settings
from ace_cli.engine.trainer import Trainer
from ace_cli.errors import AceError, Interrupted, LimitReached, RunStopped, UsageError
from ace_cli.files import cannot_write
from ace_cli.grading import get_judge
from ace_cli.llm.retry import RetryPolicy
from ace_cli.playbook import Playbook
from ace_cli.runs import lock
from ace_cli.runs.folders import is_run, new_run_dir
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import FAILED, FINISHED, STOPPED, Header, Usage
from ace_cli.runs.source import load_source
from ace_cli.runs.store import RunStore
from ace_cli.settings import Kind, Settings
from ace_cli.settings_layers import Layer, Loaded
from ace_cli.stages.prompts import Prompts, load_prompts


@dataclass(frozen=True, slots=True)
class Replacements:
    """Stages handed over as objects (the Python API); None leaves the one that the settings name."""

    generator: Any = None
    reflector: Any = None
    curator: Any = None


@dataclass(frozen=True, slots=True)
class Result:
    """A finished run."""

    run_dir: Path
    playbook: Playbook
    playbook_path: Path
    metrics_path: Path
    metrics: Mapping[str, Any]


# -- a new run


def create_run(
    loaded: Loaded,
    emit: Listener,
    examples: Iterable[Example] | None = None,
    replacements: Replacements = Replacements(),
) -> Path:
    """Check everything that can be checked without paying, then make the run directory.

    Args:
        examples: the dataset, when it does not come from the settings.

    Raises:
        UsageError: something is wrong; nothing was made.
    """
    settings = loaded.settings
    prompts = load_prompts(_path(settings.stages.prompts))
    check_parts(settings, prompts, replacements)
    check_outputs(settings)
    base = _initial_playbook(settings)
    run_dir = _path(settings.output.run_dir) or new_run_dir(settings.data.input or settings.data.dataset)
    if is_run(run_dir):
        raise UsageError(f"{run_dir} holds a run already", f"`ace resume {run_dir}` goes on with it.")
    spec = dataset_spec(settings)
    skipped: list[Skipped] = []
    digest = ContentHash()

    def rows() -> Iterator[Example]:
        for example in examples if examples is not None else read_examples(spec, skipped=skipped):
            digest.update(example)
            yield example

    # Read once before anything is made: a bad row must not leave a run behind.
    made = not run_dir.exists()
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(run_dir, error) from error
    try:
        with lock.hold(run_dir):
            header = Header(
                created_at=now(),
                ace_version=__version__,
                identity=recorded(settings, Kind.IDENTITY),
                origins={path: layer.rank for path, layer in loaded.origin.items()},
                prompts=dict(prompts.texts),
                base_playbook=base,
                dataset_hash="",
                source=source_fingerprint(spec) if examples is None else {},
            )
            RunStore.create(run_dir, header, recorded(settings, Kind.RUNTIME), rows(), digest.hexdigest)
    except BaseException:
        if made:
            _remove_new(run_dir)
        raise
    for row in skipped[:20]:
        emit(Notice(f"skipped {row}"))
    if skipped:
        emit(Notice(f"{len(skipped)} invalid rows were skipped"))
    return run_dir


def check_parts(settings: Settings, prompts: Prompts, replacements: Replacements = Replacements()) -> None:
    """Models, judge and stages can be had, prices are known where a limit needs them.

    Raises:
        UsageError: naming what cannot.
    """
    get_judge(settings.training.scorer)
    roles = make_roles(settings)
    require_prices(settings, roles.values())
    make_parts(settings, prompts, roles, replacements.generator, replacements.reflector, replacements.curator)


def check_outputs(settings: Settings) -> None:
    """The files that are written at the end can be written: nobody wants to learn that after hours.

    Raises:
        AceError: they cannot.
    """
    import os

    for name in (settings.output.playbook, settings.output.metrics):
        path = Path(name)
        if path.is_dir():
            raise UsageError(f"{path} is a folder", "Name a file.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from error
        if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
            raise AceError(f"cannot write {path}: no permission", "Choose a folder that you may write to.")


def dataset_spec(settings: Settings, num_examples: int | None = None) -> DatasetSpec:
    """What ``read_examples`` is to read."""
    data = settings.data
    wanted = data.num_examples if num_examples is None else num_examples
    return DatasetSpec(
        name=data.dataset,
        input=_path(data.input),
        config=data.config,
        split=data.split,
        fields=FieldMap(
            question=data.question_field,
            answer=data.answer_field,
            domain=data.domain_field,
            context=data.context_field,
            id=data.id_field,
        ),
        num_examples=wanted or None,
        shuffle=data.shuffle,
        seed=settings.training.seed,
        skip_invalid=data.skip_invalid,
    )


def _initial_playbook(settings: Settings) -> Playbook:
    path = _path(settings.training.initial_playbook)
    return Playbook() if path is None else load_source(path)


def _remove_new(run_dir: Path) -> None:
    """Take back the folder of a run that was not made; never anything else."""
    for name in ("run.lock", "run.pid"):
        with contextlib.suppress(OSError):
            (run_dir / name).unlink()
    with contextlib.suppress(OSError):
        run_dir.rmdir()


# -- an existing run


def prepare_resume(run_dir: Path, layers: Sequence[Layer], extend_to: int | None, emit: Listener) -> Loaded:
    """The settings to go on with, after checking that nothing that matters has changed.

    Raises:
        UsageError: an identity setting or the dataset's content has changed.
    """
    with RunStore(run_dir) as store:
        header = store.header()
        loaded = resumed_settings(header, store.runtime(), layers)
        settings = loaded.settings
        fingerprint = source_fingerprint(dataset_spec(settings)) if header.source else {}
        unchanged = not header.source or fingerprint == header.source
        if extend_to is not None:
            _extend(store, settings, header, extend_to)
        elif not unchanged:
            _check_dataset(store, settings, header, emit)
    return loaded


def _check_dataset(store: RunReader, settings: Settings, header: Header, emit: Listener) -> None:
    """The files are not those of the start: is what they say the same?"""
    digest = ContentHash()
    count = store.example_count()
    spec = dataset_spec(settings, count)
    try:
        for example in read_examples(spec):
            digest.update(example)
    except UsageError as error:
        emit(
            Notice(
                f"the dataset cannot be read any more ({error.message}); the run goes on with its own copy"
            )
        )
        return
    if digest.hexdigest() != header.dataset_hash:
        raise UsageError(
            f"the dataset has changed since this run was started: {_first_difference(store, spec)}",
            "Bring the old rows back, or start a new run with `ace train`.",
        )


def _extend(store: RunStore, settings: Settings, header: Header, extend_to: int) -> None:
    """Take more examples of the same plan from the dataset."""
    have = store.example_count()
    if extend_to <= have:
        raise UsageError(
            f"--extend-to {extend_to}: the run has {have} examples already", "Name a larger number."
        )
    if not header.source:
        raise UsageError("this run's examples did not come from a dataset that can be read again")
    digest = ContentHash()
    fresh: list[Example] = []
    before = ""
    spec = dataset_spec(settings, extend_to)
    for count, example in enumerate(read_examples(spec)):
        if count == have:
            before = digest.hexdigest()
        digest.update(example)
        if count >= have:
            fresh.append(example)
    if not fresh:
        raise UsageError(f"--extend-to {extend_to}: the dataset has no more than {have} examples")
    if before != header.dataset_hash:
        raise UsageError(
            f"the dataset has changed since this run was started: {_first_difference(store, spec)}",
            "Bring the old rows back, or start a new run with `ace train`.",
        )
    store.extend(fresh, digest.hexdigest())


def _first_difference(store: RunReader, spec: DatasetSpec) -> str:
    old = store.all_examples()
    for number, (was, now_) in enumerate(zip(old, read_examples(spec), strict=False), 1):
        if was != now_:
            return f"row {number} ({was.id}) is not what it was"
    return "it has fewer rows than it had"


# -- the work


def execute(
    run_dir: Path, settings: Settings, emit: Listener, replacements: Replacements = Replacements()
) -> Result:
    """Work a run off, from wherever it stands, and write its files.

    SIGINT, SIGTERM and SIGHUP stop it gently when this is the main thread; it also works inside of a running event
    loop (a notebook), in a thread of its own.

    Raises:
        RunStopped, AceError: it ended before its plan; everything recorded is safe.
    """
    coroutine = _execute(run_dir, settings, emit, replacements)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    return _in_thread(lambda: asyncio.run(coroutine))


def _in_thread(work: Callable[[], Result]) -> Result:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


async def _execute(run_dir: Path, settings: Settings, emit: Listener, replacements: Replacements) -> Result:
    with lock.hold(run_dir), RunStore(run_dir) as store:
        if check_finished(store):
            emit(Notice("this run is finished; its files are written again"))
        header = store.header()
        plan = make_plan(settings, store)
        ledger = Ledger(settings.limits, store.usage(), store.seconds())
        gate = Gate(emit, settings.execution.grace_period, lambda: ledger.in_flight)
        roles = make_roles(settings)
        require_prices(settings, roles.values())
        parts = make_parts(
            settings,
            Prompts(dict(header.prompts)),
            roles,
            replacements.generator,
            replacements.reflector,
            replacements.curator,
            store,
        )
        store.begin_session(recorded(settings, Kind.RUNTIME))
        emit(_started(run_dir, store, plan, ledger.total))
        trainer = _trainer(settings, store, plan, parts, roles, ledger, gate, emit)
        problem: AceError | None = None
        playbook = Playbook()
        with _signals(gate), _deadline(gate, settings, store):
            try:
                playbook = await _guarded(trainer, gate)
            except AceError as error:
                problem = error
            finally:
                gate.close()
                for role in roles.values():
                    await role.model.close()
        total, _, failed = store.counts()
        if problem is None:
            problem = check_failures(
                settings.limits.max_failures, failed, total, _last_failure(store), final=True
            )
        return _finish(run_dir, settings, store, playbook, problem, emit)


def check_finished(store: RunReader) -> bool:
    return store.state().name == FINISHED


def make_plan(settings: Settings, run: RunReader) -> Plan:
    return Plan(
        tuple(run.segments()),
        settings.training.epochs,
        settings.training.batch_size,
        settings.training.seed,
        settings.data.shuffle,
    )


async def _guarded(trainer: Trainer, gate: Gate) -> Playbook:
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
    gate: Gate,
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
    judge = get_judge(settings.training.scorer)
    return Trainer(
        settings=settings,
        plan=plan,
        store=store,
        teacher=Teacher(parts.generator, parts.reflector, judge, settings.training.reflection_rounds),
        curator=parts.curator,
        roles=roles,
        select=parts.select,
        caller=Caller(store, ledger, policy, emit, gate.check),
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
        playbook_size=len(store.playbook()),
        usage=usage,
        resumed=len(store.sessions()) > 1,
    )


def _finish(
    run_dir: Path,
    settings: Settings,
    store: RunStore,
    playbook: Playbook,
    problem: AceError | None,
    emit: Listener,
) -> Result:
    """Write the files of a finished run, note how it ended, and tell."""
    playbook_path, metrics_path = Path(settings.output.playbook), Path(settings.output.metrics)
    metrics: Mapping[str, Any] = {}
    if problem is None or _is_complete(settings, store):
        playbook = store.playbook()
        metrics = write_outputs(store, playbook, playbook_path, metrics_path)
    state, reason = FINISHED, ""
    if problem is not None:
        state = STOPPED if isinstance(problem, Interrupted | LimitReached) else FAILED
        reason = problem.message
    with contextlib.suppress(AceError) if problem is not None else contextlib.nullcontext():
        store.end_session(state, reason)  # when the store itself is the problem, that is what is told
    emit(_finished(run_dir, settings, store, state, reason))
    if problem is not None:
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
        playbook_size=len(store.playbook()),
        seconds=store.seconds(),
        usage=usage,
        by_role=by_role,
        curve=tuple(merge.curve for merge in store.merges()),
    )


def _last_failure(store: RunReader) -> str:
    rows = [row for group in store.failures().values() for row in group]
    return rows[-1][1] if rows else ""


@contextlib.contextmanager
def _signals(gate: Gate) -> Iterator[None]:
    """Ctrl-C, termination and a closed terminal stop the run gently."""
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    loop = asyncio.get_running_loop()
    added: list[signal.Signals] = []
    if threading.current_thread() is threading.main_thread():
        for name in names:
            with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C stays a KeyboardInterrupt
                number = signal.Signals[name]
                loop.add_signal_handler(number, gate.interrupt, _WORDS[name])
                added.append(number)
    try:
        yield
    finally:
        for number in added:
            loop.remove_signal_handler(number)


_WORDS = {"SIGINT": "Ctrl-C", "SIGTERM": "asked to terminate", "SIGHUP": "the terminal was closed"}


@contextlib.contextmanager
def _deadline(gate: Gate, settings: Settings, store: RunReader) -> Iterator[None]:
    """``--max-time`` also holds while every call is waiting for a provider."""
    limit = settings.limits.max_time
    if limit is None:
        yield
        return
    left = max(0.0, limit - store.seconds())
    reason = LimitReached(
        f"limit reached: --max-time {limit:g} s", "Go on with `ace resume` and a higher --max-time."
    )
    timer = asyncio.get_running_loop().call_later(left, gate.stop, reason)
    try:
        yield
    finally:
        timer.cancel()


def _near(path: str) -> str:
    """``path`` as a user would write it from here."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text).expanduser()


__all__ = ["Replacements", "Result", "RunStopped", "create_run", "execute", "prepare_resume"]
