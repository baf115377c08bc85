"""Records to JSON text and back, for the store. One place, so that what was written can be read.

orjson is fast and strict; the standard library takes integers beyond 64 bits, and reads the lone surrogates that stores of
version 0.1 may hold.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import cache, partial
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import orjson

from ace_cli.llm.base import ChatReply
from ace_cli.playbook import Bullet, Delta, Playbook
from ace_cli.runs.records import Evaluation, Usage

T = TypeVar("T")


def dumps(value: object) -> str:
    """JSON of plain values, enums and dataclasses; a union of dataclasses needs :func:`tagged`."""
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError):
        return json.dumps(value, default=_plain, ensure_ascii=True)


def dumps_pretty(value: object) -> bytes:
    """JSON for people, with a line feed at the end."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"


def loads(text: str | bytes) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text, parse_float=_finite, parse_constant=_finite)


def tagged(value: Any) -> dict[str, Any]:
    """A dataclass as a dict that names its class, for members of a union."""
    return {"type": type(value).__name__.lower(), **_plain(value)}


def decode(cls: type[T], row: Any) -> T:
    """A frozen dataclass from the dict that :func:`dumps` made of it; unknown keys are ignored.

    Every value gets the type that it should have: who shows or counts it need not ask what a store holds.

    Raises:
        KeyError, TypeError, ValueError: the row is not of this class (a damaged store).
    """
    readers = _readers(cast(Any, cls))
    values: dict[str, Any] = {}
    for name, value in row.items():
        if name in readers:
            plain, read = readers[name]
            values[name] = value if type(value) is plain else read(value)
    return cls(**values)


def delta_row(delta: Delta) -> dict[str, Any]:
    """What a merge changes, as it is kept in the store."""
    return {
        "credit": delta.credit.value,
        "at": delta.at,
        "changes": [tagged(change) for change in delta.changes],
    }


def playbook_row(playbook: Playbook) -> dict[str, Any]:
    """A playbook as it is kept in the store."""
    return {
        "version": playbook.version,
        "created_at": playbook.created_at,
        "training_config": dict(playbook.training_config),
        "extra": dict(playbook.extra),
        "bullets": [bullet.to_dict() for bullet in playbook.bullets],
    }


def playbook_from_row(row: Mapping[str, Any]) -> Playbook:
    return Playbook(
        bullets=tuple(Bullet.from_dict(bullet) for bullet in row["bullets"]),
        version=str(row["version"]),
        created_at=str(row["created_at"]),
        training_config=dict(row["training_config"]),
        extra=dict(row["extra"]),
    )


def evaluation_row(evaluation: Evaluation) -> dict[str, Any]:
    """What `ace eval` compares, as it is kept in the store."""
    against = evaluation.against
    body = {name: getattr(evaluation, name) for name in Evaluation.__slots__}
    return {**body, "against": None if against is None else playbook_row(against)}


def evaluation_from_row(row: Mapping[str, Any]) -> Evaluation:
    found = decode(Evaluation, {**row, "against": None})
    against = row["against"]
    return found if against is None else dataclasses.replace(found, against=playbook_from_row(against))


_Reader = Callable[[Any], Any]
"""Makes a value of what was read. Found once a type: a long run has 100,000 records."""


@cache
def _readers(cls: Any) -> dict[str, tuple[type | None, _Reader]]:
    """By field: the type of a value that is taken as it is, and what makes something of others."""
    hints = get_type_hints(cls)
    return {
        f.name: (hint if (hint := hints[f.name]) in _PLAIN else None, _reader(hint))
        for f in dataclasses.fields(cls)
    }


def table_from(text: str) -> dict[str, Any]:
    """An object.

    Raises:
        TypeError: the text holds something else.
    """
    value = loads(text)
    if not isinstance(value, dict):
        raise TypeError("no object")
    return value


REPLY_NUMBERS = ", ".join(
    f"CAST({name} AS {kind})"
    for name, kind in (
        ("prompt_tokens", "INTEGER"),
        ("completion_tokens", "INTEGER"),
        ("cached_prompt_tokens", "INTEGER"),
        ("cost_usd", "REAL"),
        ("retries", "INTEGER"),
        ("seconds", "REAL"),
        ("from_cache", "INTEGER"),
    )
)
"""Numbers whatever stands there: SQLite takes a text for one, too."""


def usage_by(rows: Iterable[Sequence[Any]]) -> dict[str, Usage]:
    """What was paid, by name: rows of a name and :data:`REPLY_NUMBERS`, summed in their order. As :meth:`Usage.plus`, without a record for each."""
    sums: dict[str, list[Any]] = {}
    for name, prompt, completion, cached, cost, retries, _, from_cache in rows:
        total = sums.setdefault(name, [0, 0, 0, 0, 0, 0, 0.0])
        if from_cache:
            total[4] += 1
            continue
        total[0] += 1
        total[1] += prompt
        total[2] += completion
        total[3] += cached
        total[5] += retries
        total[6] = None if cost is None or total[6] is None else total[6] + cost
    return {name: Usage(*total) for name, total in sums.items()}


REPLY_COLUMNS = f"text, finish_reason, {REPLY_NUMBERS}"
"""What :func:`reply_from_row` reads."""


def reply_from_row(row: Sequence[Any]) -> ChatReply:
    text, finish_reason, prompt, completion, cached, cost, retries, seconds, from_cache = row
    said, ended = str(loads(text)), str(finish_reason)
    return ChatReply(said, ended, prompt, completion, cached, cost, retries, seconds, bool(from_cache))


def _reader(hint: Any) -> _Reader:
    origin, inner = get_origin(hint), get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if origin is tuple:
        return partial(_tuple, _reader(inner[0]))
    if origin in (Union, types.UnionType):
        options = [option for option in inner if option is not type(None)]
        read = _reader(options[0]) if len(options) == 1 else _union_reader(options)
        return partial(_optional, read) if len(options) < len(inner) else read
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return partial(_mapping, _reader(inner[1]))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return partial(decode, hint)
    return lambda value: value


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is no number")
    return number


_PLAIN: dict[Any, _Reader] = {
    str: lambda value: "" if value is None else str(value),  # stages of users' own may have given anything
    int: int,
    float: lambda value: (
        value if type(value) is int else _finite(value or 0)
    ),  # what is not finite was written as null
    bool: bool,
}


def _optional(read: _Reader, value: Any) -> Any:
    return None if value is None else read(value)


def _tuple(read: _Reader, items: Any) -> tuple[Any, ...]:
    if not isinstance(items, list):
        raise TypeError("no list")
    return tuple([read(item) for item in items])


def _mapping(read: _Reader, items: Any) -> dict[str, Any]:
    return {key: read(value) for key, value in items.items()}


def _union_reader(options: Sequence[type]) -> _Reader:
    by_tag: dict[str, Any] = {
        option.__name__.lower(): option for option in options if dataclasses.is_dataclass(option)
    }

    def read(value: Any) -> Any:
        return decode(by_tag[value["type"]], value) if by_tag else value

    return read


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "keys"):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
