"""What a resumed run may and may not have changed.

A run keeps its identity settings for life. A layer of today's settings changes one of them if it would have
won at the start as well: a flag always, ``ace.toml`` only over what came from a file or a default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ace_cli.errors import UsageError
from ace_cli.runs.records import Header
from ace_cli.settings import Kind, Settings, definitions, nested
from ace_cli.settings_layers import FLAG, Layer, Loaded, fold

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
                if kinds[path].kind is not Kind.IDENTITY and layer.rank >= header.origins.get(path, 0)
            },
        )
        for layer in layers
    ]
    return fold([recorded_layer, *fresh])


def recorded(settings: Settings, kind: Kind) -> dict[str, Any]:
    """Dotted path -> JSON value of all settings of a kind, as the store keeps them.

    Paths of runtime settings are kept absolute: a run may be resumed from another folder.
    """
    found = {d.path: settings.at(d.path) for d in definitions() if d.kind is kind}
    for path in _PATHS & found.keys():
        if found[path] is not None:
            found[path] = str(Path(found[path]).expanduser().absolute())
    return found


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
