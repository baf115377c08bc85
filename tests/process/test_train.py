"""`ace train` from end to end: the command as a process, a real HTTP server, real data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ace_cli.runs.reader import RunReader
from support.command import KEY, ace, environment, read_json, train_arguments
from support.scripted_server import ScriptedServer
from support.serving import Serve
from support.shared import SHARED, needs_shared

GSM8K = SHARED / "data/gsm8k/train.jsonl"


@needs_shared
def test_two_hundred_rows_of_gsm8k_give_a_playbook_metrics_and_checkpoints(tmp_path: Path) -> None:
    rows = GSM8K.read_text().splitlines()[:200]
    data = tmp_path / "gsm8k.jsonl"
    data.write_text("\n".join(rows) + "\n")
    with ScriptedServer(truth=data) as server:
        done = ace("train", *train_arguments(server.url, data, 200, batch_size=20), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout
    assert "ace inspect run" in done.stdout
    assert done.stderr.splitlines()[0] == "run: run"

    playbook = read_json(tmp_path / "out/playbook.json")
    assert playbook["version"] == "v1.0.0"
    assert playbook["training_config"]["dataset"] == "custom"
    assert playbook["training_config"]["num_examples"] == 200
    ids = [bullet["id"] for bullet in playbook["bullets"]]
    assert ids[:2] == ["B001", "B002"]
    assert len(ids) == len(set(ids)) > 5
    for bullet in playbook["bullets"]:
        helpful, harmful = bullet["helpful_count"], bullet["harmful_count"]
        assert bullet["confidence"] == round((helpful + 1) / (helpful + harmful + 2), 4)
        assert bullet["sources"]

    metrics = read_json(tmp_path / "out/metrics.json")
    summary = metrics["training_summary"]
    assert summary["total_examples"] == 200
    assert summary["failed_generations"] == 0
    assert 0 < summary["accuracy"] == summary["correct_answers"] / 200 < 1
    assert metrics["playbook"]["final_size"] == len(ids)
    assert metrics["usage"]["calls"] == 400
    assert metrics["usage"]["by_role"]["generator"]["calls"] == 200
    assert metrics["usage"]["prompt_tokens"] > 0
    assert len(metrics["curve"]) == 10
    assert metrics["curve"][-1]["examples_seen"] == 200
    assert metrics["insights"]["total_extracted"] == sum(
        metrics["insights"][name] for name in ("helpful", "harmful", "neutral")
    )

    names = sorted(path.name for path in (tmp_path / "run/checkpoints").iterdir())
    assert names == [f"checkpoint_{n:06d}.json" for n in (60, 100, 160, 200)]
    last = read_json(tmp_path / "run/checkpoints/checkpoint_000200.json")
    assert last["metrics"]["total_examples"] == 200
    assert last["metrics"]["correct_answers"] == summary["correct_answers"]
    assert last["playbook"] == playbook["bullets"]


def test_concurrency_changes_nothing_but_time(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(40, delay=(0.0, 0.02))
    files = []
    for concurrency in (1, 16):
        folder = tmp_path / str(concurrency)
        folder.mkdir()
        arguments = train_arguments(server.url, data, 40, batch_size=8, concurrency=concurrency, epochs=2)
        done = ace("train", *arguments, cwd=folder)
        assert done.returncode == 0, done.stderr
        files.append((folder / "out/playbook.json").read_bytes())
    assert files[0] == files[1]
    assert server.most_in_flight > 4


@pytest.mark.parametrize("lookahead", [1, 3])
def test_batches_in_flight_see_an_older_playbook_and_still_merge_in_order(
    lookahead: int, serve: Serve, tmp_path: Path
) -> None:
    server, data = serve(30, delay=(0.0, 0.02))
    files = []
    for concurrency in (2, 20):
        folder = tmp_path / str(concurrency)
        folder.mkdir()
        arguments = train_arguments(
            server.url, data, 30, batch_size=5, lookahead=lookahead, concurrency=concurrency
        )
        assert ace("train", *arguments, cwd=folder).returncode == 0
        files.append((folder / "out/playbook.json").read_bytes())
        with RunReader(folder / "run") as run:
            assert {e.version for e in run.episodes(batch=5)} == {5 - lookahead}
    assert files[0] == files[1]


def test_the_generator_never_sees_the_truth_and_bullets_stand_before_the_question(
    serve: Serve, tmp_path: Path
) -> None:
    data = tmp_path / "secret.jsonl"
    rows = [{"question": f"Question number {n} of the clerk?", "answer": f"TRUTH-{n}-XYZ"} for n in range(12)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with ScriptedServer(truth=data, right=0.0, keep_requests=True) as server:
        done = ace(
            "train", *train_arguments(server.url, data, 12, batch_size=4, max_failures=0), cwd=tmp_path
        )
    assert done.returncode == 0, done.stderr
    with RunReader(tmp_path / "run") as run:
        for step in range(12):
            for call in run.conversation(step):
                system = call.messages[0][1]
                assert system.startswith(f"You are the {call.role.capitalize()}")
                said = "\n".join(text for _, text in call.messages)
                assert ("TRUTH-" in said.replace("bullet", "")) == (call.role == "reflector") or "[B0" in said
                if call.role == "generator":
                    assert f"TRUTH-{step}-XYZ" not in call.messages[-1][1]


def test_playbooks_start_from_a_file_a_checkpoint_or_a_run(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(20)
    first = train_arguments(server.url, data, 20, batch_size=5, checkpoint_interval=10)
    assert ace("train", *first, cwd=tmp_path).returncode == 0
    size = len(read_json(tmp_path / "out/playbook.json")["bullets"])
    for source in ("out/playbook.json", "run/checkpoints/checkpoint_000020.json", "run"):
        name = source.replace("/", "-")
        arguments = train_arguments(
            server.url, data, 5, initial_playbook=source, run_dir=f"next-{name}", output=f"{name}.json"
        )
        done = ace("train", *arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert f"{size} bullets to start with" in done.stderr
        grown = read_json(tmp_path / f"{name}.json")["bullets"]
        assert [b["id"] for b in grown[:size]] == [f"B{n:03d}" for n in range(1, size + 1)]


def test_wrong_answers_are_tried_again_with_the_reflection_at_hand(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(12, right=0.0)
    arguments = train_arguments(server.url, data, 12, batch_size=6, reflection_rounds=2)
    assert ace("train", *arguments, cwd=tmp_path).returncode == 0
    with RunReader(tmp_path / "run") as run:
        episodes = list(run.episodes())
    assert max(len(e.rounds) for e in episodes) > 1
    for episode in episodes:
        assert all(not r.verdict.correct for r in episode.rounds[:-1])
        assert episode.correct == episode.rounds[0].verdict.correct


def test_production_is_a_stage_that_can_be_asked_for(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(6)
    arguments = train_arguments(server.url, data, 6, target_stage="production", checkpoints="")
    arguments = [a for a in arguments if a not in ("--checkpoints", "")]
    done = ace("train", *arguments, "--no-checkpoints", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    stages = {b["stage"] for b in read_json(tmp_path / "out/playbook.json")["bullets"]}
    assert "production" in stages <= {"production", "quarantined"}
    assert not (tmp_path / "run/checkpoints").exists()


def test_a_curator_model_decides_what_the_rules_leave_open(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(30)
    arguments = train_arguments(server.url, data, 30, curator="llm", curator_model="openai/scripted")
    done = ace("train", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    usage = read_json(tmp_path / "out/metrics.json")["usage"]["by_role"]
    assert usage.get("curator", {"calls": 0})["calls"] <= 3


def test_every_reply_unusable_is_a_failed_run_not_a_success(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(12, reply="I cannot answer in JSON, sorry.")
    done = ace("train", *train_arguments(server.url, data, 12), cwd=tmp_path)
    assert done.returncode == 1
    assert "12 of 12 examples failed" in done.stderr or "examples failed (--max-failures" in done.stderr
    with RunReader(tmp_path / "run") as run:
        assert set(run.failures()) == {"unusable_reply"}
        said = run.conversation(0)
        assert len(said) == 2  # asked once more, with the error
        assert said[0].reply.text == "I cannot answer in JSON, sorry."


def test_hub_folders_go_through_datasets(serve: Serve, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    server, data = serve(10)
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    hub = tmp_path / "hub/data"
    hub.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows[:6]), hub / "train-00000-of-00001.parquet")
    pq.write_table(pa.Table.from_pylist(rows[6:]), hub / "test-00000-of-00001.parquet")
    arguments = train_arguments(server.url, data, 10, dataset="hub", split="test")
    arguments = [
        a for i, a in enumerate(arguments) if a != "--input" and (i == 0 or arguments[i - 1] != "--input")
    ]
    done = ace("train", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with RunReader(tmp_path / "run") as run:
        assert [e.question for e in run.all_examples()] == [row["question"] for row in rows[6:]]
    wrong = ace("train", *arguments[:-2], "--run-dir", "other", "--split", "dev", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "dev" in wrong.stderr
    assert "train" in wrong.stderr


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ('{"question": "a", "answer": "1"}\n{"question": "b"}\n', ["line 2", "answer"]),
        ("", ["no rows"]),
        ('{"question": "a", "answer": "1"}\n{oops\n', ["line 2"]),
    ],
)
def test_bad_rows_are_told_before_anything_is_paid(
    rows: str, words: list[str], serve: Serve, tmp_path: Path
) -> None:
    server, _ = serve(2)
    data = tmp_path / "bad.jsonl"
    data.write_text(rows)
    done = ace("train", *train_arguments(server.url, data, 0), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(("hint:", "error:"))
    for word in words:
        assert word in done.stderr
    assert not server.log
    assert not (tmp_path / "run").exists()


def test_the_key_is_in_no_file_and_in_nothing_that_is_said(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(10)
    config = tmp_path / "conf.toml"
    config.write_text(
        f'[models.generator]\napi_key = "{KEY}-toml"\n[models.reflector.headers]\nX-Auth = "{KEY}-head"\n'
    )
    base = server.url.replace("http://", f"http://user:{KEY}-url@")
    said = []
    for arguments in (
        ["train", *train_arguments(base, data, 10), "--config", config, "--progress", "json"],
        ["train", *train_arguments(base, data, 10, run_dir="two"), "--config", config, "--show-config"],
        ["resume", "run", "--config", config],
        ["inspect", "run"],
        ["export", "run", "--format", "html", "-o", "page.html"],
        [
            "train",
            *train_arguments("http://user:" + KEY + "@127.0.0.1:9/v1", data, 3, run_dir="three"),
            "--max-retries",
            0,
        ],
    ):
        done = ace(*arguments, cwd=tmp_path, env=environment(ACE_DEBUG="1"))
        said.append(done.stdout + done.stderr)
    assert not any(KEY in text for text in said)
    for path in tmp_path.rglob("*"):
        if path.is_file() and path != config:
            assert KEY.encode() not in path.read_bytes(), path


def test_hostile_text_goes_through_a_whole_run_harmlessly(serve: Serve, tmp_path: Path) -> None:
    hostile = "\x1b[31mred\x1b[0m [bold]x[/bold] <script>alert(1)</script> =1+1 \u202e \x00"

    insight = {"content": f"Lesson {hostile} ends.", "section": "helpful", "confidence": 0.9}
    reply = json.dumps(
        {
            "reasoning": hostile,
            "final_answer": hostile,
            "bullet_ids": [hostile],
            "insights": [insight],
            "error_identification": hostile,
            "bullet_tags": [],
        }
    )
    server, data = serve(6, reply=reply)
    done = ace("train", *train_arguments(server.url, data, 6), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = [done]
    for arguments in (
        ["inspect", "run"],
        ["inspect", "out/playbook.json"],
        ["inspect", "run", "B001"],
        ["inspect", "run", "--example", "row-1"],
    ):
        shown.append(ace(*arguments, cwd=tmp_path))
    for form in ("csv", "markdown", "prompt", "html", "skill", "agents-md"):
        shown.append(ace("export", "run", "--format", form, "-o", f"x.{form}", cwd=tmp_path))
    for result in shown:
        assert result.returncode == 0, result.stderr
        assert "\x1b" not in result.stdout + result.stderr
        assert "\x00" not in result.stdout
