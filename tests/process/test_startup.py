"""Commands that need no model start without the libraries that models, datasets and searches need."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ace_cli.playbook import Bullet, Playbook
from ace_cli.playbook.formats import dump_playbook
from support.command import environment

HEAVY = {"litellm", "datasets", "faiss", "textual", "wordllama", "xllamacpp", "pyarrow", "plotext"}


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    path = tmp_path / "playbook.json"
    path.write_bytes(dump_playbook(Playbook((Bullet("B001", "Read the question twice."),))))
    return path


def imported(*arguments: object, cwd: Path) -> set[str]:
    """Top-level packages that `ace ARGUMENTS` imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ace_cli", *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    names = re.findall(r"^import time:.*\| +([\w.]+)$", done.stderr, re.MULTILINE)
    assert "ace_cli.cli.app" in names  # the list is what we take it for
    return {name.partition(".")[0] for name in names}


def test_the_help_needs_no_more_than_typer(tmp_path: Path) -> None:
    assert not imported("--help", cwd=tmp_path) & (HEAVY | {"pydantic", "numpy", "rich"})


def test_a_playbook_is_inspected_without_heavy_libraries(playbook: Path, tmp_path: Path) -> None:
    assert not imported("inspect", playbook, cwd=tmp_path) & (HEAVY | {"numpy"})


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "markdown", "prompt", "paper", "skill"])
def test_a_playbook_is_exported_without_heavy_libraries(playbook: Path, tmp_path: Path, form: str) -> None:
    assert not imported("export", playbook, "-f", form, "-o", f"out-{form}", cwd=tmp_path) & (
        HEAVY | {"numpy"}
    )


@pytest.mark.parametrize("arguments", [("train", "--help"), ("resume", "--help"), ("resume", "--list")])
def test_other_commands_that_call_no_model_load_none(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert not imported(*arguments, cwd=tmp_path) & HEAVY
