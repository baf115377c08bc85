"""What must not have changed where a run goes on: its identity settings, and what its dataset says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ace_cli.data import ContentHash, DatasetSpec, Example, Skipped, read_examples, source_fingerprint
from ace_cli.engine.dataset import dataset_spec
from ace_cli.engine.events import Listener, Notice
from ace_cli.errors import UsageError
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import Header
from ace_cli.runs.store import RunStore
from ace_cli.settings import Settings
from ace_cli.settings.layers import Layer, Loaded
from ace_cli.settings.recorded import Recorded


def prepare_resume(run_dir: Path, layers: Sequence[Layer], extend_to: int | None, emit: Listener) -> Loaded:
    """The settings to go on with, after checking that nothing that matters has changed.

    Raises:
        UsageError: an identity setting or the dataset's content has changed.
    """
    with RunStore(run_dir) as store:
        header = store.header()
        loaded = Recorded(header.identity, store.runtime(), header.origins).resumed(layers)
        settings = loaded.settings
        fingerprint = source_fingerprint(dataset_spec(settings)) if header.source else {}
        unchanged = not header.source or fingerprint == header.source
        if extend_to is not None:
            _extend(store, settings, header, extend_to, emit)
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


def _extend(store: RunStore, settings: Settings, header: Header, extend_to: int, emit: Listener) -> None:
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
    spec = dataset_spec(settings, extend_to)
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
        raise UsageError(
            f"the dataset has changed since this run was started: {_first_difference(store, spec)}",
            "Bring the old rows back, or start a new run with `ace train`.",
        )
    store.extend(fresh, digest.hexdigest())
    if skipped:
        emit(Notice(f"{len(skipped)} invalid rows were skipped; the last one: {skipped[-1]}"))


def _first_difference(store: RunReader, spec: DatasetSpec) -> str:
    old = store.all_examples()
    for number, (was, now_) in enumerate(zip(old, read_examples(spec), strict=False), 1):
        if was != now_:
            return f"row {number} ({was.id}) is not what it was"
    return "it has fewer rows than it had"
