"""What `ace` does at a terminal: widths, pager, colours, bars, questions, and text that would like to be obeyed."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.text import Text

import support.inspect_samples as samples
from support.command import train_arguments
from support.inside import Inside
from support.serving import Serve
from support.terminal import at_terminal, needs_terminal

pytestmark = needs_terminal
GOLDEN = Path(__file__).parents[1] / "golden/playbook.json"


@pytest.mark.parametrize(
    ("columns", "flags"), [(40, []), (80, []), (140, []), (200, []), (40, ["--full"]), (140, ["--full"])]
)
def test_the_table_fits(tmp_path: Path, columns: int, flags: list[str]) -> None:
    rows = samples.rows()
    rows[0]["content"] = "寛容" * 100 + " 🎉 " + samples.HOSTILE
    rows[1]["domain_id"] = "a domain of a very long name indeed"
    path = samples.write(tmp_path / "p.json", rows)
    shown = at_terminal("inspect", str(path), *flags, size=(columns, 24))
    lines = [Text.from_ansi(line).plain for line in shown.splitlines()]
    table = lines[:-1] if columns >= 140 else [line for line in lines if not line.startswith("12 bullets")]
    assert max(cell_len(line) for line in table) <= columns
    assert "B012" in shown
    below = " ".join(lines[lines.index(next(line for line in lines if line.startswith("12 bullets"))) :])
    assert ("--full" in below) is (not flags), "named where a cell was cut"


def test_a_long_table_goes_through_the_pager_and_a_short_one_does_not(playbook: Path) -> None:
    paged = at_terminal("inspect", str(playbook), size=(80, 10), PAGER="sed s/^/PAGED:/")
    assert "PAGED:" in paged.splitlines()[5]
    assert "PAGED:" not in at_terminal("inspect", str(playbook), size=(80, 40), PAGER="sed s/^/PAGED:/")
    assert "B012" in at_terminal("inspect", str(playbook), size=(80, 10), PAGER="no-such-pager")


def test_no_color_means_none(playbook: Path) -> None:
    assert "\x1b[3" in at_terminal("inspect", str(playbook))
    colourless = at_terminal("inspect", str(playbook), NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", colourless)


def test_text_of_others_is_never_obeyed(tmp_path: Path) -> None:
    bullets = [{"id": "B001", "content": samples.HOSTILE, "domain_id": "\x1b]0;title\x07"}]
    path = samples.write(tmp_path / "p.json", bullets)
    for arguments in ([str(path)], [str(path), "B001"]):
        shown = at_terminal("inspect", *arguments, size=(160, 30))
        assert "\x1b[31mred" not in shown
        assert "\x1b]0;" not in shown
        assert r"\x1b[31mred" in shown
        assert "[bold]loud" in shown


@pytest.mark.parametrize("columns", [30, 60, 120])
def test_a_run_fits(run_dir: Path, columns: int) -> None:
    shown = at_terminal("inspect", str(run_dir), size=(columns, 50))
    assert max(cell_len(Text.from_ansi(line).plain) for line in shown.splitlines()) <= columns
    assert ("⣀" in shown) == (columns >= 40)


def test_without_unicode_the_curve_is_drawn_in_ascii(run_dir: Path) -> None:
    shown = at_terminal("inspect", str(run_dir), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert shown.isascii()
    assert "****" in shown


def test_follow_redraws(run_dir: Path) -> None:
    shown = at_terminal("inspect", str(run_dir), "--follow", size=(80, 40))
    assert "finished" in shown
    assert "⣀" in shown


@pytest.mark.parametrize("columns", [40, 100])
def test_bars_of_a_training(inside: Inside, serve: Serve, columns: int) -> None:
    server, data = serve(8)
    arguments = map(str, train_arguments(server.url, data, 8, epochs=2, batch_size=4))
    shown = at_terminal("train", *arguments, size=(columns, 24))
    assert "Traceback" not in shown
    assert "━" in shown
    assert "epoch 2/2" in shown
    assert "batch 4/4" in shown
    assert "16/16" in shown
    assert "in flight" in shown.replace("\n", " ")
    assert "accuracy   " in shown
    assert "next       ace inspect run" in shown
    assert (inside.cwd / "out/playbook.json").exists()


def test_a_terminal_that_cannot_draw_is_told_so(playbook: Path) -> None:
    assert "hint: Set TERM" in at_terminal("inspect", str(playbook), "--tui", TERM="dumb")


def test_the_command_at_a_real_terminal(playbook: Path) -> None:
    keys = [("Quit", "x"), ("1 unsaved", "w"), ("This replaces", "\r"), ("saved to", "q")]
    shown = at_terminal("inspect", str(playbook), "--tui", keys=keys)
    assert json.loads(playbook.read_text())["bullets"][0]["stage"] == "quarantined"
    assert shown.rstrip().endswith(f"1 edit saved to {playbook}")


@pytest.mark.parametrize("form", ["json", "csv", "markdown", "prompt"])
def test_exported_bullets_cannot_speak_to_the_terminal(form: str) -> None:
    shown = at_terminal("export", str(GOLDEN), "--format", form)
    assert "Basis points" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


@pytest.mark.parametrize(
    ("reply", "code", "replaced"), [(b"y\n", 0, True), (b"n\n", 2, False), (b"\n", 2, False)]
)
def test_before_a_file_is_replaced_one_is_asked(
    tmp_path: Path, reply: bytes, code: int, replaced: bool
) -> None:
    import pty

    (tmp_path / "a.md").write_text("mine")
    ours, theirs = pty.openpty()
    os.write(ours, reply)
    done = subprocess.run(
        [sys.executable, "-m", "ace_cli", "export", str(GOLDEN), "-o", "a.md"],
        cwd=tmp_path, stdin=theirs, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    os.close(theirs)
    os.close(ours)
    assert done.returncode == code
    assert "a.md exists. Replace it?" in done.stderr
    assert (tmp_path / "a.md").read_text().startswith("# Playbook") is replaced


def test_white_space_of_a_prompt_is_shown_as_it_was_sent(tmp_path: Path) -> None:
    """A terminal breaks long lines, and adds and loses nothing else."""
    sent = "    " + "one  two   three " * 20 + "end"
    run = samples.make_run(tmp_path / "run", examples=10)
    with closing(sqlite3.connect(run / "run.sqlite3")) as db:
        db.execute("UPDATE example SET body = json_set(body, '$.question', ?) WHERE idx = 0", (sent,))
        db.commit()
    shown = Text.from_ansi(at_terminal("inspect", str(run), "--example", "train-0", size=(60, 50))).plain
    first, *lines = shown.partition("Question\n")[2].partition("Known answer")[0].rstrip("\n").split("\n")
    rest = sent.removeprefix(first[2:])
    assert len(rest) < len(sent)
    indent = 2 + len("    ") + 2  # of the block, of the text itself, and of what goes on
    for line in lines:
        piece = line[indent:]
        assert rest.removeprefix(" ").startswith(piece.rstrip()), (piece, rest)
        rest = (
            rest.removeprefix(" ")
            .removeprefix(piece.rstrip())
            .removeprefix(" " * (len(piece) - len(piece.rstrip())))
        )
    assert rest.strip() == ""
