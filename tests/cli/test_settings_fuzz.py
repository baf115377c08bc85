"""Whatever stands in a settings file, a variable or a store, an AceError comes out, or nothing bad at all."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ace_cli.cli.app import run
from ace_cli.engine.resume import prepare_resume
from ace_cli.errors import AceError
from ace_cli.report.settings_file import settings_lines
from ace_cli.runs.codec import dumps
from ace_cli.runs.folders import list_runs
from ace_cli.runs.reader import RunReader
from ace_cli.settings import DEFINITIONS, Kind
from ace_cli.settings.layers import load
from ace_cli.settings.recorded import recorded
from support.fuzzing import fewer, fuzzed
from support.inside import Inside
from support.inspect_samples import make_run

PATHS = [d.path for d in DEFINITIONS.values()]
NAMES = [d.env for d in DEFINITIONS.values()]

plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-3, 3)
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["", "90s", "1h", "20%", "%", "nan", "1e999", "auto", "shadow", "0x1", "١٢", "-0", "1_0", "\ud800"])
)  # fmt: skip
values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=6) | st.sampled_from(["model", "a.b", "api_key"]), inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip


def check(flags: dict[str, Any], config: Path | None) -> None:
    """Settings that are accepted can be shown and kept; others are refused in words."""
    try:
        loaded = load(flags, config)
        tomllib.loads("\n".join(settings_lines(loaded)))
        for kind in (Kind.IDENTITY, Kind.RUNTIME):
            json.loads(dumps(recorded(loaded.settings, kind)))
    except AceError as error:
        refused = error
    else:
        return
    assert refused.message
    assert refused.exit_code == 2


@pytest.fixture(scope="module")
def at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder without anybody's settings, for all inputs of a test."""
    folder = tmp_path_factory.mktemp("fuzz")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HOME", str(folder))
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        for name in [name for name in os.environ if name.upper().startswith("ACE_")]:
            patch.delenv(name)
        yield folder


def toml(tree: dict[str, Any]) -> str:
    """``{"a.b": value}`` as TOML, as far as TOML can say it."""
    return "\n".join(f"{path} = {said}" for path, value in tree.items() if (said := _toml(value)) is not None)


def _toml(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v) or 0}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(v) or "0" for v in value) + "]"
    return str(value).lower() if isinstance(value, float) else json.dumps(value)


