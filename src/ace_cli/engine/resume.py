"""What a resumed run may and may not have changed.

A run keeps its identity settings for life. A layer of today's settings changes one of them if it would have
won at the start as well: a flag always, ``ace.toml`` only over what came from a file or a default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ace_cli.data import ContentHash, DatasetSpec, Example, Skipped, read_examples, source_fingerprint
from ace_cli.engine.dataset import dataset_spec
from ace_cli.engine.events import Listener, Notice
from ace_cli.errors import UsageError
from ace_cli.redact import redact
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import Header
from ace_cli.runs.store import RunStore
from ace_cli.settings import Kind, Settings, definitions, nested
from ace_cli.settings.layers import FLAG, Layer, Loaded, fold


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


_PATHS = {"data.input", "output.playbook", "output.metrics", "output.run_dir"}


def resumed_settings(header: Header, runtime: Mapping[str, Any], layers: Sequence[Layer]) -> Loaded:
    """Identity as recorded; runtime as recorded unless a layer of today says otherwise; secrets from today.

    Raises:
        UsageError: a layer changes an identity setting, named with both values.
    """
    today = fold(list(layers))
    kinds = {definition.path: definition for definition in definitions()}
    for path, layer in today.origin.items():
        definition, value = kinds[path], today.settings.at(path)
        recorded = header.identity.get(path, definition.default)
        if definition.kind is not Kind.IDENTITY or value == recorded:
            continue
        if layer.rank >= header.origins.get(path, 0):
            raise UsageError(_changed(path, definition.flag, layer, recorded, value), _hint(path))
    recorded_layer = Layer("recorded", 0, {**runtime, **header.identity})
    fresh = [
        Layer(
            layer.name,
            layer.rank,
            {
                path: value
                for path, value in layer.values.items()
                if kinds[path].kind is Kind.SECRET
                or (kinds[path].kind is Kind.RUNTIME and layer.rank >= header.origins.get(path, 0))
            },
        )
        for layer in layers
    ]
    return fold([recorded_layer, *fresh])


def recorded(settings: Settings, kind: Kind) -> dict[str, Any]:
    """Dotted path -> JSON value of all settings of a kind, as the store keeps them.

    Paths of runtime settings are kept absolute: a run may be resumed from another folder. Addresses are kept
    without user, password and key.
    """
    found = {d.path: settings.at(d.path) for d in definitions() if d.kind is kind}
    for path in found:
        if path.endswith(".api_base") and found[path] is not None:
            found[path] = _public(found[path])
    for path in _PATHS & found.keys():
        if found[path] is not None:
            found[path] = str(Path(found[path]).expanduser().absolute())
    return found


def _public(address: str) -> str:
    """An address without what is secret in it; whoever resumes gives that again."""
    address = re.sub(r"(?<=://)[^/\s]*@", "", address)
    return address if redact(address) == address else address.partition("?")[0]


def settings_of(header: Header, runtime: Mapping[str, Any]) -> Settings:
    """The settings that a run was last worked on with, without secrets."""
    return Settings.model_validate(nested({**runtime, **header.identity}))


def _changed(path: str, flag: str | None, layer: Layer, recorded: Any, value: Any) -> str:
    name = flag if flag and layer.rank == FLAG else f"{path} ({layer.name})"
    return f"this run was started with {path} = {recorded!r}; {name} would change it to {value!r}"


def _hint(path: str) -> str:
    if path == "data.num_examples":
        return "`ace resume RUN --extend-to N` goes on with more examples."
    return "It decides what the playbook becomes, so a run keeps it. Start a new run with `ace train`."
