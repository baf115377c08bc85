"""What a run keeps of its settings, and what becomes of them when it goes on.

A run keeps its identity settings for life, its runtime settings until a layer of today says otherwise, and never a
secret. A layer of today has a say in a setting if it would have won at the start as well: a flag always, ``ace.toml``
only over what came from a file or a default.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ace_cli.errors import UsageError
from ace_cli.redact import public_address
from ace_cli.settings.definition import ADDRESS, NUMBER, PATH, Definition, Kind
from ace_cli.settings.layers import CONFIG, FLAG, Layer, Loaded, fold
from ace_cli.settings.model import DEFINITIONS, Settings
from ace_cli.settings.values import written
from ace_cli.text import is_valid


def recorded(settings: Settings, kind: Kind) -> dict[str, Any]:
    """Dotted path -> JSON value of all settings of a kind, as the store keeps them.

    Paths of runtime settings are kept absolute: a run may be resumed from another folder. Addresses are kept
    without user, password and whatever else may be secret in them; whoever resumes gives that again.

    Raises:
        UsageError: the working folder has a name that cannot be kept.
    """
    found = {path: settings.at(path) for path, definition in DEFINITIONS.items() if definition.kind is kind}
    for path, value in found.items():
        if value is not None and DEFINITIONS[path].form is ADDRESS:
            found[path] = written(tuple(map(public_address, value)))
        elif value is not None and DEFINITIONS[path].form is PATH:
            found[path] = str(value) if kind is Kind.IDENTITY else _absolute(value)
    return found


class IdentityChanged(UsageError):
    """A setting would change that a run keeps for life; ``by_flag`` where a flag would change it."""

    def __init__(self, message: str, hint: str, *, by_flag: bool) -> None:
        super().__init__(message, hint)
        self.by_flag = by_flag


@dataclass(frozen=True, slots=True)
class Recorded:
    """The settings of a run as they are on record: values by dotted path, and the rank of the layer that each came from.

    ``playbook`` is the name of a playbook file, where its header is all that there is on record.
    """

    identity: Mapping[str, Any]
    runtime: Mapping[str, Any]
    origins: Mapping[str, int]
    playbook: str = ""

    @property
    def settings(self) -> Settings:
        """Those that the run was last worked on with, without secrets."""
        return fold([self._layer]).settings

    def resumed(self, today: Sequence[Layer], open_paths: Collection[str] = ()) -> Loaded:
        """Identity as recorded; runtime as recorded unless a layer of today says otherwise; secrets from today.

        Args:
            open_paths: identity settings that nothing on record depends on yet, so that they may be changed.

        Raises:
            IdentityChanged: a layer changes another identity setting, named with both values.
        """
        loaded = fold([self._layer, *(self._heard(layer) for layer in today)])
        for path, (was, now) in self.changes(loaded).items():
            if path not in open_paths:
                layer, definition = loaded.origin[path], DEFINITIONS[path]
                name = (layer.name == "flag" and definition.flag) or f"{path} ({layer.name})"
                raise IdentityChanged(
                    f"this run was started with {path} = {said(was)}; {name} would change it to {said(now)}",
                    _HINTS.get(path, _HINT),
                    by_flag=layer.rank == FLAG,
                )
        return loaded

    def changes(self, loaded: Loaded) -> dict[str, tuple[Any, Any]]:
        """Identity settings that are not what they were: path -> (as recorded, as loaded)."""
        before = self.settings
        pairs = {
            path: (before.at(path), loaded.settings.at(path))
            for path, definition in DEFINITIONS.items()
            if definition.kind is Kind.IDENTITY
        }
        return {path: (was, now) for path, (was, now) in pairs.items() if was != now}

    def lent(self, today: Sequence[Layer], *, but: Collection[str] = ()) -> Loaded:
        """The settings of another run that is to do as this one did, with its own limits, outputs and display.

        Identity as recorded unless a flag or the file of ``--config`` says otherwise, the rest as in :meth:`resumed`.

        Args:
            but: paths of what is not lent.
        """
        kept = {
            path: value
            for path, value in self._layer.values.items()
            if path.partition(".")[0] not in _OWN and path not in but
        }
        layers = [replace(self._layer, values=kept)]
        for layer in today:
            heard = self._heard(layer).values
            values = {
                path: value
                for path, value in layer.values.items()
                if path not in kept
                or layer.rank in _EXPLICIT
                or (DEFINITIONS[path].kind is not Kind.IDENTITY and path in heard)
            }
            layers.append(replace(layer, values=values))
        return fold([layer for layer in layers if layer.values])

    @property
    def _layer(self) -> Layer:
        earlier = {} if self.playbook else _EARLIER  # a header names only what differs from the defaults
        return Layer(self.playbook or "recorded", 0, {**earlier, **self.runtime, **self.identity})

    def _heard(self, layer: Layer) -> Layer:
        """What of a layer of today counts."""
        values = {
            path: value
            for path, value in layer.values.items()
            if DEFINITIONS[path].kind is Kind.SECRET
            or layer.rank >= min(self.origins.get(path, 0), FLAG)  # nothing on record outranks a flag
        }
        return replace(layer, values=values)


def identity_of_header(config: Mapping[str, Any]) -> dict[str, Any]:
    """Identity settings that the header of a playbook file names, by path. Other tools' headers say other things."""
    listed = (d for d in DEFINITIONS.values() if d.in_header is not None and d.kind is Kind.IDENTITY)
    found = {d.path: config[d.name] for d in listed if config.get(d.name) is not None}
    return {path: value for path, value in found.items() if _is_of_kind(value, DEFINITIONS[path])}


def _is_of_kind(value: object, definition: Definition) -> bool:
    kind = type(definition.default)
    if definition.default is None:
        kind = int if definition.form.metavar == NUMBER.metavar else str
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, kind) or (kind is float and isinstance(value, int))


_EARLIER = {path: d.earlier for path, d in DEFINITIONS.items() if d.earlier is not None}
_OWN = frozenset({"output", "limits", "display"})
_EXPLICIT = frozenset({CONFIG, FLAG})
_HINT = "It decides what the playbook becomes, so a run keeps it. Start a new run with `ace train`."
_HINTS = {"data.num_examples": "`ace resume RUN --extend-to N` goes on with more examples."}


def said(value: Any) -> str:
    """A value in a message."""
    return repr(str(value) if isinstance(value, Path) else value)


def _absolute(path: Path) -> str:
    text = str(path.absolute())
    if not is_valid(text):
        raise UsageError(f"the folder of {path} has a name that is not UTF-8 text: {text!r}", "Rename it.")
    return text
