"""A new run: made whole, or not at all."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ace_cli.engine.create import create_run
from ace_cli.errors import AceError, UsageError
from ace_cli.settings.layers import FLAG, Layer, fold
from support.builders import examples
from support.command import KEY


@pytest.fixture(autouse=True)
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A key, and somebody who listens."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{listening.getsockname()[1]}/v1")
        yield


def new_run(folder: Path) -> Path:
    flags = {
        "models.generator.model": "openai/scripted",
        "models.reflector.model": "openai/scripted",
        "output.run_dir": str(folder / "run"),
        "output.playbook": str(folder / "p.json"),
        "output.metrics": str(folder / "m.json"),
    }
    return create_run(fold([Layer("flag", FLAG, flags)]), lambda _: None, examples(1))


def test_a_run_made_meanwhile_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(tmp_path)
    before = (run / "run.sqlite3").read_bytes()
    answers = iter([False, True])
    monkeypatch.setattr("ace_cli.engine.create.is_run", lambda _: next(answers))
    with pytest.raises(UsageError, match="already holds a run"):
        new_run(tmp_path)
    assert (run / "run.sqlite3").read_bytes() == before


def test_a_new_store_that_cannot_get_its_name_is_an_error_of_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(AceError, match=r"cannot write .*run\.sqlite3: No space left on device"):
        new_run(tmp_path)
    assert not (tmp_path / "run").exists()
