"""Settings as TOML that can be saved and used with ``--config``, each with where it came from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from ace_cli.redact import redact
from ace_cli.report.text import printable, toml_text
from ace_cli.settings import DEFINITIONS, Kind
from ace_cli.settings.definition import Definition
from ace_cli.settings.envfile import NAME as ENV_FILE
from ace_cli.settings.envfile import read_env_file
from ace_cli.settings.layers import Loaded
from ace_cli.settings.values import written

_FOLLOWS = frozenset({"data.dataset", "output.metrics"})
"""Without a value of their own they follow another setting: a saved file must not tie them down."""


def settings_lines(loaded: Loaded) -> Iterator[str]:
    """The file, line by line. What is secret or unset, and what follows another setting, stands in comments."""
    yield "# Every setting as it is now, and where it came from. Saved to a file, it can be used with --config FILE."
    for name, value in read_env_file(Path.cwd()).keys.items():
        used = "from" if os.environ.get(name) == value else "not read from"
        yield f"# {name}: {used} {ENV_FILE}{'' if used == 'from' else ', the environment has its own'}"
    for table, group in groupby(DEFINITIONS.values(), lambda definition: definition.path.rpartition(".")[0]):
        yield ""
        yield f"[{table}]"
        for definition in group:
            source = printable(loaded.source(definition.path))
            yield f"{_line(definition, loaded)}  # {source}"


def _line(definition: Definition, loaded: Loaded) -> str:
    path, key = definition.path, definition.path.rpartition(".")[2]
    value, is_chosen = loaded.settings.at(path), path in loaded.origin
    if definition.kind is Kind.SECRET:
        return f"# {key} is {'set, not shown' if value else 'not set'}"
    if value is None:
        return f'{key} = ""' if is_chosen or definition.default is not None else f"# {key} is not set"
    text, shown = _written(value)
    is_comment = shown != text or (path in _FOLLOWS and not is_chosen)
    return f"{'# ' if is_comment else ''}{key} = {shown}"


def _written(value: Any) -> tuple[str, str]:
    """As TOML, whole and without what is secret in it; of what TOML has no form for, something that is shown."""
    value = written(value) if isinstance(value, tuple) else value
    try:
        text = toml_text(str(value) if isinstance(value, Path) else value)
    except ValueError:
        return "", printable(redact(str(value)))
    if isinstance(value, str):  # an address is known as one only without the quotes around it
        return text, toml_text(redact(value))
    if isinstance(value, list):
        return text, toml_text([redact(str(one)) for one in value])
    return text, redact(text)
