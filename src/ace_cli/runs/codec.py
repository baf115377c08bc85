"""Records to JSON text and back, for the store. One place, so that what was written can be read.

orjson is fast and strict; the standard library takes integers beyond 64 bits, and reads the lone surrogates that stores of
version 0.1 may hold.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Sequence
from enum import Enum
from functools import cache, partial
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
    readers = _readers(cast(Any, cls))
    values: dict[str, Any] = {}
    for name, value in row.items():
        if name in readers:
            read = readers[name]
            values[name] = value if read is None or value is None else read(value)
    return cls(**values)


_Reader = Callable[[Any], Any] | None
"""Makes a value of what was read; None where it is one already. Found once a type: a long run has 100,000 records."""


@cache
def _readers(cls: Any) -> dict[str, _Reader]:
    hints = get_type_hints(cls)
    return {f.name: _reader(hints[f.name]) for f in dataclasses.fields(cls)}


def _reader(hint: Any) -> _Reader:
    origin = get_origin(hint)
    if origin is tuple:
        return _tuple_reader(_reader(get_args(hint)[0]))
    if origin in (Union, types.UnionType):
        options = [option for option in get_args(hint) if option is not type(None)]
        return _reader(options[0]) if len(options) == 1 else _union_reader(options)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return partial(decode, hint)
    return None


def _tuple_reader(read: _Reader) -> Callable[[Any], Any]:
    if read is None:
        return tuple
    return lambda items: tuple([None if item is None else read(item) for item in items])


def _union_reader(options: Sequence[Any]) -> Callable[[Any], Any]:
    by_tag = {option.__name__.lower(): option for option in options}

    def read(value: Any) -> Any:
        option = by_tag.get(value.get("type")) if isinstance(value, dict) else None
        return value if option is None else decode(option, value)

    return read


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "keys"):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
