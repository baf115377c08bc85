"""`ace resume`: what it goes on with, what it refuses, what it shows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ace_cli.errors import Interrupted
from ace_cli.runs.reader import RunReader
from ace_cli.stages.base import Task
from support.command import read_json, train_arguments
from support.inside import Inside
from support.scripted_server import Faults, ScriptedServer
from support.serving import Serve
from support.training import Generator, state, trainer


def halted(inside: Inside, server: ScriptedServer, data: Path, **flags: object) -> None:
    """A run that stopped in the middle, by a limit on its calls."""
    done = inside.train(server, data, 20, batch_size=5, concurrency=3, max_calls=14, **flags)
    assert done.code == 3, done.err
    assert "--max-calls" in done.err


def test_without_a_name_the_newest_unfinished_run_goes_on(serve: Serve, inside: Inside) -> None:
    server, data = serve(20)
    halted(inside, server, data, run_dir="runs/a")
    halted(inside, server, data, run_dir="runs/b")
    listed = inside("resume", "--list")
    assert listed.code == 0
    assert listed.out.splitlines()[0].split("\t")[:3] == ["run", "state", "progress"]
    assert [line.split("\t")[:2] for line in listed.out.splitlines()[1:]] == [
        ["runs/b", "stopped"],
        ["runs/a", "stopped"],
    ]
    for name in ("b", "a"):
        done = inside("resume", "--max-calls", "1000")
        assert done.code == 0, done.err
        assert f"runs/{name}" in done.err.splitlines()[0]
    none = inside("resume")
    assert none.code == 2
    assert "no unfinished run" in none.err


def test_a_finished_run_is_left_as_it_is(serve: Serve, inside: Inside) -> None:
    server, data = serve(6)
    assert inside.train(server, data, 6).code == 0
    before, asked = (inside.cwd / "out/playbook.json").read_bytes(), len(server.log)
    done = inside("resume", "run")
    assert done.code == 0, done.err
    assert "finished" in done.err
    assert (inside.cwd / "out/playbook.json").read_bytes() == before
    assert len(server.log) == asked


def test_runtime_settings_may_change_and_change_nothing(serve: Serve, inside: Inside) -> None:
    server, data = serve(20)
    assert inside.train(server, data, 20, batch_size=5, run_dir="whole").code == 0
    whole = (inside.cwd / "out/playbook.json").read_bytes()
    halted(inside, server, data)
    done = inside(
        "resume", "run", "--max-calls", "", "--concurrency", "9", "--progress", "json", "--output", "new.json"
    )
    assert done.code == 0, done.err
    assert (inside.cwd / "new.json").read_bytes() == whole
    assert max(server.answered().values()) == 2  # once for each of the two runs


@pytest.mark.parametrize(
    ("arguments", "variables", "named"),
    [
        (["--batch-size", "7"], {}, "--batch-size"),
        (["--num-examples", "30"], {}, "--extend-to"),
        ([], {"ACE_TRAINING__SEED": "5"}, "training.seed"),
        (["--config", "other.toml"], {}, "training.epochs"),
    ],
)
def test_what_decides_the_playbook_cannot_change(
    arguments: list[str], variables: dict[str, str], named: str, serve: Serve, inside: Inside
) -> None:
    server, data = serve(20)
    halted(inside, server, data)
    (inside.cwd / "other.toml").write_text("[training]\nepochs = 2\n")
    inside.set(**variables)
    done = inside("resume", "run", *arguments)
    assert done.code == 2
    assert named in done.err
    assert "Traceback" not in done.err


def test_the_same_value_again_is_no_change(serve: Serve, inside: Inside) -> None:
    server, data = serve(20)
    halted(inside, server, data)
    inside.set(ACE_TRAINING__BATCH_SIZE="9")  # a flag had won over it at the start, too
    done = inside("resume", "run", "--batch-size", "5", "--max-calls", "")
    assert done.code == 0, done.err


def test_a_changed_dataset_is_refused_by_the_row(serve: Serve, inside: Inside) -> None:
    server, data = serve(20)
    halted(inside, server, data)
    rows = data.read_text().splitlines()
    rows[7] = json.dumps({**json.loads(rows[7]), "answer": "99999"})
    data.write_text("\n".join(rows) + "\n")
    done = inside("resume", "run", "--max-calls", "")
    assert done.code == 2
    assert "row 8" in done.err
    assert "row-7" in done.err


def test_a_touched_or_vanished_dataset_is_no_obstacle(serve: Serve, inside: Inside) -> None:
    server, data = serve(20)
    for name, change in (("touched", lambda: data.write_text(data.read_text())), ("gone", data.unlink)):
        halted(inside, server, data, run_dir=name)
        change()
        done = inside("resume", name, "--max-calls", "")
        assert done.code == 0, done.err
    assert "its own copy" in done.err


def test_a_run_is_extended_by_more_of_the_same_rows(serve: Serve, inside: Inside) -> None:
    server, data = serve(30)
    first = train_arguments(server.url, data, 12, batch_size=5, seed=3)
    assert inside("train", *first, "--shuffle").code == 0
    asked = server.answered()
    done = inside("resume", "run", "--extend-to", 25)
    assert done.code == 0, done.err
    metrics = read_json(inside.cwd / "out/metrics.json")
    assert metrics["training_summary"]["total_examples"] == 25
    assert metrics["curve"][2]["examples_seen"] == 12
    assert metrics["curve"][-1]["examples_seen"] == 25
    assert read_json(inside.cwd / "out/playbook.json")["training_config"]["num_examples"] == 25
    assert all(server.answered()[sha] == times for sha, times in asked.items())
    again = inside("resume", "run", "--extend-to", 25)
    assert again.code == 2
    assert "25" in again.err


def test_a_run_goes_on_from_another_folder(
    serve: Serve, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, data = serve(20)
    halted(inside, server, data)
    (inside.cwd / "elsewhere").mkdir()
    monkeypatch.chdir(inside.cwd / "elsewhere")
    done = inside("resume", "../run", "--max-calls", "")
    assert done.code == 0, done.err
    assert (inside.cwd / "out/playbook.json").exists()


def test_a_wrong_place_is_told_in_one_line(inside: Inside) -> None:
    (inside.cwd / "empty").mkdir()
    (inside.cwd / "file.txt").write_text("x")
    for name in ("nothing", "empty", "file.txt"):
        done = inside("resume", name)
        assert done.code == 2
        assert done.err.startswith("error: ")
        assert "Traceback" not in done.err
        assert not (inside.cwd / name / "run.lock").exists()


def test_a_copied_run_goes_on_by_itself(serve: Serve, inside: Inside) -> None:
    server, data = serve(20)
    halted(inside, server, data)
    shutil.copytree(inside.cwd / "run", inside.cwd / "copy")
    for name in ("run", "copy"):
        done = inside("resume", name, "--max-calls", "", "--output", f"{name}.json")
        assert done.code == 0, done.err
    assert (inside.cwd / "run.json").read_bytes() == (inside.cwd / "copy.json").read_bytes()


STORES = Path(__file__).parents[1] / "fixtures/stores"


@pytest.mark.parametrize("schema", [2, 5, 6, 7])
def test_a_run_that_an_older_version_was_killed_in_goes_on_and_pays_nothing_twice(
    serve: Serve, inside: Inside, schema: int
) -> None:
    """The stores were killed in the third of four batches; the playbook is what that version ended with."""
    server, data = serve(40)
    (inside.cwd / "run").mkdir()
    shutil.copy(STORES / f"schema{schema}.sqlite3", inside.cwd / "run/run.sqlite3")
    with RunReader(inside.cwd / "run") as old:
        paid = sum(used.calls for used in old.usage().values())
    outputs = ("--output", "out/playbook.json", "--metrics-output", "out/metrics.json")
    done = inside("resume", "run", "--input", data, "--api-base", server.url, *outputs)
    assert done.code == 0, done.err
    expected = (STORES / f"schema{schema}_finished_playbook.json").read_bytes()
    assert (inside.cwd / "out/playbook.json").read_bytes() == expected
    with RunReader(inside.cwd / "run") as new:
        calls = {role: used.calls for role, used in new.usage().items()}
    assert calls == {"generator": 40, "reflector": 40}
    assert 0 < paid == 80 - len(server.log)


def test_rows_left_out_of_an_extension_are_told(inside: Inside) -> None:
    rows = [f'{{"id": "r{n}", "question": "q {n}", "answer": "4"}}' for n in range(6)]
    rows.insert(4, '{"id": "bad", "question": ""}')
    (inside.cwd / "rows.jsonl").write_text("\n".join(rows))
    stages = ["--generator", "support.training:Generator", "--reflector", "support.training:Reflector"]
    models = ["--generator-model", "openai/x", "--reflector-model", "openai/x"]
    flags = ["--input", "rows.jsonl", "--num-examples", "3", "--skip-invalid", "--run-dir", "run"]
    assert inside("train", *flags, *stages, *models).code == 0
    done = inside("resume", "run", "--extend-to", "6")
    assert done.code == 0, done.err
    assert "1 invalid rows were skipped" in done.err
    again = inside("resume", "run", "--extend-to", "6")
    assert again.code == 2
    assert "without it goes on" in again.err


async def enough(task: Task) -> None:
    raise Interrupted("enough")


def test_a_run_with_stages_of_python_is_not_resumed_with_others(inside: Inside) -> None:
    class Local(Generator):
        pass

    with pytest.raises(Interrupted):
        trainer(inside.cwd, generator=Local(enough)).train()
    done = inside("resume", "run")
    assert done.code == 2
    assert "Local" in done.err
    assert state(inside.cwd)[0] == "stopped"


def test_a_run_with_importable_stages_is_resumed_by_the_command(inside: Inside) -> None:
    with pytest.raises(Interrupted):
        trainer(inside.cwd, generator=Generator(enough)).train()
    done = inside("resume", "run")
    assert done.code == 0, done.err
    assert state(inside.cwd)[0] == "finished"


# -- without a name, and what may be changed


def begin(inside: Inside, server: ScriptedServer, data: Path, run: str, **flags: object) -> None:
    """A run in runs/ that a limit stopped."""
    done = inside.train(server, data, 8, run_dir=f"runs/{run}", max_calls=3, **flags)
    assert done.code == 3, done.err


def test_without_a_name_runs_that_cannot_go_on_are_passed_over_and_it_says_why(
    serve: Serve, inside: Inside
) -> None:
    server, data = serve(8)
    begin(inside, server, data, "1-good")
    other = inside.cwd / "other.jsonl"
    other.write_bytes(data.read_bytes())
    begin(inside, server, other, "2-changed")
    other.write_text(other.read_text().replace("clerk", "queen"))
    begin(inside, server, data, "3-damaged")
    (inside.cwd / "runs/3-damaged/run.sqlite3").write_bytes(b"SQLite format 3\0 and nothing else")
    done = inside("resume", "--max-calls", 100)
    assert done.code == 0, done.err
    assert "runs/3-damaged is passed over: " in done.err
    assert "runs/2-changed is passed over: the dataset has changed" in done.err
    assert "run: runs/1-good" in done.err
    done = inside("resume", "--max-calls", 100)
    assert done.code == 2
    assert "error: no unfinished run in runs/ can go on\nhint: runs/3-damaged is passed over: " in done.err


def test_a_flag_that_the_newest_run_cannot_take_is_an_error_not_a_reason_for_an_older_one(
    serve: Serve, inside: Inside
) -> None:
    server, data = serve(8)
    begin(inside, server, data, "1-of-4", batch_size=4)
    begin(inside, server, data, "2-of-2", batch_size=2)
    done = inside("resume", "--batch-size", 4)
    assert (done.code, "--batch-size would change it to 4" in done.err) == (2, True)


def test_a_model_that_gave_nothing_yet_may_be_another_one(serve: Serve, inside: Inside) -> None:
    server, data = serve(4)
    faulty, _ = serve(5, faults=Faults(rate=1.0, kinds=("unknown_model",)))
    for name, url in (("typo", faulty.url), ("right", server.url)):
        (inside.cwd / f"{name}.toml").write_text(f'[models.reflector]\napi_base = "{url}"\n')
    done = inside.train(server, data, 4, reflector_model="openai/scriptd", config="typo.toml")
    assert (done.code, "no such model" in done.err) == (1, True)
    fresh = ("--reflector-model", "openai/scripted")
    done = inside("resume", "run", "--config", "right.toml", *fresh)
    assert done.code == 0, done.err
    assert "models.reflector.model is 'openai/scripted' from now on; it was 'openai/scriptd'" in done.err
    header = read_json(inside.cwd / "out/playbook.json")["training_config"]
    assert header["reflector_model"] == "openai/scripted"
    assert inside("resume", "run", *fresh).code == 0, "it is what is on record now"
    for flag in ("--reflector-model", "--generator-model"):
        done = inside("resume", "run", flag, "openai/other")
        assert (done.code, f"{flag} would change it" in done.err) == (2, True), "it has given replies"


def test_a_finished_run_says_that_nothing_is_left_to_do(serve: Serve, inside: Inside) -> None:
    server, data = serve(4)
    assert inside.train(server, data, 4).code == 0
    done = inside("resume", "run")
    assert done.code == 0
    assert "this run is finished: 4 examples done; only files" in done.err
    assert "going on" not in done.err
