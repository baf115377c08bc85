"""JSON and JSON Lines. Lines come one by one; JSON is read as a whole text, of which the rows are decoded one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

from ace_cli.data.rows import Row
from ace_cli.errors import UsageError

LISTS = ("data", "examples", "rows", "items", "records", "questions")
_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder()


def read_jsonl(file: IO[str]) -> Iterator[Row]:
    """A row per line; a line that is not JSON is a row with a problem."""
    number = 0
    for line_number, line in enumerate(file, start=1):
        if not line.strip(_SPACE):
            continue
        number += 1
        place = f"line {line_number}"
        try:
            yield Row(number, place, json.loads(line))
        except json.JSONDecodeError as error:
            yield Row(number, place, None, f"not JSON: {error.msg}, column {error.colno}")
        except (ValueError, RecursionError) as error:
            yield Row(number, place, None, f"not readable as JSON: {_short(error)}")


def read_json(file: IO[str], source: str, split: str) -> Iterator[Row]:
    """The rows of an array, or of the array under ``split`` or one of ``LISTS`` in an object.

    Lines of objects in a file called .json are common, and read as JSON Lines.

    Raises:
        UsageError: the JSON is broken (line and column), or holds no list of rows.
    """
    is_lines = _is_lines(file)
    file.seek(0)
    if is_lines:
        yield from read_jsonl(file)
        return
    text = _Cursor(file.read())
    try:
        start = text.peek()
        if start == "{":
            yield from _array_in_object(text, source, (split, *LISTS))
        elif start == "[":
            yield from _array(text)
            if text.peek():
                raise text.broken("more text after the end of the array")
        else:
            raise UsageError(
                f"{source} holds {'no list of rows' if start else 'nothing'}",
                "Expected an array of objects, or JSON Lines.",
            )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UsageError(f"{source} is not valid JSON: {error.msg}, {place}") from error


def _is_lines(file: IO[str]) -> bool:
    """Whether the first line is a whole object and more text follows."""
    lines = (line for line in file if line.strip(_SPACE))
    first = next(lines, "")
    try:
        return bool(next(lines, "")) and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _array(text: _Cursor) -> Iterator[Row]:
    for number, _ in enumerate(text.members("]"), start=1):
        place = f"row {number} (line {text.line()})"
        yield Row(number, place, text.value())


def _array_in_object(text: _Cursor, source: str, names: tuple[str, ...]) -> Iterator[Row]:
    """The rows of the first array under one of ``names``; what follows it is not looked at."""
    seen: list[str] = []
    for _ in text.members("}"):
        key = text.value()
        if not isinstance(key, str):
            raise text.broken("expected the name of a field")
        text.take(":")
        if text.peek() == "[" and key in names:
            yield from _array(text)
            return
        text.value()
        seen.append(key)
    raise UsageError(
        f"{source} holds one object without a list of rows",
        f"Expected an array, or a list under {', '.join(dict.fromkeys(names))};"
        f" available fields: {', '.join(seen[:20]) or 'none'}.",
    )


class _Cursor:
    """A JSON text and the place in it where reading goes on. Every method may raise JSONDecodeError."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line, self._counted = 1, 0  # the number of the line at the place up to which lines are counted

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while (char := self._text[self._at : self._at + 1]) and char in _SPACE:
            self._at += 1
        return char

    def take(self, char: str) -> None:
        found = self.peek()
        if not found:
            raise self.broken(f"the file ends where {char!r} is expected")
        if found != char:
            raise self.broken(f"expected {char!r}, found {found!r}")
        self._at += 1

    def members(self, end: str) -> Iterator[None]:
        """Go from one member of an array or object to the next, from its bracket until behind ``end``."""
        self._at += 1
        is_first = True
        while self.peek() != end:
            if not is_first:
                self.take(",")
                self.peek()
            yield
            is_first = False
        self._at += 1

    def value(self) -> Any:
        """The JSON value that begins at the character that :meth:`peek` found."""
        try:
            value, self._at = _DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError) as error:
            raise self.broken(_short(error)) from error
        return value

    def line(self) -> int:
        """The number of the line that is being read; each line is counted once."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def broken(self, reason: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(reason, self._text, self._at)


def _short(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error).split(";")[0][:100]
