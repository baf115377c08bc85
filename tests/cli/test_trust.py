"""A run directory or a project folder is not the user: what they may not do without the user's word, and what asks for none."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ace_cli.settings import DEFINITIONS
from ace_cli.settings.definition import ADDRESS
from support.command import KEY, train_arguments
from support.inside import Inside
from support.network import Network
from support.scripted_server import ScriptedServer
from support.serving import Serve


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    return Network(monkeypatch)


def halted(inside: Inside, server: ScriptedServer, data: Path, **flags: object) -> Path:
    """A run that stopped in the middle."""
    done = inside.train(server, data, 8, batch_size=2, concurrency=2, max_calls=6, **flags)
    assert done.code == 3, done.err
    return inside.cwd / "run"


def rewrite(run: Path, column: str, **values: object) -> None:
    """As somebody would who hands the run on: other values in a table of the store (``__`` for the dots)."""
    with closing(sqlite3.connect(run / "run.sqlite3")) as db:
        (text,) = db.execute(f"SELECT {column} FROM run").fetchone()
        table = json.loads(text) | {key.replace("__", "."): value for key, value in values.items()}
        db.execute(f"UPDATE run SET {column} = ?", (json.dumps(table),))
        db.commit()


def without(flag: str, arguments: list[object]) -> list[object]:
    at = arguments.index(flag)
    return [*arguments[:at], *arguments[at + 2 :]]


EVIL = "http://evil.example/v1"


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("runtime", {"models__api_base": EVIL}),
        ("runtime", {"models__api_base": "http://127.0.0.1@evil.example/v1"}),
        ("runtime", {"models__api_base": "http://127.0.0.1:1\\@evil.example/v1"}),
        ("runtime", {"models__api_base": "http://127.0.0.1.evil.example/v1"}),
        ("runtime", {"models__generator__api_base": EVIL}),
        ("runtime", {"models__reflector__api_base": "https://evil.example:8443/v1"}),
        ("identity", {"models__generator__model": f"huggingface/{EVIL}"}),
    ],
)
def test_a_run_from_elsewhere_gets_no_key_for_its_address(
    column: str, values: dict[str, object], serve: Serve, inside: Inside, network: Network
) -> None:
    server, data = serve(8)
    run = halted(inside, server, data)
    rewrite(run, column, **values)
    asked = len(server.log)
    done = inside("resume", "run", "--max-calls", "")
    assert done.code == 2
    assert "evil.example" in done.err.splitlines()[0]
    assert "--trust" in done.err
    assert not network.asked
    assert len(server.log) == asked


def test_flags_win_over_whatever_a_run_says_of_itself(serve: Serve, inside: Inside, network: Network) -> None:
    server, data = serve(8)
    run = halted(inside, server, data)
    mine = f"http://gateway.example:{server.port}/v1"
    rewrite(run, "runtime", models__api_base=EVIL, output__playbook=str(inside.cwd.parent / "elsewhere.json"))
    rewrite(run, "origins", models__api_base=99, output__playbook=99, limits__max_calls=99)
    done = inside("resume", "run", "--api-base", mine, "--output", "out/mine.json", "--max-calls", "")
    assert done.code == 0, done.err
    assert f"calls go to: http://gateway.example:{server.port}\n" in done.err
    assert network.asked == {"gateway.example"}
    assert (inside.cwd / "out/mine.json").exists()
    assert not (inside.cwd.parent / "elsewhere.json").exists()


ADDRESSES = [path for path, definition in DEFINITIONS.items() if definition.form is ADDRESS]


@pytest.mark.parametrize("key", ADDRESSES)
def test_no_address_of_a_project_is_overlooked(
    key: str, serve: Serve, inside: Inside, network: Network
) -> None:
    server, data = serve(2)
    section, _, name = key.rpartition(".")
    (inside.cwd / "ace.toml").write_text(f'[{section}]\n{name} = "{EVIL}"\n')
    arguments = train_arguments(
        server.url, data, 2, embedding_model="openai/vectors", curator_model="openai/scripted"
    )
    if key == "models.api_base":  # the flag would win
        arguments = without("--api-base", arguments)
    done = inside("train", *arguments)
    assert done.code == 2
    assert f"ace.toml would have `ace` call http://evil.example, with your key ({key})" in done.err
    assert not network.asked


@pytest.mark.parametrize("name", ["ace.toml", "pyproject.toml", ".env"])
def test_a_project_file_is_not_the_user(name: str, serve: Serve, inside: Inside, network: Network) -> None:
    server, data = serve(2)
    said = {
        "ace.toml": "[models]\napi_base = ",
        "pyproject.toml": "[tool.ace.models]\napi_base = ",
        ".env": "ACE_MODELS__API_BASE=",
    }
    (inside.cwd / name).write_text(f'{said[name]}"http://team.example:{server.port}/v1"\n')
    arguments = train_arguments(server.url, data, 2)
    named = without("--api-base", arguments)
    refused = inside("train", *named)
    assert refused.code == 2
    assert f"{name} would have `ace` call http://team.example:{server.port}, with your key" in refused.err
    assert not network.asked
    assert not (inside.cwd / "run").exists()
    assert inside("train", *arguments).code == 0  # the flag wins, and asks for nothing
    assert not network.asked
    once = inside("train", *named, "--trust", "--run-dir", "again")
    assert once.code == 0, once.err
    assert network.asked == {"team.example"}
    assert inside("train", *named, "--run-dir", "third").code == 2, "--trust is for this time"


def test_a_project_file_does_not_say_which_cluster_gets_the_keys(serve: Serve, inside: Inside) -> None:
    server, data = serve(2)
    (inside.cwd / "ace.toml").write_text(
        '[execution]\nexecutor = "ray"\nray_address = "cluster.example:6379"\n'
    )
    arguments = train_arguments(server.url, data, 2)
    refused = inside("train", *arguments)
    assert refused.code == 2
    assert "ace.toml would have `ace` call ray cluster cluster.example:6379, with your key" in refused.err
    assert inside("train", *arguments, "--executor", "local").code == 0


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    typed = io.StringIO(answer)
    typed.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", typed)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)


def test_at_a_terminal_the_user_is_asked_once(
    serve: Serve, inside: Inside, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, data = serve(8)
    run = halted(inside, server, data, progress="plain")
    rewrite(
        run, "runtime", models__api_base=f"http://theirs.example:{server.port}/v1", limits__max_calls=None
    )
    for answer, code in (("n\n", 2), ("\n", 2), ("y\n", 0)):
        assert not network.asked
        at_a_terminal(monkeypatch, answer)
        done = inside("resume", "run", "--progress", "plain")
        assert done.code == code, done.err
        assert f"the run would have `ace` call http://theirs.example:{server.port}, with your key" in done.err
    assert network.asked == {"theirs.example"}
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert inside("resume", "run", "--extend-to", "8").code == 2  # no more rows, but no question either


def test_an_address_that_the_user_gave_is_not_asked_for_again(
    serve: Serve, inside: Inside, network: Network
) -> None:
    server, data = serve(8)
    mine = f"http://mine.example:{server.port}/v1"
    halted(inside, server, data, api_base=mine)
    listed = inside.user_file.with_name("trusted")
    assert f"host http://mine.example:{server.port}\n" in listed.read_text()
    assert listed.stat().st_mode & 0o777 == 0o600
    shutil.copytree(inside.cwd / "run", inside.cwd / "handed-on")
    done = inside("resume", "run", "--max-calls", "")
    assert done.code == 0, done.err
    inside.set(XDG_CONFIG_HOME=str(inside.cwd / "somebody-else"))
    network.asked.clear()
    assert inside("resume", "handed-on", "--max-calls", "").code == 2
    assert not network.asked


def test_a_secret_in_an_address_is_not_told(serve: Serve, inside: Inside) -> None:
    _, data = serve(2)
    (inside.cwd / "ace.toml").write_text(
        f'[models]\napi_base = "https://me:{KEY}@evil.example/v1?key={KEY}"\n'
    )
    done = inside("train", "--input", data, "--generator-model", "openai/x", "--reflector-model", "openai/x")
    assert done.code == 2
    assert "evil.example" in done.err
    assert KEY not in done.err


@pytest.mark.parametrize("place", ["shortcut/../precious.json", ".bashrc", "shortcut/precious.json"])
def test_a_run_from_elsewhere_writes_no_file_outside(
    place: str, serve: Serve, inside: Inside, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server, data = serve(8)
    run = halted(inside, server, data)
    (inside.cwd / "shortcut").symlink_to(tmp_path_factory.mktemp("home"))
    path = inside.cwd / place
    path.write_text("precious")
    rewrite(run, "runtime", output__playbook=str(path), limits__max_calls=None)
    refused = inside("resume", "run")
    assert refused.code == 2
    assert "would have `ace` write" in refused.err
    assert path.read_text() == "precious"
    done = inside("resume", "run", "--output", place, "--max-calls", "")
    assert done.code == 0, done.err
    assert json.loads(path.read_text())["bullets"]


def test_a_default_name_is_followed_to_no_place_outside(
    serve: Serve, inside: Inside, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server, data = serve(2)
    outside = tmp_path_factory.mktemp("outside")
    (inside.cwd / "playbooks").symlink_to(outside)
    done = inside("train", *without("--output", train_arguments(server.url, data, 2)))
    assert done.code == 2
    assert "a link here would have `ace` write" in done.err
    assert not list(outside.iterdir())


def test_files_that_the_user_names_may_be_anywhere_and_are_remembered(
    serve: Serve, inside: Inside, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server, data = serve(8)
    outside = tmp_path_factory.mktemp("my-books")
    arguments = train_arguments(server.url, data, 8, output=outside / "x.json", max_calls=6, batch_size=2)
    assert inside("train", *without("--metrics-output", arguments)).code == 3
    done = inside("resume", "run", "--max-calls", "")
    assert done.code == 0, done.err
    assert sorted(path.name for path in outside.iterdir()) == ["x.json", "x_metrics.json"]


STAGE = """
from pathlib import Path
from ace_cli.stages.base import Reflection

