"""Text as it may be written anywhere: models and files hand us lone surrogates and control characters.

Two rules, used by every reader and writer:

* A lone surrogate is no character and no UTF-8: it becomes U+FFFD, the replacement character.
* In text forms (not in JSON, which escapes them) a control character becomes its Unicode picture, so ESC is
  seen as ``␛`` and cannot reach a terminal, a prompt or a table as itself.
"""

from __future__ import annotations

import re
from typing import Any

from ace_cli.text import clean

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""C0 but tab and line feed, DEL, C1, and the marks that reverse the reading direction of what follows."""


def valid_tree(value: Any) -> Any:
    """A JSON value with :func:`ace_cli.text.clean` applied to every text and key in it."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): valid_tree(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [valid_tree(item) for item in value]
    return value


def visible(text: str) -> str:
    """``text`` without control characters: pictures in their place. Tabs and line feeds stay."""
    if text.isprintable():
        return text
    text = clean(text.replace("\r\n", "\n").replace("\r", "\n"))
    return _CONTROL.sub(_picture, text)


def visible_line(text: str) -> str:
    """:func:`visible` on one line: every run of white space is one space."""
    if text.isprintable() and "  " not in text:
        return text.strip()
    return visible(" ".join(text.split()))


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
