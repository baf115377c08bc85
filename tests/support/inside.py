"""`ace` inside of the test's own process (a process of its own costs seconds), away from the developer's settings."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from ace_cli.cli.app import run
from support.command import KEY, train_arguments
from support.scripted_server import ScriptedServer


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


class Inside:
    """Runs command lines in ``cwd``; the user's own settings file is ``user_file``."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.cwd = folder
        self.user_file = folder / "home/.config/ace/config.toml"
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        for name in [name for name in os.environ if name.upper().startswith("ACE_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("HOME", str(folder / "home"))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "home/.config"))
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        monkeypatch.chdir(folder)

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def __call__(self, *arguments: object) -> Outcome:
        self._capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        said = self._capsys.readouterr()
        return Outcome(int(code), said.out, said.err)

    def train(self, server: ScriptedServer, data: Path, count: int, **flags: object) -> Outcome:
        """``ace train`` on ``count`` rows of ``data``, with what `train_arguments` gives."""
        return self("train", *train_arguments(server.url, data, count, **flags))

    def settings(self, *flags: object) -> dict[str, tuple[str, str]]:
        """``ace train FLAGS --show-config``: key -> (value, where it came from)."""
        done = self("train", *flags, "--show-config")
        assert done.code == 0, done.err
        rows, table = {}, ""
        for line in done.out.splitlines():
            if line.startswith("["):
                table = line.strip("[]")
            elif table and line:
                said, _, source = line.rpartition("  # ")
                key, _, value = said.removeprefix("# ").partition(" = ")
                if " is " in key:
                    key, _, value = key.partition(" is ")
                    value = "" if value == "not set" else f"({value})"
                rows[f"{table}.{key}"] = value.strip('"') or "(unset)", source
        return rows


@pytest.fixture(name="inside")
def inside_fixture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Inside:
    return Inside(tmp_path, monkeypatch, capsys)
