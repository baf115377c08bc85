"""Commands that need no model start without the libraries that models, datasets and searches need."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.command import ace, environment

HEAVY = {"litellm", "datasets", "faiss", "textual", "wordllama", "xllamacpp", "pyarrow", "plotext"}


def imported(*commands: str, cwd: Path) -> set[str]:
    """Top-level packages that these `ace` commands import, one after the other in one process."""
    code = f"from ace_cli.cli.app import run\nfor command in {commands}: assert run(command.split()) == 0, command"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
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


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["ace", "tr"], "train"),
        (["ace", "train", "--batch"], "--batch-size"),
        (["ace", "runs", "c"], "compare"),
    ],
)
def test_a_shell_completes_commands_and_flags(typed: list[str], offered: str, tmp_path: Path) -> None:
    completing = {
        "_ACE_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(typed),
        "COMP_CWORD": str(len(typed) - 1),
    }
    done = ace(cwd=tmp_path, env=environment(**completing))
    assert offered in done.stdout.split()
    # typer asks which shell it was called from, so it must be one, whatever the tests were called from
    from_bash = ["bash", "--norc", "-c", '"$0" -m ace_cli --show-completion; exit $?', sys.executable]
    shown = subprocess.run(
        from_bash, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert "complete -o default -F" in shown.stdout, shown.stderr


def test_a_playbook_is_inspected_without_heavy_libraries(playbook: Path, tmp_path: Path) -> None:
    assert not imported(f"inspect {playbook}", cwd=tmp_path) & (HEAVY | {"numpy", "pydantic_settings"})


def test_a_run_is_inspected_with_no_more_than_its_curve_needs(run_dir: Path, tmp_path: Path) -> None:
    found = imported(f"inspect {run_dir}", cwd=tmp_path)
    assert found & HEAVY == {"plotext"}
    assert not found & {"numpy", "pydantic_settings"}


def test_a_playbook_is_exported_without_heavy_libraries(playbook: Path, tmp_path: Path) -> None:
    forms = ("json", "jsonl", "csv", "markdown", "prompt", "paper", "skill", "agents-md")
    commands = [f"export {playbook} -f {form} -o out-{form}" for form in forms]
    assert not imported(*commands, cwd=tmp_path) & (HEAVY | {"numpy"})


def test_other_commands_that_call_no_model_load_none(tmp_path: Path) -> None:
    commands = ("train --help", "train --show-config", "resume --help", "resume --list")
    assert not imported(*commands, cwd=tmp_path) & (HEAVY | {"pydantic_settings"})


def test_embedders_and_curator_are_made_without_heavy_libraries() -> None:
    done = python(
        "import sys, ace_cli.embeddings as e, ace_cli.stages.curator, ace_cli.stages.retrieval\n"
        "e.make_embedder('wordllama'); e.make_embedder('text-embedding-3-small'); e.VectorIndex()\n"
        "print({'numpy', 'faiss', 'wordllama', 'litellm', 'tokenizers'} & set(sys.modules))"
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_loading_an_embedder_leaves_the_programs_logging_alone() -> None:
    done = python(
        "import asyncio, logging\n"
        "from ace_cli.embeddings import make_embedder\n"
        "asyncio.run(make_embedder('wordllama').embed(['a']))\n"
        "print(logging.getLogger().handlers, logging.getLogger().level == logging.WARNING)"
    )
    assert (done.stdout, done.stderr) == ("[] True\n", "")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
