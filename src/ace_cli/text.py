"""Valid Unicode, checked where text comes in and trusted behind.

Python's text may hold lone surrogates (a JSON escape such as ``\\ud800``, a byte of a command line that is not UTF-8), which
no file, request or tokenizer can carry. The doors are the command line, settings, the readers of files, and the
records in which examples, replies and the results of stages arrive (:class:`ValidText`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def valid(text: str) -> str:
    """``text`` with surrogate pairs joined and each lone surrogate as U+FFFD."""
    if is_valid(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_valid(text: str) -> bool:
    """Whether ``text`` can be written as UTF-8."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def valid_tree(value: Any) -> Any:
    """A JSON-like value with :func:`valid` applied to every text and key in it."""
    if isinstance(value, str):
        return valid(value)
    if isinstance(value, ValidText):  # a record: it has looked at its own texts
        return value
    if isinstance(value, Mapping):
        return {valid_tree(key): valid_tree(item) for key, item in value.items()}
    if isinstance(value, list):
        return [valid_tree(item) for item in value]
    return tuple(map(valid_tree, value)) if isinstance(value, tuple) else value


class ValidText:
    """Base of records (frozen dataclasses with slots) in which text arrives: the texts that they hold are valid."""

    __slots__: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, str):
                if not is_valid(value):
                    object.__setattr__(self, name, valid(value))
            elif value and type(value) not in _TEXTLESS and isinstance(value, _HOLDERS):
                object.__setattr__(self, name, valid_tree(value))


_TEXTLESS = frozenset({bool, int, float})
"""Asked before :data:`_HOLDERS`, of which an abstract one takes long to say no: these records are made in thousands."""

_HOLDERS = (tuple, Mapping)


def single_spaced(text: str) -> str:
    """``text`` on one line: every run of white space is one space, none at the ends."""
    return " ".join(text.split())


_PICTURES = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n"} | {0x7F: "\u2421"}
_PICTURES |= dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd")
"""Of C0 but tab and line feed, DEL, C1, and the marks that reverse the reading direction of what follows."""


def visible(text: str) -> str:
    """``text`` with each control character as its Unicode picture (ESC as ``␛``): none reaches a terminal, a prompt or a
    table as itself. Tabs and line feeds stay."""
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.translate(_PICTURES)


def visible_line(text: str) -> str:
    """:func:`visible` on one line: every run of white space is one space."""
    if text.isprintable() and "  " not in text:
        return text.strip()
    return visible(single_spaced(text))
