"""Reading a playbook of any kind; the kind is told by the content, never by the file's name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import orjson

from ace_cli.errors import UsageError
from ace_cli.playbook.formats import ace_json
from ace_cli.playbook.formats.paper import looks_like_paper, parse_paper
from ace_cli.playbook.formats.skillbook import parse_skillbook
from ace_cli.playbook.playbook import Playbook
from ace_cli.text import valid_tree

_KINDS = "Expected: a playbook (JSON, JSONL or the paper's text form), a checkpoint or a JSON skillbook."
_OTHER_FILES = {
    b"SQLite format 3\0": "is a database; name the run's folder instead",
    b"PAR1": "is a Parquet file, which is not read back; export as json or jsonl instead",
    b"\x1f\x8b": "is compressed; unpack it first",
    b"PK\x03\x04": "is a zip archive; unpack it first",
    b"\xff\xfe": "is UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "is UTF-16 text; save it as UTF-8",
}
_BOM = b"\xef\xbb\xbf"


def read_playbook(path: Path) -> Playbook:
    """The playbook in a file.

    Lone surrogates in it become U+FFFD; unknown fields are kept.

    Raises:
        UsageError: the file cannot be read or is no playbook that this ace understands.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist", "Check the path, or train one: ace train --help") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder without a run in it", _KINDS) from None
    except (OSError, ValueError) as error:  # ValueError: NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {path}: {reason}") from None
    return parse_playbook(data, str(path))


def parse_playbook(data: bytes, name: str) -> Playbook:
    """The playbook in ``data``; ``name`` stands for it in errors.

    Raises:
        UsageError: as :func:`read_playbook`.
    """
    for magic, what in _OTHER_FILES.items():
        if data.startswith(magic):
            raise UsageError(f"{name} {what}", _KINDS)
    start = data.removeprefix(_BOM)[:4096].lstrip()[:1]
    if not start and not data.removeprefix(_BOM).strip():
        raise UsageError(f"{name} is empty", _KINDS)
    if b"\0" in data[:4096]:
        raise UsageError(f"{name} is a binary file, not a playbook", _KINDS)
    data = data.removeprefix(_BOM)
    if start == b"{" or (start == b"[" and not looks_like_paper(_decode(data[:4096], name, "replace"))):
        return _parse_json(data, name)
    text = _decode(data, name)
    if not looks_like_paper(text):
        raise UsageError(f"{name} is not a playbook", _KINDS)
    return Playbook(bullets=ace_json.bullets(list(parse_paper(text, name)), _numbered(name)))


def _parse_json(data: bytes, name: str) -> Playbook:
    try:
        value = _loads(data)
    except json.JSONDecodeError as error:
        lines = data.splitlines() if error.lineno > 1 else []
        if not lines or not _is_object(lines[0]):
            _not_json(name, data, error)
        return _parse_lines(lines, name)
    if isinstance(value, dict) and "content" in value:  # JSONL of a single bullet
        value = [value]
    if isinstance(value, list):
        return Playbook(bullets=ace_json.bullets(value, _numbered(name)))
    if isinstance(value, dict):
        return _from_object(value, name)
    raise UsageError(f"{name} is not a playbook: it holds {type(value).__name__}", _KINDS)


def _from_object(row: dict[str, Any], name: str) -> Playbook:
    bullets, skills, checkpoint = row.get("bullets"), row.get("skills"), row.get("playbook")
    if isinstance(bullets, list):
        return Playbook(bullets=ace_json.bullets(bullets, _numbered(name)), **ace_json.header(row, name))
    if isinstance(checkpoint, list):
        head = {"created_at": row.get("timestamp"), "training_config": row.get("config")}
        return Playbook(
            bullets=ace_json.bullets(checkpoint, _numbered(name)),
            **ace_json.header(head, f"checkpoint {name}"),
        )
    table = skills if skills is not None else bullets
    if isinstance(table, dict | list):
        return Playbook(bullets=ace_json.bullets(parse_skillbook(table, name), _numbered(name, "skill")))
    if table is None and "version" in row and "training_config" in row:  # JSONL with a header and no bullets
        return Playbook(**ace_json.header(row, name))
    for field in ("bullets", "skills", "playbook"):
        if field in row:
            raise UsageError(
                f"{name}: {field!r} is {type(row[field]).__name__}, not a list of bullets", _KINDS
            )
    raise UsageError(f"{name} is JSON, but not a playbook: it has no 'bullets'", _KINDS)


def _parse_lines(lines: list[bytes], name: str) -> Playbook:
    rows: list[Any] = []
    numbers: list[int] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            rows.append(_loads(line))
        except json.JSONDecodeError as error:
            raise UsageError(
                f"{name}: line {number} is not JSON: {error.msg} at column {error.colno}",
                "Is the file complete? A JSONL playbook has one bullet a line.",
            ) from None
        numbers.append(number)
    head: dict[str, Any] = {}
    if rows and isinstance(rows[0], dict) and "version" in rows[0] and "content" not in rows[0]:
        head = ace_json.header(rows.pop(0), name)
        numbers.pop(0)
    return Playbook(bullets=ace_json.bullets(rows, lambda index: f"{name}: line {numbers[index]}"), **head)


def _loads(data: bytes) -> Any:
    """JSON by orjson; by the standard library where orjson refuses a lone surrogate.

    Raises:
        json.JSONDecodeError: it is not JSON, or is nested beyond reason.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if "surrogate" not in error.msg:
            raise
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise error from None
        try:
            return valid_tree(json.loads(text))
        except RecursionError:
            raise json.JSONDecodeError("nested too deeply", text, 0) from None


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(_loads(line), dict)
    except json.JSONDecodeError:
        return False


def _not_json(name: str, data: bytes, error: json.JSONDecodeError) -> NoReturn:
    place = f"line {error.lineno}, column {error.colno}"
    if error.pos >= len(data.decode(errors="replace").rstrip()):
        raise UsageError(
            f"{name} breaks off at {place}: only part of the file is there",
            "Copy it again, or take the last checkpoint of the run.",
        ) from None
    raise UsageError(f"{name} is not valid JSON: {error.msg} at {place}", _KINDS) from None


def _decode(data: bytes, name: str, errors: str = "strict") -> str:
    try:
        return data.decode(errors=errors)
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 text: byte {error.start}", _KINDS) from None


def _numbered(name: str, noun: str = "bullet") -> Callable[[int], str]:
    return lambda index: f"{name}: {noun} {index + 1}"
