"""Text that others wrote (models, datasets, files), made safe to show.

A reply may hold terminal escapes, characters that reorder what is read, or ones that cannot be seen.
Everything that is shown goes through :func:`printable`, and into rich as ``Text``, never as markup.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ace_cli.text import single_spaced

# What a terminal obeys, or what a reader cannot see: C0, DEL and C1 controls, the soft hyphen, bidirectional marks,
# embeddings, overrides and isolates, zero-width space, word joiner and invisible operators, byte order
# mark, line and paragraph separators, interlinear marks, tag characters, lone surrogates and noncharacters.
# Joiners (U+200C, U+200D) stay: Persian, Hindi and emoji are spelled with them.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f\ud800-\udfff]"
)


def printable(text: str, *, keep_lines: bool = False) -> str:
    r"""``text`` with every control or invisible character as a visible escape (``\x1b``, ``\u202e``).

    Args:
        text: anything, lone surrogates included.
        keep_lines: leave line feeds as they are and show tabs as four spaces.
    """
    if text.isascii() and text.isprintable():
        return text
    if keep_lines:
        text = text.replace("\r\n", "\n").replace("\t", "    ")
        return "\n".join(_UNSAFE.sub(_escape, part) for part in text.split("\n"))
    return _UNSAFE.sub(_escape, text)


def one_line(text: str) -> str:
    """``text`` on one line, for a table: runs of white space become one space, the rest as ``printable``."""
    return printable(single_spaced(text))


def json_text(value: Any) -> str:
    """``value`` as indented JSON in which no unsafe character stands as itself (they are legal as escapes)."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return _UNSAFE.sub(lambda m: m[0] if m[0] == "\n" else json.dumps(m[0])[1:-1], text)


def toml_text(value: Any) -> str:
    """A setting's value as TOML on one line: text, numbers, switches, and lists and tables of them.

    Unsafe characters are legal as escapes here too.

    Raises:
        ValueError: TOML has no form for it (null).
    """
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str():
            return _UNSAFE.sub(_toml_escape, json.dumps(value, ensure_ascii=False))
        case list() | tuple():
            return f"[{', '.join(map(toml_text, value))}]"
        case dict():
            return f"{{{', '.join(f'{toml_text(str(name))} = {toml_text(inner)}' for name, inner in value.items())}}}"
    raise ValueError(f"TOML has no form for {value!r:.80}")


def _toml_escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    short = {9: r"\t", 10: r"\n", 13: r"\r"}.get(code)
    if short:
        return short
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
