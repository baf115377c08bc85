"""JSON and JSON Lines, read piece by piece: no more than one row and a buffer sit in memory.

A library (ijson) reads an array of 200 MB in 0.6 s where this takes 1.8 s, but it knows no lines: not those of the rows, nor
those of errors, which are what somebody needs who has to mend a file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import IO, Any

from ace_cli.data.rows import Row
from ace_cli.errors import UsageError

LISTS = ("data", "examples", "rows", "items", "records", "questions")
_CHUNK = 1 << 18
_LONGEST_FIRST_LINE = 1 << 24
_SPACE = " \t\r\n"
_SPACES = frozenset(" \t\r\n")
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
            yield Row(number, place, None, f"not JSON: {error.msg} at column {error.colno}")
        except (ValueError, RecursionError) as error:
            yield Row(number, place, None, f"not readable as JSON: {_short(error)}")


def read_json(file: IO[str], source: str, split: str) -> Iterator[Row]:
    """The rows of an array, or of the array under ``split`` or one of ``LISTS`` in an object.

    Lines of objects in a file called .json are common, and read as JSON Lines.

    Raises:
        UsageError: the JSON is broken (line and column), or holds no list of rows.
    """
    text = _Window(file, source)
    start = text.peek()
    if start == "{" and _is_lines(file):
        yield from read_jsonl(file)
    elif start == "{":
        yield from _array_in_object(_Window(file, source), (split, *LISTS))
    elif start == "[":
        yield from _array(text)
        if text.peek():
            raise text.broken("more text after the end of the array")
    else:
        raise UsageError(
            f"{source} holds {'no list of rows' if start else 'nothing'}",
            "Expected an array of objects, or JSON Lines.",
        )


def _is_lines(file: IO[str]) -> bool:
    """Whether the first line is a whole object and more text follows. ``file`` is at its start afterwards."""
    file.seek(0)
    try:
        first, more = _next_line(file), _next_line(file)
        return bool(more) and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False
    finally:
        file.seek(0)


def _next_line(file: IO[str]) -> str:
    """The next line that is not blank, or the beginning of a very long one; "" at the end."""
    while line := file.readline(_LONGEST_FIRST_LINE):
        if stripped := line.strip(_SPACE):
            return stripped
    return ""


def _array(text: _Window) -> Iterator[Row]:
    text.take("[")
    if text.peek() == "]":
        text.take("]")
        return
    for number in count(1):
        text.peek()
        place = f"row {number} (line {text.line()})"
        yield Row(number, place, text.value())
        if text.peek() == "]":
            text.take("]")
            return
        text.take(",")


def _array_in_object(text: _Window, names: tuple[str, ...]) -> Iterator[Row]:
    """The rows of the first array under one of ``names``; what follows it is not read."""
    text.take("{")
    seen: list[str] = []
    while text.peek() != "}":
        key = text.value()
        if not isinstance(key, str):
            raise text.broken("expected the name of a field")
        text.take(":")
        if text.peek() == "[" and key in names:
            yield from _array(text)
            return
        text.value()
        seen.append(key)
        if text.peek() != "}":
            text.take(",")
    raise UsageError(
        f"{text.source} holds one object without a list of rows",
        f"Expected an array, or a list under {', '.join(dict.fromkeys(names))};"
        f" fields there are: {', '.join(seen[:20]) or 'none'}.",
    )


class _Window:
    """The part of a JSON text that is in memory, and the place in it where reading goes on."""

    def __init__(self, file: IO[str], source: str) -> None:
        self.source = source
        self._file = file
        self._text = ""
        self._at = 0
        self._lines = 0  # before ...
        self._line_start = (
            0  # ... the beginning of a line in _text; below 0 for one that is not in it any more
        )

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while (char := self._text[self._at : self._at + 1]) in _SPACES:
                self._at += 1
            if char or not self._more():
                return char

    def take(self, char: str) -> None:
        found = self.peek()
        if not found:
            raise self.broken(f"the file ends where {char!r} is expected")
        if found != char:
            raise self.broken(f"expected {char!r}, found {found!r}")
        self._at += 1

    def value(self) -> Any:
        """The JSON value that begins at the character that :meth:`peek` found."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # Far from the end of the window it is broken; near to it, it may only go on behind it.
                inside = error.pos < len(self._text) - 20 and not error.msg.startswith("Unterminated")
                if inside or not self._more():
                    self._at = error.pos
                    raise self.broken(error.msg) from error
            except (ValueError, RecursionError) as error:
                raise self.broken(_short(error)) from error
            else:
                if end < len(self._text) - 2 or not self._more():  # 1 may go on as 1.5 or 1e+5
                    self._at = end
                    return value

    def line(self) -> int:
        """The number of the line that is being read; each line is counted once."""
        lines = self._text.count("\n", max(0, self._line_start), self._at)
        if lines:
            self._lines += lines
            self._line_start = self._text.rfind("\n", 0, self._at) + 1
        return self._lines + 1

    def broken(self, reason: str) -> UsageError:
        place = f"line {self.line()}, column {self._at - self._line_start + 1}"
        return UsageError(f"{self.source} is not valid JSON: {reason}, {place}")

    def _more(self) -> bool:
        """Drop what was read and read on, at least doubling a value that does not fit; whether there was more."""
        new = self._file.read(max(_CHUNK, len(self._text) - self._at))
        if new:
            self.line()
            self._text = self._text[self._at :] + new
            self._line_start -= self._at
            self._at = 0
        return bool(new)


def _short(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error).split(";")[0][:100]
