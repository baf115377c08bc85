"""`ace train` from end to end, against a real HTTP server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ace_cli.runs.reader import RunReader
from support.command import KEY, read_json, train_arguments
from support.inside import Inside
from support.scripted_server import ScriptedServer
from support.serving import Serve


def write_rows(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_concurrency_changes_nothing_but_time(serve: Serve, inside: Inside) -> None:
    server, data = serve(20, delay=(0.0, 0.02))
    for concurrency in (1, 16, "auto"):
        flags = {"run_dir": f"run{concurrency}", "output": f"{concurrency}.json"}
        done = inside.train(server, data, 20, batch_size=8, concurrency=concurrency, epochs=2, **flags)
        assert done.code == 0, done.err
    assert len({(inside.cwd / f"{name}.json").read_bytes() for name in (1, 16, "auto")}) == 1
    assert server.most_in_flight > 4


@pytest.mark.parametrize("lookahead", [1, 3])
def test_batches_in_flight_see_an_older_playbook_and_still_merge_in_order(
    lookahead: int, serve: Serve, inside: Inside
) -> None:
    server, data = serve(30, delay=(0.0, 0.02))
    for concurrency in (2, 20):
        flags = {"run_dir": f"run{concurrency}", "output": f"{concurrency}.json", "concurrency": concurrency}
        assert inside.train(server, data, 30, batch_size=5, lookahead=lookahead, **flags).code == 0
        with RunReader(inside.cwd / f"run{concurrency}") as run:
            assert {e.version for e in run.episodes(batch=5)} == {5 - lookahead}
    assert (inside.cwd / "2.json").read_bytes() == (inside.cwd / "20.json").read_bytes()


def test_the_generator_never_sees_the_truth_and_bullets_stand_before_the_question(inside: Inside) -> None:
    rows = [{"question": f"Question number {n} of the clerk?", "answer": f"TRUTH-{n}-XYZ"} for n in range(12)]
    data = write_rows(inside.cwd / "secret.jsonl", rows)
    with ScriptedServer(truth=data, right=0.0) as server:
        done = inside.train(server, data, 12, batch_size=4, max_failures=0)
    assert done.code == 0, done.err
    with RunReader(inside.cwd / "run") as run:
        said = [(step, call) for step in range(12) for call in run.conversation(step)]
    calls = [(step, call) for step, call in said if call.role != "curator"]
    assert {call.role for _, call in calls} == {"generator", "reflector"}
    for step, call in calls:
        (_, system), (_, user) = call.messages
        assert system.startswith(f"You are the {call.role.capitalize()}")
        assert (f"TRUTH-{step}-XYZ" in user) == (call.role == "reflector")
        assert "TRUTH-" not in system
        if call.role == "generator":
            assert ("[B001]" in system) == (step >= 4), "from the second batch on there is a playbook"
            assert rows[step]["question"] in user
            assert "[B0" not in user


def test_playbooks_start_from_a_file_a_checkpoint_or_a_run(serve: Serve, inside: Inside) -> None:
    server, data = serve(20)
    assert inside.train(server, data, 20, batch_size=5, checkpoint_interval=10).code == 0
    size = len(read_json(inside.cwd / "out/playbook.json")["bullets"])
    for number, source in enumerate(("out/playbook.json", "run/checkpoints/checkpoint_000020.json", "run")):
        flags = {"run_dir": f"next-{number}", "output": f"{number}.json"}
        done = inside.train(server, data, 5, initial_playbook=source, **flags)
        assert done.code == 0, done.err
        assert f"{size} bullets to start with" in done.err
        grown = read_json(inside.cwd / f"{number}.json")["bullets"]
        assert [b["id"] for b in grown[:size]] == [f"B{n:03d}" for n in range(1, size + 1)]


def test_wrong_answers_are_tried_again_with_the_reflection_at_hand(serve: Serve, inside: Inside) -> None:
    server, data = serve(12, right=0.0)
    assert inside.train(server, data, 12, batch_size=6, reflection_rounds=2).code == 0
    with RunReader(inside.cwd / "run") as run:
        episodes = list(run.episodes())
    assert max(len(e.rounds) for e in episodes) > 1
    for episode in episodes:
        assert all(not r.verdict.correct for r in episode.rounds[:-1])
        assert episode.correct == episode.rounds[0].verdict.correct


@pytest.mark.parametrize("credit", ["outcome", "opinion"])
def test_right_answers_can_be_left_without_a_reflection_and_still_confirm_their_bullets(
    credit: str, serve: Serve, inside: Inside
) -> None:
    server, data = serve(40, right=0.5)
    done = inside.train(server, data, 40, reflect_on="wrong", credit=credit, reflection_rounds=1)
    assert done.code == 0, done.err
    confirmed = set()
    with RunReader(inside.cwd / "run") as run:
        asked = {
            episode.step: [call.role for call in run.conversation(episode.step)] for episode in run.episodes()
        }
        for episode in run.episodes():
            wrong = [one for one in episode.rounds if not one.verdict.correct]
            assert asked[episode.step].count("reflector") == len(wrong)
            if episode.correct:
                confirmed |= set(episode.rounds[0].attempt.bullet_ids)
    assert 0 < sum("reflector" in roles for roles in asked.values()) < 40
    bullets = {b["id"]: b for b in read_json(inside.cwd / "out/playbook.json")["bullets"]}
    assert confirmed, "no right answer cited a bullet: this test shows nothing"
    assert all(bullets[name]["helpful_count"] for name in confirmed if name in bullets)
    header = read_json(inside.cwd / "out/playbook.json")["training_config"]
    assert header["reflect_on"] == "wrong"


def test_production_is_a_stage_that_can_be_asked_for(serve: Serve, inside: Inside) -> None:
    server, data = serve(6)
    arguments = train_arguments(server.url, data, 6, target_stage="production")
    done = inside("train", *arguments, "--no-checkpoints")
    assert done.code == 0, done.err
    stages = {b["stage"] for b in read_json(inside.cwd / "out/playbook.json")["bullets"]}
    assert "production" in stages <= {"production", "quarantined"}
    assert not (inside.cwd / "run/checkpoints").exists()


def test_a_curator_model_decides_what_the_rules_leave_open(serve: Serve, inside: Inside) -> None:
    server, data = serve(30)
    done = inside.train(server, data, 30, curator="llm", curator_model="openai/scripted")
    assert done.code == 0, done.err
    usage = read_json(inside.cwd / "out/metrics.json")["usage"]["by_role"]
    assert 1 <= usage["curator"]["calls"] <= 3, "at most one call a batch"
    with RunReader(inside.cwd / "run") as run:
        reasons = [getattr(change, "reason", "") for merge in run.merges() for change in merge.delta.changes]
    assert {"it says the same", "it is new"} & set(reasons), "what it said was done"


def test_by_default_nobody_is_asked_about_merges_and_with_auto_the_reflectors_model_decides_what_is_unsure(
    serve: Serve, inside: Inside
) -> None:
    server, data = serve(30)
    calls, books = {}, {}
    for curator in ("auto", "llm", "semantic"):
        flags = {"run_dir": curator, "output": f"{curator}.json", "metrics_output": f"{curator}_metrics.json"}
        chosen = {} if curator == "semantic" else {"curator": curator}
        assert inside.train(server, data, 30, **flags, **chosen).code == 0
        usage = read_json(inside.cwd / f"{curator}_metrics.json")["usage"]["by_role"]
        calls[curator] = usage.get("curator", {"calls": 0})["calls"]
        books[curator] = len(read_json(inside.cwd / f"{curator}.json")["bullets"])
    assert calls["semantic"] == 0
    assert 1 <= calls["auto"] <= calls["llm"] <= 3, "at most one call a batch"
    assert books["auto"] < books["semantic"], "it said that some of them say the same"


def test_every_reply_unusable_is_a_failed_run_not_a_success(serve: Serve, inside: Inside) -> None:
    server, data = serve(12, reply='{"reasoning": "no answer')
    done = inside.train(server, data, 12)
    assert done.code == 1
    assert "examples failed (--max-failures" in done.err
    with RunReader(inside.cwd / "run") as run:
        assert set(run.failures()) == {"unusable_reply"}
        said = run.conversation(0)
    assert [call.reply.text for call in said] == ['{"reasoning": "no answer'] * 2, "asked once more"


def test_hub_folders_go_through_datasets(serve: Serve, inside: Inside) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    server, data = serve(10)
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    hub = inside.cwd / "hub/data"
    hub.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows[:6]), hub / "train-00000-of-00001.parquet")
    pq.write_table(pa.Table.from_pylist(rows[6:]), hub / "test-00000-of-00001.parquet")
    models = ["--generator-model", "openai/scripted", "--reflector-model", "openai/scripted"]
    arguments = ["--dataset", "hub", "--api-base", server.url, *models]
    done = inside("train", *arguments, "--split", "test", "--run-dir", "run")
    assert done.code == 0, done.err
    with RunReader(inside.cwd / "run") as run:
        assert [e.question for e in run.all_examples()] == [row["question"] for row in rows[6:]]
    wrong = inside("train", *arguments, "--split", "dev")
    assert wrong.code == 2
    assert "dev" in wrong.err
    assert "train" in wrong.err


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ('{"question": "a", "answer": "1"}\n{"question": "b"}\n', ["line 2", "answer"]),
        ("", ["no rows"]),
        ('{"question": "a", "answer": "1"}\n{oops\n', ["line 2"]),
    ],
)
def test_bad_rows_are_told_before_anything_is_paid(
    rows: str, words: list[str], serve: Serve, inside: Inside
) -> None:
    server, _ = serve(2)
    data = inside.cwd / "bad.jsonl"
    data.write_text(rows)
    done = inside.train(server, data, 0)
    assert done.code == 2
    assert done.err.splitlines()[-1].startswith(("hint:", "error:"))
    for word in words:
        assert word in done.err
    assert not server.log
    assert not (inside.cwd / "run").exists()


def test_the_key_is_in_no_file_and_in_nothing_that_is_said(serve: Serve, inside: Inside) -> None:
    server, data = serve(10)
    config = inside.cwd / "conf.toml"
    config.write_text(
        f'[models.generator]\napi_key = "{KEY}-toml"\n[models.reflector.headers]\nX-Auth = "{KEY}-head"\n'
    )
    base = server.url.replace("http://", f"http://user:{KEY}-url@")
    nobody = f"http://user:{KEY}@127.0.0.1:9/v1"
    inside.set(ACE_DEBUG="1")
    for code, *arguments in (
        (0, "train", *train_arguments(base, data, 10), "--config", config, "--progress", "json"),
        (0, "train", *train_arguments(base, data, 10, run_dir="two"), "--config", config, "--show-config"),
        (0, "resume", "run", "--config", config),
        (0, "inspect", "run"),
        (0, "export", "run", "--format", "html", "-o", "page.html"),
        (1, "train", *train_arguments(nobody, data, 3, run_dir="three", max_retries=0)),
    ):
        done = inside(*arguments)
        assert done.code == code, done.err
        assert done.out + done.err
        assert KEY not in done.out + done.err
    for path in inside.cwd.rglob("*"):
        if path.is_file() and path != config:
            assert KEY.encode() not in path.read_bytes(), path


def test_hostile_text_goes_through_a_whole_run_harmlessly(serve: Serve, inside: Inside) -> None:
    hostile = "\x1b[31mred\x1b[0m [bold]x[/bold] <script>alert(1)</script> =1+1 \u202e \x00"
    insight = {"content": f"=Lesson {hostile} ends.", "section": "helpful", "confidence": 0.9}
    reply = {
        "reasoning": hostile,
        "final_answer": hostile,
        "bullet_ids": [hostile],
        "insights": [insight],
        "error_identification": hostile,
        "bullet_tags": [],
    }
    server, data = serve(6, reply=json.dumps(reply))
    assert inside.train(server, data, 6).code == 0
    told = {}
    for arguments in ("run --bullets", "out/playbook.json", "run B001", "run --example row-1"):
        done = inside("inspect", *arguments.split())
        assert done.code == 0, done.err
        told[arguments] = done.out
    for form in ("csv", "markdown", "html", "skill", "agents-md"):
        done = inside("export", "run", "--format", form, "-o", f"x.{form}")
        assert done.code == 0, done.err
        written = inside.cwd / f"x.{form}"
        told[form] = (next(written.glob("*/SKILL.md")) if form == "skill" else written).read_text()
    for name, text in told.items():
        assert "alert(1)" in text, name
        assert not set(text) & {"\x1b", "\x00"}, name
        assert "\u202e" not in text or name == "html", "a page isolates the directions of its texts"
    for form in ("markdown", "html", "skill", "agents-md"):
        assert "<script>alert(1)" not in told[form], form
    assert ",=Lesson" not in told["csv"]
