"""Unsafe characters are shown as escapes, and only those."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ace_cli.report.text import json_text, one_line, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Zürich, 寛容, पाइ, 👩‍🔬", "Zürich, 寛容, पाइ, 👩‍🔬"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\x00b\x07\x7f", r"a\x00b\x07\x7f"),
        ("\x9b2J", r"\x9b2J"),
        ("two\nlines\tand\r", r"two\nlines\tand\r"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("\u200bzero\ufeff\xad", r"\u200bzero\ufeff\xad"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800 alone", r"\ud800 alone"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_lines_may_be_kept() -> None:
    assert printable("a\r\nb\tc\x1b\rd", keep_lines=True) == "a\nb    c\\x1b\\rd"
    assert one_line(" a \n\t b\x1b ") == "a b\\x1b"


any_text = st.text(st.characters(exclude_categories=()))


@given(any_text)
def test_what_is_shown_can_be_encoded_and_controls_nothing(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in shown)


@given(st.dictionaries(any_text, any_text | st.none() | st.integers()))
def test_json_is_read_back_as_it_was_and_holds_no_control(value: dict[str, object]) -> None:
    text = json_text(value)
    assert json.loads(text) == json.loads(json.dumps(value))
    assert not any(
        (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000 for c in text
    )
