"""ace's own forms: the JSON file (the contract with every user's scripts) and JSON Lines.

    {"version": "v1.0.0", "created_at": ..., "training_config": {...}, ..., "bullets": [{...}, ...]}

As JSONL the first line is the same object without ``bullets``, and each further line is a bullet. Read are also checkpoints,
plain lists of bullets, and the skillbooks of :mod:`ace_cli.playbook.formats.skillbook`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from ace_cli.errors import UsageError
from ace_cli.playbook.bullet import Bullet
from ace_cli.playbook.formats.skillbook import parse_skillbook
from ace_cli.playbook.playbook import FORMAT_VERSION, Playbook
from ace_cli.text import valid_tree

EXPECTED = "Expected: a playbook (JSON, JSONL or the paper's text form), a checkpoint or a JSON skillbook."
_HEADER = ("version", "created_at", "training_config")
_MAJOR = int(FORMAT_VERSION.lstrip("v").split(".")[0])


def dump_playbook(playbook: Playbook) -> bytes:
    """The playbook file: UTF-8 JSON, indented by 2, a line feed at the end."""
    rows = [bullet.to_dict() for bullet in playbook.bullets]
    return _dump(_header_row(playbook) | {"bullets": rows}, orjson.OPT_INDENT_2) + b"\n"


def dump_jsonl(playbook: Playbook) -> bytes:
    """A header line and one line a bullet."""
    rows = [_header_row(playbook), *(bullet.to_dict() for bullet in playbook.bullets)]
    return b"".join(_dump(row) + b"\n" for row in rows)


def is_playbook_file(path: Path) -> bool:
    """A JSON object with a list of ``bullets``: what :func:`dump_playbook` writes."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(value, dict) and isinstance(value.get("bullets"), list)


def parse_json(data: bytes, name: str) -> Playbook:
    """The playbook in JSON or JSON Lines; ``name`` stands for it in errors.

    Raises:
        UsageError: it is broken, or holds no playbook that this ace understands.
    """
    try:
        value = _loads(data)
    except json.JSONDecodeError as error:
        if error.lineno > 1 and _is_object(data.lstrip().partition(b"\n")[0]):
            return _from_lines(data, name)
        raise _broken(data, name, error) from None
    if isinstance(value, dict) and "content" not in value:
        return _from_object(value, name)
    if isinstance(value, dict):  # JSON Lines of a single bullet
        value = [value]
    if not isinstance(value, list):
        raise UsageError(f"{name} is not a playbook: it holds {type(value).__name__}", EXPECTED)
    return Playbook(read_bullets(enumerate(value, 1), name))


def read_bullets(rows: Iterable[tuple[int, Any]], name: str, noun: str = "bullet") -> tuple[Bullet, ...]:
    """Bullets from JSON values, each with its number: that of the ``noun`` in the file ``name``.

    Raises:
        UsageError: a row is no bullet, or an id stands twice.
    """
    bullets: list[Bullet] = []
    numbers: dict[str, int] = {}
    for number, row in rows:
        place = f"{name}: {noun} {number}"
        bullet = Bullet.from_dict(row, place)
        if bullet.id in numbers:
            raise UsageError(
                f"{place} has the id {bullet.id!r:.80}, as {noun} {numbers[bullet.id]} has",
                "Ids are unique within a playbook: rename or remove one of the two.",
            )
        numbers[bullet.id] = number
        bullets.append(bullet)
    return tuple(bullets)


def _from_object(row: dict[str, Any], name: str) -> Playbook:
    bullets, skills, checkpoint = row.get("bullets"), row.get("skills"), row.get("playbook")
    if isinstance(bullets, list):
        return Playbook(read_bullets(enumerate(bullets, 1), name), **_header(row, name))
    if isinstance(checkpoint, list):
        head = {"created_at": row.get("timestamp"), "training_config": row.get("config")}
        return Playbook(read_bullets(enumerate(checkpoint, 1), name), **_header(head, f"checkpoint {name}"))
    table = bullets if skills is None else skills
    if isinstance(table, dict | list):
        return Playbook(read_bullets(enumerate(parse_skillbook(table, name), 1), name, "skill"))
    if table is None and "version" in row and "training_config" in row:  # JSON Lines without a bullet
        return Playbook(**_header(row, name))
    for field in ("bullets", "skills", "playbook"):
        if field in row:
            found = type(row[field]).__name__
            raise UsageError(f"{name}: {field!r} is {found}, not a list of bullets", EXPECTED)
    raise UsageError(f"{name} is JSON, but not a playbook: it has no 'bullets'", EXPECTED)


def _from_lines(data: bytes, name: str) -> Playbook:
    rows = _lines(data, name)
    number, first = next(rows)
    if isinstance(first, dict) and "version" in first and "content" not in first:
        return Playbook(read_bullets(rows, name, "line"), **_header(first, name))
    return Playbook(read_bullets(chain([(number, first)], rows), name, "line"))


def _lines(data: bytes, name: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield number, _loads(line)
        except json.JSONDecodeError as error:
            raise UsageError(
                f"{name}: line {number} is not JSON: {error.msg}, column {error.colno}",
                "Is the file complete? A JSONL playbook has one bullet a line.",
            ) from None


def _header(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The fields of a :class:`Playbook` but the bullets, from a file's top level.

    Raises:
        UsageError: a field of the wrong kind, or a version that this ace cannot read.
    """
    given = row.get("version")
    version = FORMAT_VERSION if given is None else given if isinstance(given, str) else f"v{given}"
    match = re.fullmatch(r"v?(\d{1,9})(\..*)?", version)
    if match is None:
        raise UsageError(f"{name}: 'version' is {given!r:.60}, not like {FORMAT_VERSION}")
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


def _header_row(playbook: Playbook) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(playbook, name) for name in _HEADER}
    return row | {key: value for key, value in playbook.extra.items() if key not in (*_HEADER, "bullets")}


def _dump(value: Any, option: int = 0) -> bytes:
    try:
        return orjson.dumps(value, default=str, option=option | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(value, ensure_ascii=False, default=str, indent=2 if option else None).encode()


def _loads(data: bytes) -> Any:
    """JSON by orjson; by the standard library where orjson refuses a lone surrogate, which becomes U+FFFD.

    Raises:
        json.JSONDecodeError: it is not JSON, or is nested beyond reason.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if "surrogate" not in error.msg:
            raise
        try:
            return valid_tree(json.loads(data.decode()))
        except UnicodeDecodeError:
            raise error from None
        except RecursionError:
            raise json.JSONDecodeError("nested too deeply", error.doc, 0) from None


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(_loads(line), dict)
    except json.JSONDecodeError:
        return False


def _broken(data: bytes, name: str, error: json.JSONDecodeError) -> UsageError:
    place = f"line {error.lineno}, column {error.colno}"
    if error.pos >= len(data.decode(errors="replace").rstrip()):
        return UsageError(
            f"{name} is cut off at {place}: only part of the file is there",
            "Copy it again, or take the last checkpoint of the run.",
        )
    return UsageError(f"{name} is not valid JSON: {error.msg} at {place}", EXPECTED)
