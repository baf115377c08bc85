"""`ace export` as users run it: a process, a run directory, a pipe, a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.command import ace
from support.inspect_samples import at_terminal, make_run

PLAYBOOK = Path(__file__).parents[1] / "golden" / "playbook.json"


def test_results_go_to_stdout_and_words_to_stderr(tmp_path: Path) -> None:
    done = ace("export", PLAYBOOK, "--format", "jsonl", cwd=tmp_path)
    assert done.returncode == 0
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 5
    assert done.stderr == "4 of 5 bullets as jsonl; 1 quarantined left out (--include-quarantined)\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"Dear diary", "is not a playbook"),
        (b'{"version": "v2.0.0", "bullets": []}', "this ace reads version 1"),
        (b'{"bullets": [{"id": "B1", "con', "breaks off at line 1"),
        (b'[{"id": "B1", "content": "x"}, {"id": "B1", "content": "y"}]', "bullet 2 has the id 'B1', as bullet 1 has"),
    ],
)  # fmt: skip
def test_what_is_no_playbook_ends_with_two_lines_and_code_2(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "bad.json").write_bytes(content)
    done = ace("export", "bad.json", "-f", "prompt", "-o", "out.txt", cwd=tmp_path)
    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    assert first.startswith("error: ")
    assert message in first
    assert second.startswith("hint: ")
    assert not (tmp_path / "out.txt").exists()


def test_an_existing_file_is_refused_where_nobody_can_be_asked(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("mine")
    done = ace("export", PLAYBOOK, "-o", "a.md", cwd=tmp_path)
    assert (done.returncode, (tmp_path / "a.md").read_text()) == (2, "mine")
    assert "--force" in done.stderr


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = ace("export", PLAYBOOK, "-o", "file/a.json", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot write ")


def test_a_run_is_exported_and_its_page_tells_its_story(tmp_path: Path) -> None:
    run = make_run(tmp_path / "my_run", examples=30)
    done = ace("export", run, "-o", "run.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "run.html").read_text()
    for words in (
        "<title>my_run · playbook",
        "Accuracy",
        "Costs by role",
        "Settings",
        '"merged"',
        "Failed examples",
    ):
        assert words in page
    assert ace("export", run, "-f", "prompt", cwd=tmp_path).stdout.startswith("[B001] ")
    (tmp_path / "empty").mkdir()
    assert ace("export", "empty", "-f", "json", cwd=tmp_path).returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(
    "form", ["json", "jsonl", "csv", "markdown", "prompt", "paper", "skill", "agents-md"]
)
def test_bullets_cannot_speak_to_the_terminal(form: str) -> None:
    shown = at_terminal("export", str(PLAYBOOK), "--format", form)
    assert "Basis points" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(
    ("reply", "code", "replaced"), [(b"y\n", 0, True), (b"n\n", 2, False), (b"\n", 2, False)]
)
def test_at_a_terminal_one_is_asked(tmp_path: Path, reply: bytes, code: int, replaced: bool) -> None:
    import pty

    (tmp_path / "a.md").write_text("mine")
    ours, theirs = pty.openpty()
    os.write(ours, reply)
    done = subprocess.run(
        [sys.executable, "-m", "ace_cli", "export", str(PLAYBOOK), "-o", "a.md"],
        cwd=tmp_path, stdin=theirs, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    os.close(theirs)
    os.close(ours)
    assert done.returncode == code
    assert "a.md exists. Replace it?" in done.stderr
    assert (tmp_path / "a.md").read_text().startswith("# Playbook") is replaced


def test_a_pipe_is_written_to_as_it_is(tmp_path: Path) -> None:
    done = ace("export", PLAYBOOK, "-f", "prompt", "-o", "/dev/stdout", cwd=tmp_path)
    assert (done.returncode, done.stdout[:7]) == (0, "[B001] ")


def test_a_skills_folder_should_be_named_like_the_skill(tmp_path: Path) -> None:
    named = ace("export", PLAYBOOK, "-f", "skill", "-o", "my-skill", cwd=tmp_path)
    assert "name its folder" not in named.stderr
    other = ace("export", PLAYBOOK, "-f", "skill", "-o", "My_Skill", cwd=tmp_path)
    assert "name its folder 'my-skill'" in other.stderr