Path({marker!r}).touch()


class Quiet:
    def reflect(self, case, ask):
        return Reflection()
"""


def write_stage(folder: Path, name: str) -> Path:
    """A module with a Reflector; the file that is there once it was imported."""
    marker = folder / f"{name}-was-imported"
    (folder / f"{name}.py").write_text(STAGE.format(marker=str(marker)))
    return marker


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("stages.reflector", "evil_stage:Quiet"),
        ("stages.generator", "evil_stage.below:Quiet"),
        ("training.scorer", "subprocess:getoutput"),
        ("models.embedding", "evil_stage:Quiet"),
        ("models.generator.model", "local/evil.gguf"),
    ],
)
def test_code_that_a_run_or_a_project_names_is_not_run(
    key: str, name: str, serve: Serve, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, data = serve(8)
    monkeypatch.syspath_prepend("")
    marker = write_stage(inside.cwd, "evil_stage")
    run = halted(inside, server, data)
    rewrite(run, "identity", **{key.replace(".", "__"): name})
    section, _, field = key.rpartition(".")
    (inside.cwd / "ace.toml").write_text(f'[{section}]\n{field} = "{name}"\n')
    arguments = train_arguments(server.url, data, 2, run_dir="new")
    if key == "models.generator.model":
        arguments = without("--generator-model", arguments)
    for command in (
        ("resume", "run", "--max-calls", ""),
        ("train", *arguments),
        ("train", *arguments, "--dry-run"),
    ):
        done = inside(*command)
        assert done.code == 2, done.err
        assert "would have `ace` run the code of" in done.err
        assert not marker.exists()


def test_code_that_the_user_names_is_run_from_here_and_remembered_here(
    serve: Serve, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, data = serve(8)
    write_stage(inside.cwd, "own_stage_here")
    halted(inside, server, data, reflector="own_stage_here:Quiet")
    elsewhere = inside.cwd / "elsewhere"
    shutil.copytree(inside.cwd / "run", elsewhere / "run")
    done = inside("resume", "run", "--max-calls", "")
    assert done.code == 0, done.err
    monkeypatch.chdir(elsewhere)
    write_stage(elsewhere, "own_stage_here")
    assert inside("resume", "run", "--max-calls", "").code == 2, (
        "a module of that name in another folder is other code"
    )
