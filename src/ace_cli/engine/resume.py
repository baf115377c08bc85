"""What must not have changed where a run goes on: its identity settings, and what its dataset says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ace_cli.data import (
    ContentHash,
    DatasetSpec,
    Example,
    Skipped,
    content_key,
    read_examples,
    source_fingerprint,
)
from ace_cli.engine.checks import called_roles, check_listeners, check_models
from ace_cli.engine.dataset import dataset_spec
from ace_cli.engine.events import Listener, Notice
from ace_cli.engine.trust import NotTrusted
from ace_cli.engine.wiring import NO_REPLACEMENTS, Replacements
from ace_cli.errors import AceError, UsageError
from ace_cli.runs.folders import list_runs
from ace_cli.runs.reader import EMBEDDING, RunReader
from ace_cli.runs.records import Header, Split, State
from ace_cli.runs.store import RunStore
from ace_cli.settings import DEFINITIONS, Kind
from ace_cli.settings.layers import Layer, Loaded
from ace_cli.settings.recorded import IdentityChanged, Recorded, recorded, said


def prepare_resume(
    run_dir: Path,
    layers: Sequence[Layer],
    extend_to: int | None,
    emit: Listener,
    admit: Callable[[Loaded], None],
    replacements: Replacements = NO_REPLACEMENTS,
) -> Loaded:
    """The settings to go on with, after checking that nothing that matters has changed.

    What made a run hopeless (a model's mistyped name, say) may be changed as long as nothing on record depends on it.

    Args:
        admit: is shown the settings before anything is done by them, see :mod:`.trust`.
        replacements: stages handed over as objects.

    Raises:
        UsageError: an identity setting or the dataset's content has changed, or a model cannot be called. What ``admit``
            raises comes through.
    """
    with RunStore(run_dir) as store:
        header = store.header()
        before = Recorded(header.identity, store.runtime(), header.origins)
        loaded = before.resumed(layers, _open_paths(store))
        admit(loaded)
        check_listeners(loaded.settings)
        if extend_to is not None or store.state().state is not State.FINISHED:
            only = None if store.evaluation() is None else {"generator", EMBEDDING}
            roles = called_roles(loaded.settings, replacements)
            for doubt in check_models(loaded.settings, roles if only is None else only.intersection(roles)):
                emit(Notice(doubt))
        spec = dataset_spec(loaded.settings.data, loaded.settings.training.seed)
        if extend_to is not None:
            _extend(store, spec, header, extend_to, emit)
        elif header.source and source_fingerprint(spec) != header.source:
            _check_dataset(store, spec, header, emit)
        if changes := before.changes(loaded):
            origins = {path: loaded.origin[path].rank for path in changes}
            fresh = recorded(loaded.settings, Kind.IDENTITY)
            store.change_identity({**header.identity, **{path: fresh[path] for path in changes}}, origins)
            for path, (was, now) in changes.items():
                emit(
                    Notice(f"{path} is {said(now)} from now on; it was {said(was)}, and nothing came of that")
                )
    return loaded


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run, and the settings to go on with."""

    run_dir: Path
    loaded: Loaded


def newest_that_can(parent: Path, prepare: Callable[[Path], Loaded], emit: Listener) -> Prepared:
    """The newest run below ``parent`` that can go on; of every newer unfinished one it is told why it cannot.

    Args:
        prepare: :func:`prepare_resume` of a run directory.

    Raises:
        UsageError: there is none. What the user did not allow, or changed by a flag, is an error as well: an older run is not
            what was meant.
    """
    passed: list[str] = []
    for run in list_runs(parent):
        if run.state is State.FINISHED:
            continue
        if run.state is State.DAMAGED:
            problem = run.reason
        elif run.state is State.RUNNING:
            problem = "a process is working on it"
        else:
            try:
                return Prepared(run.run_dir, prepare(run.run_dir))
            except NotTrusted:
                raise
            except AceError as error:
                if isinstance(error, IdentityChanged) and error.by_flag:
                    raise
                problem = error.message
        passed.append(f"{run.run_dir} is passed over: {problem}")
        emit(Notice(passed[-1]))
    if passed:
        raise UsageError(f"no unfinished run in {parent}/ can go on", f"{passed[0]}.")
    raise UsageError(
        f"there is no unfinished run in {parent}/", "`ace runs` shows all; `ace resume RUN` names one."
    )


def _open_paths(store: RunReader) -> list[str]:
    """Identity settings of models that gave nothing that is on record."""
    used = store.usage()
    roles = tuple(f"models.{role}." for role in ("generator", "reflector", "curator") if role not in used)
    paths = [path for path in DEFINITIONS if path.startswith(roles)]
    untouched = EMBEDDING not in used and next(iter(store.curve()), None) is None
    return paths + (["models.embedding", "models.embedder_args"] if untouched else [])


def _check_dataset(store: RunReader, spec: DatasetSpec, header: Header, emit: Listener) -> None:
    """The files are not those of the start: is what they say the same?"""
    digest = ContentHash()
    spec = replace(spec, num_examples=store.example_count())
    try:
        for example in read_examples(spec):
            digest.update(example)
    except UsageError as error:
        emit(
            Notice(
                f"the dataset can no longer be read ({error.message}); the run continues with its own copy"
            )
        )
        return
    if digest.hexdigest() != header.dataset_hash:
        raise _changed(store, spec)


def _extend(store: RunStore, spec: DatasetSpec, header: Header, extend_to: int, emit: Listener) -> None:
    """Take more examples of the same plan from the dataset."""
    have = store.example_count()
    if extend_to <= have:
        raise UsageError(
            f"--extend-to {extend_to}: the run has {have} examples already",
            "Name a larger number; `ace resume RUN` without it goes on with those.",
        )
    if not header.source:
        raise UsageError("this run's examples did not come from a dataset that can be read again")
    digest = ContentHash()
    fresh: list[Example] = []
    before = ""
    spec = replace(spec, num_examples=extend_to)
    skipped: list[Skipped] = []
    for count, example in enumerate(read_examples(spec, skipped)):
        if count == have:
            before = digest.hexdigest()
        digest.update(example)
        if count >= have:
            fresh.append(example)
    if not fresh:
        raise UsageError(f"--extend-to {extend_to}: the dataset has no more than {have} examples")
    if before != header.dataset_hash:
        raise _changed(store, spec)
    kept_aside = {content_key(row) for split in list(Split)[1:] for row in store.all_examples(split)}
    if any(content_key(example) in kept_aside for example in fresh):
        raise UsageError(
            f"--extend-to {extend_to}: the dataset's next examples are among those that this run validates on",
            "They cannot do both. Start a new run with `ace train`, with validation examples of another source.",
        )
    store.extend(fresh, digest.hexdigest())
    if skipped:
        emit(Notice(f"{len(skipped)} invalid rows were skipped; the last one: {skipped[-1]}"))


def _changed(store: RunReader, spec: DatasetSpec) -> UsageError:
    """Names the first row that is not what it was."""
    rows = enumerate(zip(store.all_examples(), read_examples(spec), strict=False), 1)
    where = next(
        (f"row {number} ({was.id}) is different now" for number, (was, row) in rows if was != row),
        "it has fewer rows than before",
    )
    return UsageError(
        f"the dataset has changed since this run was started: {where}",
        "Restore the old rows, or start a new run with `ace train`.",
    )
