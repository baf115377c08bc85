"""The layers of the settings: defaults < user file < project file < --config < environment < flags.

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
from types import NoneType
from typing import Any, get_args

from pydantic import ValidationError, create_model
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from ace_cli.errors import UsageError
from ace_cli.settings import Definition, Kind, Settings, definitions, nested

PROJECT_FILE = "ace.toml"
OTHER_VARIABLES = frozenset({"ACE_DEBUG"})
"""Variables of ours that are no settings."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Values of one source, by dotted path. A higher ``rank`` wins."""

    name: str
    rank: int
    values: Mapping[str, Any]


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
    """All layers above the defaults, lowest first; empty ones are left out."""
    layers = list(_files(config, cwd or Path.cwd()))
    layers.append(Layer("environment", ENVIRONMENT, _environment()))
    layers.append(Layer("flag", FLAG, _flatten(nested(dict(flags)), "flag")))
    return [layer for layer in layers if layer.values]


def fold(layers: list[Layer]) -> Loaded:
    """The settings that the layers (lowest first) make together."""
    merged: dict[str, Any] = {}
    origin: dict[str, Layer] = {}
    known = {definition.path for definition in definitions()}
    for layer in layers:
        for path, value in layer.values.items():
            if path not in known:
                raise UsageError(f"{layer.name}: unknown key {path!r}", _nearest(path, sorted(known)))
            merged[path] = value
            origin[path] = layer
    try:
        settings = Settings.model_validate(nested(merged))
    except ValidationError as error:
        raise _explain(error, origin) from None
    return Loaded(settings, origin)


def user_file() -> Path:
    """The user's own settings file (it need not exist)."""
    from platformdirs import user_config_path

    return user_config_path("ace") / "config.toml"


def _files(config: Path | None, cwd: Path) -> Iterator[Layer]:
    if (path := user_file()).is_file():
        yield Layer(str(path), USER, _flatten(_read_toml(path), str(path)))
    pyproject, project = cwd / "pyproject.toml", cwd / PROJECT_FILE
    if pyproject.is_file():
        # Somebody else's file: it is ours to judge only where it speaks to us.
        tools = _read_toml(pyproject).get("tool", {})
        if isinstance(tools, dict) and "ace" in tools:
            yield Layer("pyproject.toml", PROJECT, _flatten(tools["ace"], "[tool.ace] in pyproject.toml"))
    if project.is_file():
        yield Layer(PROJECT_FILE, PROJECT, _flatten(_read_toml(project), PROJECT_FILE))
    if config is not None:
        yield Layer(str(config), CONFIG, _flatten(_read_toml(config), str(config)))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        near = difflib.get_close_matches(path.name, _names(path.parent), 1)
        hint = f"Did you mean {path.parent / near[0]}?" if near else ""
        raise UsageError(f"there is no settings file {path}", hint) from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start})") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def _flatten(tree: object, where: str) -> dict[str, Any]:
    """Nested tables as dotted paths; unknown keys are errors."""
    known = {definition.path: definition for definition in definitions()}
    parents = {path.rsplit(".", i)[0] for path in known for i in range(1, path.count(".") + 1)}
    flat: dict[str, Any] = {}

    def walk(node: object, prefix: str) -> None:
        if not isinstance(node, dict):
            raise UsageError(f"{where}: {prefix or 'the top'} is not a table")
        for key, value in node.items():
            path = f"{prefix}.{key}" if prefix else str(key)
            if path in known:
                flat[path] = _unset(known[path], value)
            elif path in parents:
                walk(value, path)
            else:
                raise UsageError(f"{where}: unknown key {path!r}", _nearest(path, [*known, *parents]))

    walk(tree, "")
    return flat


def _unset(definition: Definition, value: Any) -> Any:
    """No layer has a null: an empty text unsets a setting that may be unset."""
    may_be_unset = NoneType in get_args(definition.field.annotation)
    return None if value == "" and may_be_unset else value


