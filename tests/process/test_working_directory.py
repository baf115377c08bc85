"""What lies in the working directory has no say in what runs, nor in where the provider is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ace_cli
from support.command import ace, environment, train_arguments
from support.serving import Serve


@pytest.mark.parametrize("path", ["", "::/nowhere:."])
def test_nothing_is_imported_from_the_working_directory_by_accident(
    path: str, serve: Serve, tmp_path: Path
) -> None:
    server, data = serve(2)
    for name in ("orjson", "litellm", "numpy", "difflib", "wordllama"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('the {name} of the working directory')")
    variables = environment(HOME=str(tmp_path / "home"), XDG_CONFIG_HOME=str(tmp_path / "home/.config"))
    variables["PYTHONPATH"] = str(Path(ace_cli.__file__).parents[1]) + path
    done = ace("train", *train_arguments(server.url, data, 2), cwd=tmp_path, env=variables)
    assert done.returncode == 0, done.stderr


def test_a_project_has_no_say_in_where_the_provider_is(tmp_path: Path) -> None:
    """litellm reads an .env by itself: that of the folder where Python is started without a script, or that holds the .venv."""
    (tmp_path / ".env").write_text("OPENAI_API_BASE=http://evil.example/v1\n")
    script = "import os; from ace_cli.llm.library import load_litellm; load_litellm(); print(os.environ.get('OPENAI_API_BASE'))"
    paths = {"PYTHONPATH": str(Path(ace_cli.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment(**paths),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "None\n"
