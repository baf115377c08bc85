"""Control characters in text forms (not in JSON, which escapes them).

Each becomes its Unicode picture, so ESC is seen as ``␛`` and cannot reach a terminal, a prompt or a table as itself.
"""

from __future__ import annotations

import re

from ace_cli.text import single_spaced

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""C0 but tab and line feed, DEL, C1, and the marks that reverse the reading direction of what follows."""


def visible(text: str) -> str:
    """``text`` without control characters: pictures in their place. Tabs and line feeds stay."""
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub(_picture, text)


def visible_line(text: str) -> str:
    """:func:`visible` on one line: every run of white space is one space."""
    if text.isprintable() and "  " not in text:
        return text.strip()
    return visible(single_spaced(text))


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
