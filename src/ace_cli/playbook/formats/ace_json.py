"""ace's own forms: the JSON file (the contract with every user's scripts) and JSON Lines.

    {"version": "v1.0.0", "created_at": ..., "training_config": {...}, ..., "bullets": [{...}, ...]}

As JSONL the first line is the same object without ``bullets``, and each further line is a bullet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from ace_cli.errors import UsageError
from ace_cli.playbook.bullet import Bullet
from ace_cli.playbook.playbook import FORMAT_VERSION, Playbook

_HEADER = ("version", "created_at", "training_config")
_MAJOR = int(FORMAT_VERSION.lstrip("v").split(".")[0])


def dump_playbook(playbook: Playbook) -> bytes:
    """The playbook file: UTF-8 JSON, indented by 2, a line feed at the end."""
    rows = [bullet.to_dict() for bullet in playbook.bullets]
    return _dump(_header(playbook) | {"bullets": rows}, orjson.OPT_INDENT_2) + b"\n"


def dump_jsonl(playbook: Playbook) -> bytes:
    """A header line and one line a bullet."""
    rows = [_header(playbook), *(bullet.to_dict() for bullet in playbook.bullets)]
    return b"".join(_dump(row) + b"\n" for row in rows)


def header(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The fields of a :class:`Playbook` but the bullets, from a file's top level.

    Raises:
        UsageError: a field of the wrong kind, or a version that this ace cannot read.
    """
    version = row.get("version")
    if version is None:
        version = FORMAT_VERSION
    elif isinstance(version, int | float) and not isinstance(version, bool):
        version = f"v{version}"
    match = re.fullmatch(r"v?(\d{1,9})(\..*)?", version) if isinstance(version, str) else None
    if match is None:
        raise UsageError(f"{name}: 'version' is {row['version']!r:.60}, not like {FORMAT_VERSION}")
    if int(match[1]) > _MAJOR:
        raise UsageError(
            f"{name} is a playbook of version {version:.40}; this ace reads version {_MAJOR}",
            "Upgrade: pip install --upgrade ace-cli",
        )
    created_at, config = row.get("created_at"), row.get("training_config")
    if not isinstance(created_at, str | None):
        raise UsageError(f"{name}: 'created_at' is {type(created_at).__name__}, not text")
    if not isinstance(config, dict | None):
        raise UsageError(f"{name}: 'training_config' is {type(config).__name__}, not an object")
    return {
        "version": version,
        "created_at": created_at or "",
        "training_config": config or {},
        "extra": {key: value for key, value in row.items() if key not in (*_HEADER, "bullets")},
    }


def bullets(rows: Sequence[object], where: Callable[[int], str]) -> tuple[Bullet, ...]:
    """The bullets in ``rows``.

    Args:
        rows: JSON values, one a bullet.
        where: names the row of an index (from 0) in an error.

    Raises:
        UsageError: a row is no bullet, or an id stands twice.
    """
    read: dict[str, Bullet] = {}
    for index, row in enumerate(rows):
        bullet = Bullet.from_dict(row, where(index))
        if bullet.id in read:
            first = where(list(read).index(bullet.id)).rpartition(": ")[2]
            raise UsageError(
                f"{where(index)} has the id {bullet.id!r:.80}, as {first} has",
                "Ids are unique within a playbook: rename or remove one of the two.",
            )
        read[bullet.id] = bullet
    return tuple(read.values())


def _header(playbook: Playbook) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(playbook, name) for name in _HEADER}
    return row | {key: value for key, value in playbook.extra.items() if key not in (*_HEADER, "bullets")}


def _dump(value: Any, option: int = 0) -> bytes:
    try:
        return orjson.dumps(value, default=str, option=option | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(value, ensure_ascii=False, default=str, indent=2 if option else None).encode()
