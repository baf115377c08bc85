"""`ace runs`: the list fits a terminal, two runs are compared, and only what is a run of ours and idle is removed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ace_cli.cli.app import run as ace
from ace_cli.runs import lock
from support.fuzzing import fewer
from support.inside import Inside
from support.inspect_samples import make_run
from support.serving import Serve
from support.terminal import at_terminal, needs_terminal

OLD, NEW = "20261123-112911-gsm8k-1a2b", "20261124-112911-warehouse-inventory-of-stock-7035"


@pytest.fixture
def two(inside: Inside) -> Inside:
    settings = {"training.batch_size": 20, "models.generator.model": "openai/qwen2.5-7b-instruct"}
    make_run(inside.cwd / "runs" / OLD, state="stopped", settings=settings)
    os.utime(inside.cwd / "runs" / OLD / "run.sqlite3", (1, 1))
    make_run(inside.cwd / "runs" / NEW, examples=30)
    return inside


# -- the list


def test_into_a_pipe_everything_is_whole(two: Inside) -> None:
    done = two("runs")
    assert done.code == 0, done.err
    head, new, old = (line.split("\t") for line in done.out.splitlines())
    assert head == ["run", "started", "size", "state", "kind", "model", "accuracy", "cost"]
    assert new[0] == f"runs/{NEW}"
    stored = sum(path.stat().st_size for path in (two.cwd / "runs" / OLD).iterdir())
    assert old[:6] == [f"runs/{OLD}", "2026-11-22T09:00:00Z", str(stored), "stopped", "train", "openai/qwen2.5-7b-instruct"]  # fmt: skip
    assert f"{OLD}: spent $1.00 of $1.00" in done.err


def test_as_json(two: Inside) -> None:
    runs = json.loads(two("runs", "--json").out)
    assert [Path(run["run"]).name for run in runs] == [NEW, OLD]
    assert runs[1]["kind"] == "train"
    assert runs[1]["models"] == {"generator": "openai/qwen2.5-7b-instruct", "reflector": "gpt-4o-mini"}
    assert runs[0]["examples"]["accuracy"] > 0
    assert json.loads(two("runs", "--runs", "nowhere", "--json").out) == []


@needs_terminal
@pytest.mark.parametrize("command", [["runs"], ["resume", "--list"]])
@pytest.mark.parametrize("columns", [60, 80, 140])
def test_the_list_fits_the_terminal_and_tells_local_time(
    two: Inside, command: list[str], columns: int
) -> None:
    shown = at_terminal(*command, size=(columns, 24), TZ="Asia/Tokyo")
    lines = [line for line in shown.splitlines() if "spent" not in line]
    assert max(map(len, lines)) <= columns
    assert "22 Nov 18:00" in shown
    assert {
        len(line[: line.index(word)])
        for line in lines[1:]
        for word in ("stopped", "finished")
        if word in line
    } == {lines[0].index("state")}
    assert all(end in shown for end in ("1a2b", "7035"))


def test_a_run_is_known_by_the_end_of_its_name(two: Inside) -> None:
    assert "gsm8k-1a2b" in two("inspect", "1a2b").out
    assert two("runs", "compare", "1a2b", "7035").code == 0
    make_run(two.cwd / "runs/20261124-112912-other-1a2b", examples=10)
    several = two("runs", "rm", "1a2b", "--yes")
    assert several.code == 2
    assert "2 runs end with '1a2b'" in several.err
    assert two("runs", "rm", "gsm8k-1a2c").err.splitlines() == [
        "error: there is no run 'gsm8k-1a2c'",
        f"hint: Nearest: {OLD}.",
    ]


# -- two of them


def test_two_runs_side_by_side(two: Inside) -> None:
    done = two("runs", "compare", OLD, NEW)
    assert done.code == 0, done.err
    shown = [line.split() for line in done.out.splitlines()]
    assert ["training.batch_size", "20", "10"] in shown
    assert ["models.generator.model", "openai/qwen2.5-7b-instruct", "gpt-4o"] in shown
    assert ["bullets", "6", "3"] in shown
    assert "Accuracy so far, by examples seen: gsm8k-1a2b dots" in done.out
    assert "3 bullets in both, 3 only in gsm8k-1a2b, 0 only in" in done.out
    told = json.loads(two("runs", "compare", OLD, NEW, "--json").out)
    assert told["settings"]["training.batch_size"] == [20, 10]
    assert len(told["playbooks"]["removed"]) == 3
    assert [run["state"] for run in told["runs"]] == ["stopped", "finished"]


def test_a_run_and_what_is_none_cannot_be_compared(two: Inside) -> None:
    assert two("export", OLD, "-o", "book.json").code == 0
    done = two("runs", "compare", OLD, "book.json")
    assert (done.code, "book.json is a file, not a run" in done.err) == (2, True)


# -- away with them


def test_without_a_word_nothing_is_removed(two: Inside) -> None:
    done = two("runs", "rm", OLD)
    assert (done.code, done.err.splitlines()[0]) == (2, "error: removing 1 run needs your word")
    assert (two.cwd / "runs" / OLD / "run.sqlite3").exists()


@needs_terminal
@pytest.mark.parametrize(("answer", "remains"), [("y\r", False), ("\r", True)])
def test_at_a_terminal_the_user_is_asked(two: Inside, answer: str, remains: bool) -> None:
    shown = at_terminal("runs", "rm", OLD, keys=[("for good?", answer)])
    assert f"runs/{OLD}" in shown
    assert (two.cwd / "runs" / OLD).exists() is remains
    assert ("nothing was removed" in shown) is remains


def test_a_trained_run_goes_with_all_that_it_wrote_there(inside: Inside, serve: Serve) -> None:
    server, data = serve(6)
    outputs = {"output": "runs/a/playbook.json", "metrics_output": "out/m.json", "run_dir": "runs/a"}
    assert inside.train(server, data, 6, batch_size=2, checkpoint_interval=2, **outputs).code == 0
    assert {path.name for path in Path("runs/a").iterdir()} >= {"checkpoints", "playbook.json"}
    done = inside("runs", "rm", "a", "--yes")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("removed runs/a (")
    assert not Path("runs/a").exists()
    assert Path("out/m.json").exists()


def test_what_is_not_of_the_run_stays_and_is_told(two: Inside) -> None:
    run, elsewhere = two.cwd / "runs" / OLD, two.cwd / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "checkpoint_000001.json").write_text("mine")
    (run / "checkpoints").symlink_to(elsewhere)
    (run / "notes.txt").write_text("mine")
    (run / "run.reserve").symlink_to(elsewhere / "checkpoint_000001.json")
    done = two("runs", "rm", OLD, "--yes")
    assert done.code == 0, done.err
    assert "left in it: checkpoints, notes.txt" in done.out
    assert sorted(path.name for path in run.iterdir()) == ["checkpoints", "notes.txt"]
    assert (elsewhere / "checkpoint_000001.json").read_text() == "mine"
    assert len(json.loads(two("runs", "--json").out)) == 1


def test_a_run_in_use_is_never_removed(two: Inside) -> None:
    with lock.hold(two.cwd / "runs" / OLD):
        done = two("runs", "rm", OLD, "--yes")
    assert done.code == 1
    assert "is being written by process" in done.err
    assert json.loads(two("inspect", OLD, "--json").out)["state"] == "stopped"


def test_a_damaged_run_is_removed_too(two: Inside) -> None:
    store = two.cwd / "runs" / OLD / "run.sqlite3"
    store.write_bytes(store.read_bytes()[:100] + b"\xff" * 5000)
    assert two("runs", "rm", OLD, "--yes").code == 0
    assert not store.parent.exists()


@pytest.mark.parametrize("kind", ["folder", "file", "link", "foreign", "text", "nothing", "linked store"])
def test_what_is_no_run_is_left_alone(two: Inside, kind: str) -> None:
    place, sound = two.cwd / "it", two.cwd / "runs" / OLD
    if kind == "file":
        place.write_text("mine")
    elif kind == "link":
        place.symlink_to(sound)
    elif kind != "nothing":
        place.mkdir()
        (place / "mine.txt").write_text("mine")
    if kind == "foreign":
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(place / "run.sqlite3")) as db:
            db.execute("CREATE TABLE t (x)")
    elif kind == "text":
        (place / "run.sqlite3").write_text("mine")
    elif kind == "linked store":
        (place / "run.sqlite3").symlink_to(sound / "run.sqlite3")
    before = sorted(two.cwd.rglob("*"))
    done = two("runs", "rm", OLD, "it", "--yes")
    assert done.code == 2
    assert sorted(two.cwd.rglob("*")) == before, "of several, none is removed where one is none"


names = st.sampled_from(
    ["run.sqlite3", "run.sqlite3-wal", "run.lock", "run.pid", "run.reserve", "checkpoints", "checkpoints/checkpoint_1.json", "checkpoints/mine", "playbook.json", "\n"]
)  # fmt: skip
contents = st.sampled_from(["file", "folder", "link to a file", "link to a folder", "damaged"])


@fewer(2)
@given(st.dictionaries(names, contents, max_size=5))
def test_fuzz_folders_that_look_like_runs(
    tmp_path_factory: pytest.TempPathFactory, found: dict[str, str]
) -> None:
    """Whatever a folder holds: an error of ours at worst, and nothing outside of it is touched."""
    home = tmp_path_factory.mktemp("home")
    outside = home / "outside"
    outside.mkdir()
    (outside / "checkpoint_1.json").write_text("mine")
    run = home / "runs/it"
    make_run(run, examples=10)
    for name, content in found.items():
        place = run / name
        if place.parent.is_symlink() or not place.parent.is_dir():
            continue
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        elif place.is_symlink() or place.exists():
            place.unlink()
        if content == "folder":
            place.mkdir()
        elif content.startswith("link"):
            place.symlink_to(outside if "folder" in content else outside / "checkpoint_1.json")
        else:
            place.write_bytes(b"SQLite format 3\0" + b"\xff" * 90 if content == "damaged" else b"{}")
    where = str(home / "runs")
    assert ace(["runs", "--runs", where]) == 0
    assert ace(["runs", "compare", str(run), str(run)]) in (0, 1, 2)
    assert ace(["runs", "rm", str(run), "--yes"]) in (0, 1, 2)
    assert [path.read_text() for path in outside.iterdir()] == ["mine"]