@fuzzed
@given(
    st.dictionaries(
        st.sampled_from(PATHS) | st.sampled_from(["data", "models.generator", "x"]), values, max_size=4
    )
)
def test_fuzz_values_in_toml(at_home: Path, tree: dict[str, Any]) -> None:
    text = toml(tree)
    with suppress(tomllib.TOMLDecodeError):  # what is no TOML is another test's
        tomllib.loads(text)
    (at_home / "x.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    check({}, at_home / "x.toml")


@fuzzed
@given(st.binary(max_size=60) | st.text(alphabet='abc.[]{}="\n\t #1e_-', max_size=60).map(str.encode))
def test_fuzz_files_that_are_no_toml(at_home: Path, data: bytes) -> None:
    (at_home / "y.toml").write_bytes(data)
    check({}, at_home / "y.toml")


lines = st.lists(
    st.tuples(
        st.sampled_from(NAMES)
        | st.sampled_from(["X_API_KEY", "HF_TOKEN", "PATH", "export ", "ACE_", "#", ""]),
        st.sampled_from(["=", "='", '="', " = ", "=${HOME}", "", "=\\"]),
        st.text(max_size=8) | plain.map(str),
    ).map("".join),
    max_size=4,
).map("\n".join)


@fuzzed
@given(st.binary(max_size=60) | lines.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_fuzz_env_files(at_home: Path, data: bytes) -> None:
    """Of the process's variables, no other than those of keys are touched, and none that was there."""
    before = dict(os.environ)
    (at_home / ".env").write_bytes(data)
    try:
        check({}, None)
        added = {name: os.environ[name] for name in os.environ.keys() - before.keys()}
        assert all(name.endswith(("_KEY", "_KEY_ID", "_TOKEN")) for name in added)
        assert {name: os.environ[name] for name in before} == before
    finally:
        (at_home / ".env").unlink()
        for name in os.environ.keys() - before.keys():
            del os.environ[name]


@fuzzed
@given(st.dictionaries(st.sampled_from(PATHS), st.text(max_size=12) | plain.map(str), max_size=4))
def test_fuzz_flags(at_home: Path, flags: dict[str, str]) -> None:
    check(flags, None)


shells = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@fuzzed
@given(
    st.dictionaries(
        st.sampled_from(NAMES)
        | st.sampled_from(NAMES).map(str.lower)
        | st.sampled_from(["ACE_", "ACE___", "ACE_DATA", "ACE_MODELS__", "ACE_MODELS__GENERATOR__EXTRA__X__Y", "ACE_MODELS__CURATOR__HEADERS__A"])
        | st.text("abc_", max_size=8).map(lambda tail: f"ACE_{tail}"),
        shells | values.map(lambda value: json.dumps(value, default=str)),
        max_size=3,
    )
)  # fmt: skip
def test_fuzz_variables(at_home: Path, variables: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        check({}, None)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("sound") / "run", examples=20, state="stopped") / "run.sqlite3"


def ignore(_: object) -> None:
    """Nobody listens, and nothing is refused."""


changes = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=12)
"""Bytes at a share of the file's length."""


def read_all(folder: Path) -> None:
    with RunReader(folder) as store:
        store.header()
        store.runtime()
        store.state()
        store.sessions()
        store.segments()
        store.example_ids()
        list(store.all_examples())
        store.replies(0, 1000)
        store.usage()
        store.counts()
        store.failures()
        store.slowest()
        store.most_expensive()
        store.playbook()
        list(store.episodes())
        for step in range(20):
            store.conversation(step)


@fuzzed
@given(changes, st.floats(0, 1) | st.just(1.0))
def test_fuzz_a_store_with_wrong_bytes(
    at_home: Path, sound: Path, changes: list[tuple[float, int]], cut: float
) -> None:
    folder = at_home / "runs/run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    data = bytearray(sound.read_bytes())
    for share, byte in changes:
        data[int(share * len(data))] = byte
    (folder / "run.sqlite3").write_bytes(data[: int(cut * len(data))] if cut > 0.5 else data)
    for work in (lambda: read_all(folder), lambda: prepare_resume(folder, [], None, ignore, ignore)):
        with suppress(AceError):
            work()
    list_runs(at_home / "runs")


TEXTS = {"run": ("identity", "origins", "runtime", "prompts", "base_playbook", "source", "state"),
         "example": ("id", "body"), "reply": ("request", "text", "cost_usd", "prompt_tokens"), "episode": ("body",),
         "merge": ("delta", "curve"), "text": ("body",), "session": ("seconds", "pid")}  # fmt: skip


@fuzzed
@given(
    st.sampled_from([(t, c) for t, columns in TEXTS.items() for c in columns]), values | st.binary(max_size=8)
)
def test_fuzz_a_store_with_wrong_records(
    at_home: Path, sound: Path, where: tuple[str, str], value: Any
) -> None:
    """Sound pages, nonsense in a column."""
    import sqlite3
    from contextlib import closing

    folder = at_home / "runs/run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "run.sqlite3").write_bytes(sound.read_bytes())
    table, column = where
    said = value if isinstance(value, bytes | float | None) else dumps(value)
    with closing(sqlite3.connect(folder / "run.sqlite3")) as db, suppress(sqlite3.IntegrityError):
        db.execute(f"UPDATE {table} SET {column} = ?", (said,))
        db.commit()
    for work in (lambda: read_all(folder), lambda: prepare_resume(folder, [], None, ignore, ignore)):
        with suppress(AceError):
            work()
    list_runs(at_home / "runs")


@fewer(5)
@given(changes)
def test_fuzz_inspect_of_a_store_with_wrong_bytes(
    inside: Inside, capsys: pytest.CaptureFixture[str], sound: Path, changes: list[tuple[float, int]]
) -> None:
    folder = inside.cwd / "runs/run"
    folder.mkdir(parents=True, exist_ok=True)
    data = bytearray(sound.read_bytes())
    for share, byte in changes:
        data[int(share * len(data))] = byte
    (folder / "run.sqlite3").write_bytes(data)
    for command in (
        ["inspect", "runs/run"],
        ["inspect", "runs/run", "--example", "train-3"],
        ["resume", "--list"],
    ):
        run(command)
        assert "unexpected" not in capsys.readouterr().err
