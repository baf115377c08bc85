"""Records to JSON text and back, for the store. One place, so that what was written can be read.

Texts of models and datasets may hold anything that Python can (lone surrogates, NUL): orjson is fast and strict, the
standard library takes the rest, escaped as ASCII.
"""

from __future__ import annotations

import dataclasses
import json
import types
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import orjson

T = TypeVar("T")


def dumps(value: object) -> str:
    """JSON of plain values, enums and dataclasses; a union of dataclasses needs :func:`tagged`."""
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError):
        return json.dumps(value, default=_plain, ensure_ascii=True)


def loads(text: str | bytes) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text)


def tagged(value: Any) -> dict[str, Any]:
    """A dataclass as a dict that names its class, for members of a union."""
    return {"type": type(value).__name__.lower(), **_plain(value)}


def decode(cls: type[T], row: Any) -> T:
    """A frozen dataclass from the dict that :func:`dumps` made of it; unknown keys are ignored.

    Raises:
        KeyError, TypeError, ValueError: the row is not of this class (a damaged store).
    """
    hints = _hints(cast(Any, cls))
    return cls(**{name: _convert(hints[name], value) for name, value in row.items() if name in hints})


@cache
def _hints(cls: Any) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}


def _convert(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    origin = get_origin(hint)
    if origin is tuple:
        inner = get_args(hint)[0]
        return tuple(_convert(inner, item) for item in value)
    if origin in (Union, types.UnionType):
        options = [option for option in get_args(hint) if option is not type(None)]
        if len(options) == 1:
            return _convert(options[0], value)
        for option in options:
            if isinstance(value, dict) and value.get("type") == option.__name__.lower():
                return decode(option, value)
        return value
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return decode(hint, value)
    return value


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "keys"):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
