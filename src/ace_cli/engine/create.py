"""A new run: everything that can be checked without paying is checked, then the run directory is made."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ace_cli._version import __version__
from ace_cli.clock import now
from ace_cli.data import ContentHash, Example, source_fingerprint
from ace_cli.embeddings import make_embedder
from ace_cli.engine.checks import (
    called_roles,
    check_folder,
    check_listeners,
    check_models,
    check_outputs,
    check_servers,
)
from ace_cli.engine.dataset import dataset_spec
from ace_cli.engine.events import Listener, Notice
from ace_cli.engine.executor.choice import check_executor
from ace_cli.engine.heldout import HeldOut, check_validation
from ace_cli.engine.wiring import NO_REPLACEMENTS, Replacements, StageSpec, make_roles, require_prices
from ace_cli.errors import UsageError
from ace_cli.files import cannot_write
from ace_cli.playbook import Playbook
from ace_cli.runs import lock
from ace_cli.runs.folders import RUNS, is_run, new_run_dir
from ace_cli.runs.records import Header, Split
from ace_cli.runs.store import RunStore
from ace_cli.runs.target import load_source
from ace_cli.settings import Kind, Settings
from ace_cli.settings.layers import Loaded
from ace_cli.settings.model import OutputSettings
from ace_cli.settings.recorded import recorded
from ace_cli.stages.prompts import Prompts, load_prompts


def create_run(
    loaded: Loaded,
    emit: Listener,
    examples: Iterable[Example] | None = None,
    replacements: Replacements = NO_REPLACEMENTS,
) -> Path:
    """Check everything that can be checked without paying, then make the run directory.

    Args:
        examples: the dataset, when it does not come from the settings.
        replacements: stages handed over as objects. The run remembers their classes: `ace resume` makes them
            anew, without arguments, or says that it cannot; it never goes on with other stages.

    Raises:
        UsageError: something is wrong; nothing was made.
    """
    settings = loaded.settings
    ready = check_start(settings, replacements)
    for note in ready.notes:
        emit(Notice(note))
    run_dir = settings.output.run_dir or new_run_dir(str(settings.data.input or settings.data.dataset))
    spec = dataset_spec(settings.data, settings.training.seed)
    held_out = HeldOut(settings, examples)
    digest = ContentHash()
    notes: list[str] = []

    def rows() -> Iterator[Example]:
        for example in held_out.training():
            digest.update(example)
            yield example

    def others() -> Mapping[Split, Sequence[Example]]:
        splits = held_out.splits()
        notes.extend(held_out.notes(splits))
        # Last, since the network may make one wait: what is wrong with the rows is known by now.
        notes.extend(check_servers(settings.models, called_roles(settings, replacements)))
        return splits

    with new_folder(run_dir):
        header = Header(
            created_at=now(),
            ace_version=__version__,
            identity={**recorded(settings, Kind.IDENTITY), **replaced(replacements)},
            origins={path: layer.rank for path, layer in loaded.origin.items()},
            prompts=dict(ready.prompts.texts),
            base_playbook=ready.base,
            dataset_hash="",
            source=source_fingerprint(spec) if examples is None else {},
        )
        RunStore.create(
            run_dir, header, recorded(settings, Kind.RUNTIME), rows(), digest.hexdigest, held_out=others
        )
    skipped = held_out.skipped
    for row in skipped[:20]:
        emit(Notice(f"skipped {row}"))
    if skipped:
        emit(Notice(f"{len(skipped)} invalid rows were skipped"))
    for note in notes:
        emit(Notice(note))
    return run_dir


@dataclass(frozen=True, slots=True)
class Ready:
    """What was read while everything was checked, and what is worth a word."""

    prompts: Prompts
    base: Playbook
    notes: Sequence[str]


def check_start(settings: Settings, replacements: Replacements = NO_REPLACEMENTS) -> Ready:
    """Check everything but the dataset, without a call and without making anything.

    Raises:
        UsageError, AceError: something is wrong.
    """
    check_validation(settings.validation)
    prompts = load_prompts(settings.stages.prompts)
    notes = check_models(settings, called_roles(settings, replacements))
    check_parts(settings, prompts, replacements)
    check_places(settings.output)
    return Ready(prompts, initial_playbook(settings), notes)


def check_places(output: OutputSettings) -> None:
    """Files and run directory can be written where the settings say.

    Raises:
        UsageError, AceError: they cannot.
    """
    check_outputs(output)
    if output.run_dir is not None:
        _refuse_run(output.run_dir)
    check_folder(output.run_dir or RUNS, output.run_dir or RUNS)


def initial_playbook(settings: Settings) -> Playbook:
    """The playbook that training starts with.

    Raises:
        UsageError: there is none where the settings say.
    """
    initial = settings.training.initial_playbook
    return Playbook() if initial is None else load_source(initial)


def replaced(replacements: Replacements) -> dict[str, str]:
    """The settings that name the classes of stages handed over as objects."""
    stages = {name: getattr(replacements, name) for name in ("generator", "reflector", "curator")}
    return {
        f"stages.{name}": f"{type(stage).__module__}:{type(stage).__qualname__}"
        for name, stage in stages.items()
        if stage is not None
    }


def check_parts(settings: Settings, prompts: Prompts, replacements: Replacements = NO_REPLACEMENTS) -> None:
    """Models, scorer, stages and executor are available, and prices are known where a limit needs them.

    Raises:
        UsageError: naming what cannot.
    """
    check_listeners(settings)
    require_prices(settings, make_roles(settings.models))
    embedder = make_embedder(settings.models.embedding, arguments=settings.models.embedder_args)
    spec = StageSpec(settings, prompts, replacements)
    spec.make(embedder)
    check_executor(spec)


@contextlib.contextmanager
def new_folder(run_dir: Path) -> Iterator[None]:
    """The folder of a run in the making, locked. A new one goes again if no run is made: a bad row leaves nothing behind.

    Raises:
        UsageError: it holds a run already. AceError: it cannot be written.
    """
    _refuse_run(run_dir)
    fresh = [folder for folder in (run_dir, *run_dir.parents) if not folder.exists()]
    try:
        _make(run_dir)
        with lock.hold(run_dir):
            _refuse_run(run_dir)  # another process may have made one meanwhile
            yield
    except BaseException:
        if run_dir in fresh:
            for path in (run_dir / "run.lock", run_dir / "run.pid"):
                with contextlib.suppress(OSError):
                    path.unlink()
            with contextlib.suppress(OSError):  # what is not empty is somebody's
                for folder in fresh:
                    folder.rmdir()
        raise


def _make(run_dir: Path) -> None:
    try:
        run_dir.mkdir(0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(run_dir, error) from error


def _refuse_run(run_dir: Path) -> None:
    if is_run(run_dir):
        raise UsageError(f"{run_dir} already holds a run", f"`ace resume {run_dir}` goes on with it.")