def _nearest(path: str, known: list[str]) -> str:
    leaf = path.rsplit(".", 1)[-1]
    near = difflib.get_close_matches(path, known, 1, 0.75) or [
        name
        for name in known
        if name.rsplit(".", 1)[-1] in difflib.get_close_matches(leaf, [leaf_of(n) for n in known], 1, 0.7)
    ]
    return f"Did you mean {near[0]!r}?" if near else "`ace train --show-config` lists every key."


def leaf_of(path: str) -> str:
    return path.rsplit(".", 1)[-1]


class _EnvironmentModel(BaseSettings):
    """Only the shape that pydantic-settings' environment reader wants; values stay raw."""

    model_config = SettingsConfigDict(
        env_prefix="ACE_", env_nested_delimiter="__", case_sensitive=False, extra="ignore"
    )


def _environment() -> dict[str, Any]:
    variables = {name: value for name, value in os.environ.items() if name.upper().startswith("ACE_")}
    known = {definition.env: definition for definition in definitions()}
    for name in variables:
        upper = name.upper()
        if upper in known or upper in OTHER_VARIABLES:
            continue
        if any(upper.startswith(f"{env}__") and _is_table(d) for env, d in known.items()):
            continue
        near = difflib.get_close_matches(upper, known, 1, 0.6)
        raise UsageError(
            f"unknown environment variable {name}",
            f"Did you mean {near[0]}?" if near else "`ace train --show-config` lists every key.",
        )
    if not variables.keys() - OTHER_VARIABLES:
        return {}
    source = EnvSettingsSource(_model(), env_prefix="ACE_", env_nested_delimiter="__", case_sensitive=False)
    try:
        tree = source()
    except ValueError as error:  # a table given as one variable that is not JSON
        raise UsageError(f"environment: {error}", "Tables are given as JSON objects.") from None
    return _flatten(_present(tree), "environment")


def _present(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _present(v) if isinstance(v, dict) else v for key, v in tree.items()}


def _is_table(definition: Definition) -> bool:
    return isinstance(definition.default, dict)


def _model() -> type[BaseSettings]:
    """The settings as a `BaseSettings` class, for pydantic-settings' reader of nested variables."""
    fields = {name: (field.annotation, field) for name, field in Settings.model_fields.items()}

    return create_model("EnvironmentSettings", __base__=_EnvironmentModel, **fields)  # type: ignore[call-overload, no-any-return]


def _explain(error: ValidationError, origin: Mapping[str, Layer]) -> UsageError:
    """The first wrong value, with its flag, where it came from and what is allowed."""
    known = {definition.path: definition for definition in definitions()}
    first = error.errors(include_url=False)[0]
    parts = [str(part) for part in first["loc"]]
    path = next((".".join(parts[:i]) for i in range(len(parts), 0, -1) if ".".join(parts[:i]) in known), "")
    if not path:
        return UsageError(f"settings: {first['msg']}")
    definition = known[path]
    layer = origin.get(path)
    name = _display_name(definition, layer)
    value = first["input"]
    hidden = definition.kind is Kind.SECRET or isinstance(value, dict)  # a table may hold a misplaced key
    shown = "what is given" if hidden else f"{value!r:.80}"
    allowed = definition.allowed or _reason(first["msg"])
    return UsageError(f"{name}: {shown} is not allowed", f"Allowed: {allowed}.")


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ").removeprefix("Input should be ").rstrip(".")


def _display_name(definition: Definition, layer: Layer | None) -> str:
    if layer is None or layer.rank == FLAG:
        return definition.flag or definition.path
    if layer.rank == ENVIRONMENT:
        return definition.env
    return f"{layer.name}: {definition.path}"


def describe(loaded: Loaded) -> list[tuple[str, str, str]]:
    """(key, value, where it came from) of every setting; secrets are masked."""
    from ace_cli.redact import redact

    rows = []
    for definition in definitions():
        value = loaded.settings.at(definition.path)
        if definition.kind is Kind.SECRET:
            shown = "(set, not shown)" if value else _plain(value)
        else:
            shown = redact(_plain(value))
        rows.append((definition.path, shown, loaded.source(definition.path)))
    return rows


def _plain(value: Any) -> str:
    if value is None:
        return "(unset)"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


__all__ = ["Layer", "Loaded", "describe", "fold", "load", "read_layers", "user_file"]
