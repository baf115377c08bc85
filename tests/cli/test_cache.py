"""`--cache`: what an earlier run was told is not paid for again, and nothing else changes."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ace_cli.runs.reader import RunReader
from support.command import KEY, environment, read_json, start, train_arguments
from support.inside import Inside
from support.scripted_server import Faults
from support.serving import Serve

pytestmark = pytest.mark.patient


def usage(inside: Inside, run: str) -> tuple[int, int]:
    """(calls, replies from the cache) of a run."""
    with RunReader(inside.cwd / run) as reader:
        used = reader.usage().values()
    return sum(one.calls for one in used), sum(one.cached_calls for one in used)


def test_the_same_run_again_calls_nobody_and_learns_the_same(serve: Serve, inside: Inside) -> None:
    server, data = serve(20)
    cached = {"cache": "kept", "batch_size": 5, "lookahead": 1}
    assert inside.train(server, data, 20, run_dir="plain", batch_size=5, lookahead=1).code == 0
    plain = (inside.cwd / "out/playbook.json").read_bytes()
    assert inside.train(server, data, 20, run_dir="first", **cached).code == 0
    asked = len(server.log)
    done = inside.train(server, data, 20, run_dir="second", concurrency=3, progress="json", **cached)
    assert done.code == 0, done.err
    assert len(server.log) == asked, "nobody was called"
    assert (inside.cwd / "out/playbook.json").read_bytes() == plain
    assert (usage(inside, "first"), usage(inside, "second")) == ((40, 0), (0, 40))
    told = read_json(inside.cwd / "out/metrics.json")["usage"]
    assert (told["calls"], told["cached_calls"], told["prompt_tokens"]) == (0, 40, 0)
    assert told["by_role"]["generator"]["cached_calls"] == 20
    events = [json.loads(line) for line in done.err.splitlines()]
    reused = [event for event in events if event["event"] == "reply_reused"]
    assert len(reused) == 40
    assert reused[-1]["usage"]["cached_calls"] == 40
    assert not any(event["event"] == "call_finished" for event in events)
    assert "0 calls, 40 more from the cache" in inside("inspect", "second").out


def test_a_hit_costs_nothing_so_no_limit_counts_it(serve: Serve, inside: Inside) -> None:
    server, data = serve(8)
    assert inside.train(server, data, 8, cache="kept").code == 0
    done = inside.train(server, data, 8, cache="kept", run_dir="again", max_calls=0, max_tokens=0)
    assert done.code == 0, done.err
    more = inside.train(
        server, data, 7, cache="kept", run_dir="more", reflector_model="openai/b", max_calls=2
    )
    assert (more.code, usage(inside, "more")) == (3, (2, 7)), "another model is asked anew"


@pytest.mark.parametrize(
    "change",
    [
        {"api_base": "other"},
        {"generator_model": "openai/other"},
        {"ACE_MODELS__GENERATOR__TEMPERATURE": "0.5"},
    ],
)
def test_whoever_asks_otherwise_is_answered_anew(
    serve: Serve, inside: Inside, change: dict[str, str]
) -> None:
    server, data = serve(6)
    other, _ = serve(6)
    assert inside.train(server, data, 6, cache="kept").code == 0
    flags: dict[str, str] = {name: value for name, value in change.items() if name.islower()}
    inside.set(**{name: value for name, value in change.items() if name.isupper()})
    if "api_base" in flags:
        flags["api_base"] = other.url
    done = inside.train(server, data, 6, run_dir="again", **{"cache": "kept", **flags})
    assert done.code == 0, done.err
    with RunReader(inside.cwd / "again") as run:
        assert run.usage()["generator"].calls == 6


def test_repeats_are_answered_as_often_as_they_are_asked_and_found_again(
    serve: Serve, inside: Inside
) -> None:
    """Each of three equal requests has a reply of its own, in the run that pays and in the one that does not."""

    def differ(reply: dict[str, Any], tries: int) -> dict[str, Any]:
        message = reply["choices"][0]["message"]
        message["content"] = json.dumps({"reasoning": f"try {tries}", "bullet_ids": [], "final_answer": "1"})
        return reply

    server, data = serve(4)
    server.reshape = differ
    rows = ("--input", data, "--dataset", "custom", "--api-base", server.url, "--model", "openai/scripted")
    for run in ("first", "second"):
        done = inside("eval", *rows, "--repeats", 3, "--cache", "kept", "--run-dir", run)
        assert done.code == 0, done.err
    said = []
    for name in ("first", "second"):
        with RunReader(inside.cwd / name) as reader:
            said.append(
                {
                    (phase, step): [call.reply.text for call in reader.conversation(step, phase)]
                    for phase in reader.phases()
                    for step in range(4)
                }
            )
    assert said[0] == said[1]
    assert len({text for key, texts in said[0].items() if key[1] == 0 for text in texts}) == 3
    assert usage(inside, "second") == (0, 12)
    assert len(server.log) == 12


def test_an_evaluation_never_reads_what_training_was_told(serve: Serve, inside: Inside) -> None:
    server, data = serve(6)
    assert inside.train(server, data, 6, cache="kept", batch_size=6).code == 0
    before = len(server.log)
    flags = ("--model", "openai/scripted", "--api-base", server.url, "--cache", "kept")
    done = inside("eval", "--input", data, "--dataset", "custom", *flags, "--run-dir", "base")
    assert done.code == 0, done.err
    assert usage(inside, "base") == (6, 0), "the very same prompts, but of another split"
    assert len(server.log) == before + 6
    assert inside("eval", "--input", data, "--dataset", "custom", *flags, "--run-dir", "again").code == 0
    assert usage(inside, "again") == (0, 6), "what an evaluation was told, the next one may read"


def test_a_run_that_was_stopped_goes_on_and_takes_no_reply_twice(serve: Serve, inside: Inside) -> None:
    server, data = serve(12)
    assert inside.train(server, data, 12, cache="kept", batch_size=4).code == 0
    whole = (inside.cwd / "out/playbook.json").read_bytes()
    (inside.cwd / "kept/replies.sqlite3").rename(inside.cwd / "whole.sqlite3")
    flags = {"cache": "kept", "batch_size": 4, "run_dir": "half"}
    assert inside.train(server, data, 12, max_calls=9, **flags).code == 3
    asked = len(server.log)
    done = inside("resume", "half", "--max-calls", "", "--cache", "other")
    assert done.code == 0, done.err
    assert len(server.log) == asked + 15, "the replies of the first half are in the run itself"
    assert (inside.cwd / "out/playbook.json").read_bytes() == whole


def test_no_key_and_no_prompt_stands_in_it_and_it_is_its_owners_alone(serve: Serve, inside: Inside) -> None:
    server, data = serve(4)
    assert inside.train(server, data, 4, cache="deep/kept").code == 0
    folder = inside.cwd / "deep/kept"
    assert folder.stat().st_mode & 0o077 == 0
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
        content = path.read_bytes()
        assert KEY.encode() not in content
        assert b"You are the Generator" not in content
        assert b"127.0.0.1" not in content


def test_a_broken_cache_is_told_once_and_the_run_goes_on(serve: Serve, inside: Inside) -> None:
    server, data = serve(6)
    (inside.cwd / "kept").mkdir()
    (inside.cwd / "kept/replies.sqlite3").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    done = inside.train(server, data, 6, cache="kept", batch_size=2)
    assert done.code == 0, done.err
    assert done.err.count("the cache of replies cannot be used") == 1
    assert "a run would go on without it" in inside("check", "--input", data, "--cache", "kept").out


@pytest.mark.parametrize(
    "body", ["[1, 2]", '{"finish_reason": "stop"}', "no JSON", '{"text": 5, "seconds": "x"}']
)
def test_an_entry_that_cannot_be_read_is_told_once_and_asked_again(
    serve: Serve, inside: Inside, body: str
) -> None:
    server, data = serve(6)
    assert inside.train(server, data, 6, cache="kept").code == 0
    with sqlite3.connect(inside.cwd / "kept/replies.sqlite3") as db:
        db.execute("UPDATE reply SET body = ?", (body,))
    done = inside.train(server, data, 6, cache="kept", run_dir="again")
    assert done.code == 0, done.err
    assert done.err.count("the cache of replies cannot be used") == 1
    assert usage(inside, "again") == (12, 0)


def test_what_nobody_wrote_to_is_not_written_to(serve: Serve, inside: Inside) -> None:
    server, data = serve(3)
    (inside.cwd / "kept").mkdir()
    with sqlite3.connect(inside.cwd / "kept/replies.sqlite3") as db:
        db.execute("CREATE TABLE reply (mine)")
    done = inside.train(server, data, 3, cache="kept")
    assert (done.code, "is no cache of this version" in done.err) == (0, True)
    (inside.cwd / "linked").mkdir()
    (inside.cwd / "linked/replies.sqlite3").symlink_to(inside.cwd / "elsewhere.sqlite3")
    done = inside.train(server, data, 3, cache="linked", run_dir="again")
    assert (done.code, "leads out of" in done.err) == (0, True)
    assert not (inside.cwd / "elsewhere.sqlite3").exists()


def test_what_was_used_least_recently_goes_when_there_is_no_room(serve: Serve, inside: Inside) -> None:
    server, data = serve(40)

    def long(reply: dict[str, Any], tries: int) -> dict[str, Any]:
        said = json.loads(reply["choices"][0]["message"]["content"])
        reply["choices"][0]["message"]["content"] = json.dumps({**said, "reasoning": "x" * 40_000})
        return reply

    server.reshape = long
    flags = {"cache": "kept", "cache_size": "1MB", "batch_size": 1}
    lines = data.read_text().splitlines(keepends=True)

    def run(name: str, first: int, last: int) -> tuple[int, int]:
        some = inside.cwd / f"{first}.jsonl"
        some.write_text("".join(lines[first:last]))
        assert inside.train(server, some, last - first, run_dir=name, **flags).code == 0
        return usage(inside, name)

    assert run("used", 0, 8) == (16, 0)
    assert run("unused", 8, 12) == (8, 0)
    assert run("used-again", 0, 8) == (0, 16)
    assert run("new", 12, 15) == (6, 0)
    assert sum(path.stat().st_size for path in (inside.cwd / "kept").glob("*.sqlite3")) < 2 * 2**20
    assert run("used-late", 0, 8) == (0, 16), "what was used a moment ago was there"
    assert run("unused-late", 8, 12)[0] > 0, "and had to go for what came after"


def test_several_processes_share_one_cache(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(20, delay=0.01)
    runs = [
        start(
            "train",
            *train_arguments(server.url, data, 20, run_dir=f"run-{n}", output=f"out-{n}.json", cache="kept"),
            cwd=tmp_path,
            env=environment(),
        )
        for n in range(3)
    ]
    for run in runs:
        _, err = run.communicate(timeout=120)
        assert run.returncode == 0, err
        assert "cannot be used" not in err
    books = {(tmp_path / f"out-{n}.json").read_bytes() for n in range(3)}
    assert len(books) == 1
    with sqlite3.connect(tmp_path / "kept/replies.sqlite3") as db:
        assert db.execute("SELECT count(*), count(DISTINCT entry) FROM reply").fetchone() == (40, 40)


def test_what_a_reply_ended_with_that_was_no_use_is_not_kept(serve: Serve, inside: Inside) -> None:
    server, data = serve(4, faults=Faults(rate=1.0, kinds=("empty_content",)))
    inside.train(server, data, 4, cache="kept", max_failures=100)
    with sqlite3.connect(inside.cwd / "kept/replies.sqlite3") as db:
        bodies = [json.loads(body) for (body,) in db.execute("SELECT body FROM reply")]
    assert all(body["text"].strip() for body in bodies)


def test_a_project_file_may_name_a_cache_in_its_folder_but_nowhere_else(
    serve: Serve, inside: Inside, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server, data = serve(3)
    outside = tmp_path_factory.mktemp("outside") / "cache"
    (inside.cwd / "ace.toml").write_text(f'[execution]\ncache = "{outside}"\n')
    done = inside.train(server, data, 3)
    assert (done.code, f"write {outside}" in done.err) == (2, True)
    (inside.cwd / "ace.toml").write_text('[execution]\ncache = "kept"\n')
    assert inside.train(server, data, 3).code == 0
    assert (inside.cwd / "kept/replies.sqlite3").exists()
    assert (
        "6 replies" in inside("check", "--input", data, "--api-base", server.url, "--model", "openai/x").out
    )


def test_a_size_is_written_as_people_do(inside: Inside) -> None:
    assert inside.settings("--cache-size", "2GB")["execution.cache_size"][0] == str(2 * 2**30)
    done = inside("train", "--cache-size", "12", "--show-config")
    assert (done.code, "a size from 1MB, such as 500MB or 2GB" in done.err) == (2, True)
