"""`ace resume`: what it goes on with, what it refuses, what it shows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from support.command import ace, environment, read_json, train_arguments
from support.scripted_server import ScriptedServer
from support.serving import Serve


def halted(
    server: ScriptedServer, data: Path, folder: Path, count: int = 20, calls: int = 14, **flags: object
) -> None:
    """A run that stopped in the middle, by a limit on its calls."""
    arguments = train_arguments(
        server.url, data, count, batch_size=5, concurrency=3, max_calls=calls, **flags
    )
    done = ace("train", *arguments, cwd=folder)
    assert done.returncode == 3, done.stderr
    assert "--max-calls" in done.stderr


def test_without_a_name_the_newest_unfinished_run_goes_on(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(20)
    halted(server, data, tmp_path, run_dir="runs/a")
    halted(server, data, tmp_path, run_dir="runs/b")
    listed = ace("resume", "--list", cwd=tmp_path)
    assert listed.returncode == 0
    assert listed.stdout.splitlines()[0].split("\t")[:3] == ["run", "state", "progress"]
    assert [line.split("\t")[:2] for line in listed.stdout.splitlines()[1:]] == [
        ["runs/b", "stopped"],
        ["runs/a", "stopped"],
    ]
    for name in ("b", "a"):
        done = ace("resume", "--max-calls", "1000", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert f"runs/{name}" in done.stderr.splitlines()[0]
    none = ace("resume", cwd=tmp_path)
    assert none.returncode == 2
    assert "no unfinished run" in none.stderr


def test_a_finished_run_is_left_as_it_is(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(6)
    assert ace("train", *train_arguments(server.url, data, 6), cwd=tmp_path).returncode == 0
    before, asked = (tmp_path / "out/playbook.json").read_bytes(), len(server.log)
    done = ace("resume", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "finished" in done.stderr
    assert (tmp_path / "out/playbook.json").read_bytes() == before
    assert len(server.log) == asked


def test_runtime_settings_may_change_and_change_nothing(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(20)
    assert (
        ace(
            "train", *train_arguments(server.url, data, 20, batch_size=5, run_dir="whole"), cwd=tmp_path
        ).returncode
        == 0
    )
    whole = (tmp_path / "out/playbook.json").read_bytes()
    halted(server, data, tmp_path)
    done = ace(
        "resume",
        "run",
        "--max-calls",
        "",
        "--concurrency",
        "9",
        "--progress",
        "json",
        "--output",
        "new.json",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new.json").read_bytes() == whole
    assert max(server.answered().values()) == 2  # once for each of the two runs


@pytest.mark.parametrize(
    ("arguments", "variables", "named"),
    [
        (["--batch-size", "7"], {}, "--batch-size"),
        (["--generator-model", "openai/other"], {}, "--generator-model"),
        (["--num-examples", "30"], {}, "--extend-to"),
        (["--similarity-threshold", "0.5"], {}, "similarity_threshold"),
        ([], {"ACE_TRAINING__SEED": "5"}, "training.seed"),
        (["--config", "other.toml"], {}, "training.epochs"),
    ],
)
def test_what_decides_the_playbook_cannot_change(
    arguments: list[str], variables: dict[str, str], named: str, serve: Serve, tmp_path: Path
) -> None:
    server, data = serve(20)
    halted(server, data, tmp_path)
    (tmp_path / "other.toml").write_text("[training]\nepochs = 2\n")
    done = ace("resume", "run", *arguments, cwd=tmp_path, env=environment(**variables))
    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_the_same_value_again_is_no_change(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(20)
    halted(server, data, tmp_path)
    env = environment(ACE_TRAINING__BATCH_SIZE="9")  # a flag had won over it at the start, too
    done = ace("resume", "run", "--batch-size", "5", "--max-calls", "", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr


def test_a_changed_dataset_is_refused_by_the_row(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(20)
    halted(server, data, tmp_path)
    rows = data.read_text().splitlines()
    rows[7] = json.dumps({**json.loads(rows[7]), "answer": "99999"})
    data.write_text("\n".join(rows) + "\n")
    done = ace("resume", "run", "--max-calls", "", cwd=tmp_path)
    assert done.returncode == 2
    assert "row 8" in done.stderr
    assert "row-7" in done.stderr


def test_a_touched_or_vanished_dataset_is_no_obstacle(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(20)
    for name, change in (("touched", lambda: data.write_text(data.read_text())), ("gone", data.unlink)):
        halted(server, data, tmp_path, run_dir=name)
        change()
        done = ace("resume", name, "--max-calls", "", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert "its own copy" in done.stderr


def test_a_run_is_extended_by_more_of_the_same_rows(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(30)
    first = train_arguments(server.url, data, 12, batch_size=5, shuffle="", seed=3)
    first.remove("")
    assert ace("train", *first, cwd=tmp_path).returncode == 0
    asked = server.answered()
    done = ace("resume", "run", "--extend-to", 25, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    metrics = read_json(tmp_path / "out/metrics.json")
    assert metrics["training_summary"]["total_examples"] == 25
    assert metrics["curve"][2]["examples_seen"] == 12
    assert metrics["curve"][-1]["examples_seen"] == 25
    assert read_json(tmp_path / "out/playbook.json")["training_config"]["num_examples"] == 25
    assert all(server.answered()[sha] == times for sha, times in asked.items())
    again = ace("resume", "run", "--extend-to", 25, cwd=tmp_path)
    assert again.returncode == 2
    assert "25" in again.stderr


def test_a_run_goes_on_from_another_folder(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(20)
    halted(server, data, tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = ace("resume", "../run", "--max-calls", "", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/playbook.json").exists()


def test_a_wrong_place_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("x")
    for name in ("nothing", "empty", "file.txt"):
        done = ace("resume", name, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr
        assert not (tmp_path / name / "run.lock").exists()


def test_a_copied_run_goes_on_by_itself(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(20)
    halted(server, data, tmp_path)
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    for name in ("run", "copy"):
        done = ace("resume", name, "--max-calls", "", "--output", f"{name}.json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "run.json").read_bytes() == (tmp_path / "copy.json").read_bytes()
