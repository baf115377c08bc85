"""The layers of the settings: defaults < user file < project file < .env < --config < environment < flags.

Each layer is read on its own and folded into the next, so that every value knows where it came from:
``--show-config`` prints that, errors name it, and a resumed run uses it to tell a changed setting.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ace_cli.errors import UsageError
from ace_cli.settings.definition import TABLE, Kind
from ace_cli.settings.envfile import NAME as ENV_FILE
from ace_cli.settings.envfile import read_env_file
from ace_cli.settings.model import BOTH, DEFINITIONS, FOR_BOTH, Settings, nested

PROJECT_FILE = "ace.toml"
OTHER_VARIABLES = frozenset({"ACE_DEBUG"})
"""Variables of ours that are no settings."""

_EVERY_KEY = "`ace train --show-config` lists every key."

_TABLES = {path.rsplit(".", i)[0] for path in DEFINITIONS for i in range(1, path.count(".") + 1)}


@dataclass(frozen=True, slots=True)
class Layer:
    """Values of one source, by dotted path. A higher ``rank`` wins.

    One model for both roles becomes that of each, unless the same source names another for it.
    """

    name: str
    rank: int
    values: Mapping[str, Any]

    def __post_init__(self) -> None:
        if BOTH in self.values:
            own = {path: value for path, value in self.values.items() if path != BOTH}
            both = dict.fromkeys(FOR_BOTH, self.values[BOTH]) if self.values[BOTH] not in ("", None) else {}
            object.__setattr__(self, "values", {**both, **own})


DEFAULT, USER, PROJECT, CONFIG, ENVIRONMENT, FLAG = range(6)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and for each path that is not a default the layer that set it."""

    settings: Settings
    origin: Mapping[str, Layer]

    def source(self, path: str) -> str:
        layer = self.origin.get(path)
        return layer.name if layer else "default"


def load(flags: Mapping[str, Any], config: Path | None = None, cwd: Path | None = None) -> Loaded:
    """Read all layers.

    Args:
        flags: values given on the command line, by dotted path (those not given are absent).
        config: the file of ``--config``.
        cwd: where ``ace.toml`` and ``pyproject.toml`` are looked for; default the working directory.

    Raises:
        UsageError: an unknown key (with the nearest known one), a wrong value (with what is allowed), a bad file.
    """
    return fold(read_layers(flags, config, cwd))


def read_layers(flags: Mapping[str, Any], config: Path | None, cwd: Path | None = None) -> list[Layer]:
    """All layers above the defaults, lowest first; empty ones are left out. Keys in ``.env`` become variables."""
    here = cwd or Path.cwd()
    layers = list(_files(here))
    env_file = read_env_file(here)
    env_file.export_keys()
    layers.append(Layer(ENV_FILE, PROJECT, _variables(env_file.settings, ENV_FILE)))
    if config is not None:
        layers.append(Layer(str(config), CONFIG, _flatten(_read_toml(config), str(config))))
    layers.append(Layer("environment", ENVIRONMENT, _variables(os.environ, "environment")))
    layers.append(Layer("flag", FLAG, flags))
    return [layer for layer in layers if layer.values]


def fold(layers: list[Layer]) -> Loaded:
    """The settings that the layers (lowest first) make together. An empty text unsets a setting that may be unset."""
    merged: dict[str, Any] = {}
    origin: dict[str, Layer] = {}
    for layer in layers:
        for path, value in layer.values.items():
            if path not in DEFINITIONS:
                raise UsageError(f"{layer.name}: unknown key {path!r}", _nearest(path, [*DEFINITIONS]))
            merged[path] = None if value == "" and DEFINITIONS[path].may_be_unset else value
            origin[path] = layer
    try:
        settings = Settings.model_validate(nested(merged))
    except ValidationError as error:
        raise _explain(error, origin) from None
    return Loaded(settings, origin)


def user_folder() -> Path:
    """Where the user's own settings are, if there are any."""
    from platformdirs import user_config_path

    return user_config_path("ace")


