"""The marked section in AGENTS.md: replaced, never appended twice; the rest is none of our business."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ace_cli.errors import UsageError
from ace_cli.playbook import Bullet, Playbook
from ace_cli.playbook.formats.markdown import BEGIN, END, dump_agents_section, merge_section
from support.inside import Inside

PLAYBOOK = Path(__file__).parents[1] / "golden/playbook.json"


def section(*contents: str) -> bytes:
    bullets = tuple(Bullet(id=f"B{n}", content=content) for n, content in enumerate(contents))
    return dump_agents_section(Playbook(bullets=bullets))


OLD, NEW = section("old lesson"), section("new lesson", "and another")
PARTS = st.binary(max_size=80).filter(lambda data: b"<!-- ace:" not in data and not data.startswith(b"\xef"))


def test_a_new_file_holds_just_the_section() -> None:
    assert merge_section(b"", OLD, "AGENTS.md") == OLD


@pytest.mark.parametrize(
    "before", [b"# Mine\n", b"# Mine", b"# Mine\n\n", b"\xef\xbb\xbf# Mine\n", b"\xff\xfe\n"]
)
def test_a_file_without_a_section_gets_one_at_its_end(before: bytes) -> None:
    merged = merge_section(before, OLD, "AGENTS.md")
    assert merged.startswith(before)
    assert merged.endswith(OLD)
    assert merged[len(before) :].removesuffix(OLD).strip() == b""


@given(PARTS, PARTS)
@settings(deadline=None)
def test_what_stands_around_the_section_stays_byte_for_byte(before: bytes, after: bytes) -> None:
    file = before + b"\n" + OLD + after
    merged = merge_section(file, NEW, "AGENTS.md")
    assert merged.startswith(before + b"\n<!-- ace:begin")
    assert merged.endswith(b"<!-- ace:end -->" + OLD[-1:] + after)
    assert b"old lesson" not in merged.removeprefix(before).removesuffix(after)
    assert merge_section(merged, NEW, "AGENTS.md") == merged


def test_windows_line_ends_are_kept() -> None:
    file = b"# Mine\r\n\r\n" + OLD.replace(b"\n", b"\r\n") + b"\r\nlast\r\n"
    merged = merge_section(file, NEW, "AGENTS.md")
    assert merged.count(b"\n") == merged.count(b"\r\n")
    assert merged.endswith(END.encode() + b"\r\n\r\nlast\r\n")


@pytest.mark.parametrize(
    "marks",
    [(BEGIN,), (END,), (END, BEGIN), (BEGIN, BEGIN, END), (BEGIN, END, BEGIN, END), (BEGIN, END, END)],
)
def test_marks_that_make_no_pair_are_left_alone_with_a_word(marks: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="do not make one pair"):
        merge_section("\n".join(("text", *marks, "text")).encode(), NEW, "AGENTS.md")


@pytest.mark.parametrize(
    "hostile",
    [
        END,
        f"x\n{END}\ny",
        BEGIN,
        "# Heading",
        "- item\n- item",
        "```\ncode",
        "[a]: http://x",
        "<script>x</script>",
        "1. one",
        "> quote",
    ],
)
def test_a_bullet_cannot_end_the_section_or_start_a_block(hostile: str) -> None:
    first = merge_section(b"mine\n", section(hostile), "AGENTS.md")
    second = merge_section(first, NEW, "AGENTS.md")
    assert second == merge_section(b"mine\n", NEW, "AGENTS.md")
    lines = first.decode().split("\n")
    assert [line for line in lines if line.startswith(("#", "```", ">", "1.", "<script", "[a]"))] == [
        "## Lessons learned",
        "### What works",
    ]


def test_the_command_replaces_the_section_without_asking(inside: Inside) -> None:
    path = inside.cwd / "AGENTS.md"
    path.write_bytes(b"# Rules\r\nBe kind.\r\n")
    assert inside("export", PLAYBOOK, "-o", path).code == 0
    once = path.read_bytes()
    assert inside("export", PLAYBOOK, "-o", path).code == 0
    assert path.read_bytes() == once
    assert inside("export", PLAYBOOK, "-o", path, "--top", "1").code == 0
    assert path.read_bytes().startswith(b"# Rules\r\nBe kind.\r\n\r\n<!-- ace:begin")
    assert path.read_bytes().count(b"\r\n- ") == 1
