"""JSON and JSON Lines, read piece by piece: no more than one row and a buffer sit in memory."""

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
_DECODER = json.JSONDecoder()


def read_jsonl(file: IO[str]) -> Iterator[Row]:
    """A row per line; a line that is no JSON is a row with a problem."""
    number = 0
    for line_number, line in enumerate(file, start=1):
        if not line.strip(_SPACE):
            continue
        number += 1
        place = f"line {line_number}"
        try:
            yield Row(number, place, json.loads(line))
        except json.JSONDecodeError as error:
            yield Row(number, place, None, f"no JSON: {error.msg} at column {error.colno}")
        except (ValueError, RecursionError) as error:
            yield Row(number, place, None, f"no JSON that can be read: {_short(error)}")


def read_json(file: IO[str], source: str, split: str) -> Iterator[Row]:
    """The rows of an array, or of the array under ``split`` or one of ``LISTS`` in an object.

    Lines of objects in a file called .json are common, and read as JSON Lines.

    Raises:
        UsageError: the JSON is broken (line and column), or holds no list of rows.
    """
    text = _Buffer(file, source)
    start = text.peek()
    if start == "[":
        yield from _array(text)
    elif start == "{" and _is_lines(text.first_line()):
        file.seek(0)
        yield from read_jsonl(file)
        return
    elif start == "{":
        yield from _array_in_object(text, split)
        return
    else:
        raise UsageError(
            f"{source} holds {'nothing' if not start else 'no list of rows'}",
            "Expected an array of objects, or JSON Lines.",
        )
    if text.peek():
        raise text.broken("more text after the end of the array")


def _array(text: _Buffer) -> Iterator[Row]:
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


def _array_in_object(text: _Buffer, split: str) -> Iterator[Row]:
    text.take("{")
    seen: list[str] = []
    while text.peek() != "}":
        key = text.value()
        if not isinstance(key, str):
            raise text.broken("expected the name of a field")
        text.take(":")
        if text.peek() == "[" and key in (split, *LISTS):
            yield from _array(text)
            return
        text.value()
        seen.append(key)
        if text.peek() != "}":
            text.take(",")
    found = ", ".join(seen[:20]) or "none"
    raise UsageError(
        f"{text.source} holds one object without a list of rows",
        f"Expected an array, or a list under {', '.join(dict.fromkeys((split, *LISTS)))}; fields there are: {found}.",
    )


def _is_lines(first: str | None) -> bool:
    """Whether the first line is a whole object and more lines follow."""
    if first is None:
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


class _Buffer:
    """A window on a JSON text. ``at`` is where reading goes on; what lies before it is dropped when more is read."""

    def __init__(self, file: IO[str], source: str) -> None:
        self.source = source
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False
        self._lines = 1  # the number of the line that _counted is in
        self._counted = 0
        self._column = 1

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, char: str) -> None:
        found = self.peek()
        if found != char:
            raise self.broken(
                f"expected {char!r}, found {found!r}"
                if found
                else f"the file ends where {char!r} is expected"
            )
        self._at += 1

    def value(self) -> Any:
        """The JSON value that begins here."""
        self.peek()
        while True:
            problem = ""
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                if end < len(self._text) or self._ended:
                    self._at = end
                    return value
            except json.JSONDecodeError as error:
                problem = error.msg
                if self._ended or (
                    error.pos < len(self._text) - 20 and not error.msg.startswith("Unterminated")
                ):
                    self._at = error.pos
                    raise self.broken(problem) from error
            except (ValueError, RecursionError) as error:
                raise self.broken(_short(error)) from error
            self._more(len(self._text))

    def line(self) -> int:
        self._lines += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._lines

    def first_line(self) -> str | None:
        """The first line if another one with text follows; to be asked before anything is taken."""
        while (
            "\n" not in self._text[self._at :].rstrip()
            and len(self._text) < _LONGEST_FIRST_LINE
            and self._more()
        ):
            pass
        line, newline, rest = self._text[self._at :].partition("\n")
        return line if newline and rest.strip() else None

    def broken(self, reason: str) -> UsageError:
        before = self._text.rfind("\n", 0, self._at)
        column = self._at - before if before >= 0 else self._column + self._at
        return UsageError(f"{self.source} is no valid JSON: {reason}, line {self.line()}, column {column}")

    def _more(self, least: int = 0) -> bool:
        """Read on, at least doubling a value that does not fit; whether there was more."""
        new = self._file.read(max(_CHUNK, least))
        if not new:
            self._ended = True
            return False
        before = self._text.rfind("\n", 0, self._at)
        self._column = self._at - before if before >= 0 else self._column + self._at
        self.line()
        self._text, self._at, self._counted = self._text[self._at :] + new, 0, 0
        return True


def _short(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error).split(";")[0][:100]