def _files(cwd: Path) -> Iterator[Layer]:
    if (path := user_folder() / "config.toml").is_file():
        yield Layer(str(path), USER, _flatten(_read_toml(path), str(path)))
    pyproject, project = cwd / "pyproject.toml", cwd / PROJECT_FILE
    if pyproject.is_file():
        # Somebody else's file: it is ours to judge only where it speaks to us.
        tools = _read_toml(pyproject).get("tool", {})
        if isinstance(tools, dict) and "ace" in tools:
            yield Layer("pyproject.toml", PROJECT, _flatten(tools["ace"], "[tool.ace] in pyproject.toml"))
    if project.is_file():
        yield Layer(PROJECT_FILE, PROJECT, _flatten(_read_toml(project), PROJECT_FILE))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        near = difflib.get_close_matches(path.name, [other.name for other in path.parent.glob("*")], 1)
        hint = f"Did you mean {path.parent / near[0]}?" if near else ""
        raise UsageError(f"there is no settings file {path}", hint) from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start})") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None


def _flatten(tree: object, where: str, table: str = "") -> dict[str, Any]:
    """Nested tables (``tree`` is that of the name ``table``) as dotted paths; unknown keys are errors."""
    if not isinstance(tree, dict):
        raise UsageError(f"{where}: {table or 'the top'} is not a table")
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        path = f"{table}.{key}" if table else str(key)
        if path in DEFINITIONS:
            flat[path] = value
        elif path in _TABLES:
            flat |= _flatten(value, where, path)
        else:
            raise UsageError(f"{where}: unknown key {path!r}", _nearest(path, [*DEFINITIONS, *_TABLES]))
    return flat


def _nearest(path: str, known: list[str]) -> str:
    """What may have been meant: the nearest path, or one whose last part is the nearest."""
    leaves = {name.rsplit(".", 1)[-1]: name for name in reversed(known)}
    near = difflib.get_close_matches(path, known, 1, 0.75) or [
        leaves[leaf] for leaf in difflib.get_close_matches(path.rsplit(".", 1)[-1], leaves, 1, 0.7)
    ]
    return f"Did you mean {near[0]!r}?" if near else _EVERY_KEY


def _variables(found: Mapping[str, str], where: str) -> dict[str, Any]:
    """The settings among the variables of a process or of a file, by dotted path."""
    known = {definition.env: definition for definition in DEFINITIONS.values()}
    tables = tuple(f"{name}__" for name, definition in known.items() if definition.form is TABLE)
    ours = {name: name.upper() for name in found if name.upper().startswith("ACE_")}
    for name, upper in ours.items():
        if upper not in known and upper not in OTHER_VARIABLES and not upper.startswith(tables):
            near = difflib.get_close_matches(upper, known, 1, 0.6)
            kind = "environment variable" if where == "environment" else f"variable in {where}:"
            raise UsageError(f"unknown {kind} {name}", f"Did you mean {near[0]}?" if near else _EVERY_KEY)
    if OTHER_VARIABLES.issuperset(ours.values()):
        return {}
    from pydantic_settings import EnvSettingsSource

    try:
        # The source only asks for the fields of the model; one that reads all sources by itself would be no use here,
        # where each value has to say where it came from.
        source = EnvSettingsSource(Settings, env_prefix="ACE_", env_nested_delimiter="__")  # type: ignore[arg-type]
        source.env_vars = {name.lower(): found[name] for name in ours}
        tree = source()
    except ValueError as error:  # a table given as one variable that is not JSON
        raise UsageError(f"{where}: {error}", "Tables are given as JSON objects.") from None
    return _flatten(tree, where)


def _explain(error: ValidationError, origin: Mapping[str, Layer]) -> UsageError:
    """The first wrong value, with its flag, where it came from and what is allowed."""
    first = error.errors(include_url=False)[0]
    parts = [str(part) for part in first["loc"]]
    paths = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    path = next((path for path in paths if path in DEFINITIONS), "")
    if not path:
        return UsageError(f"settings: {first['msg']}")
    definition = DEFINITIONS[path]
    layer = origin.get(path)
    if layer is None or layer.name == "flag":
        name = definition.flag or path
    else:
        name = definition.env if layer.rank == ENVIRONMENT else f"{layer.name}: {path}"
    hidden = definition.kind is Kind.SECRET or definition.form is TABLE  # a table may hold a misplaced key
    shown = "what is given" if hidden else f"{first['input']!r:.80}"
    reason = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ").rstrip(".")
    return UsageError(f"{name}: {shown} is not allowed", f"Allowed: {definition.form.allowed or reason}.")
