"""Limits hold over the whole run, calls in flight included, and a stopped run goes on with a higher one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ace_cli.runs.reader import RunReader
from support.command import read_json, train_arguments
from support.inside import Inside
from support.scripted_faults import Faults
from support.serving import Serve

pytestmark = pytest.mark.patient

PRICES = "[models.{role}]\ninput_price = 100.0\noutput_price = 200.0\n"


def priced(folder: Path) -> Path:
    path = folder / "prices.toml"
    path.write_text(PRICES.format(role="generator") + PRICES.format(role="reflector"))
    return path


@pytest.mark.parametrize("concurrency", [1, 8])
def test_calls_are_never_more_than_allowed(concurrency: int, serve: Serve, inside: Inside) -> None:
    server, data = serve(20, delay=0.02)
    done = inside.train(server, data, 20, batch_size=10, concurrency=concurrency, max_calls=7)
    assert done.code == 3
    assert "ace resume" in done.err
    assert len(server.log) == 7
    done = inside("resume", "run", "--max-calls", 19)
    assert done.code == 3
    assert len(server.log) == 19
    done = inside("resume", "run", "--max-calls", 40)
    assert done.code == 0, done.err
    assert len(server.log) == 40


def spent(run_dir: Path, limit: str) -> float:
    with RunReader(run_dir) as run:
        usage = run.usage().values()
    return sum(u.tokens if limit == "max_tokens" else u.cost_usd or 0 for u in usage)


@pytest.mark.parametrize("concurrency", [1, 64])
@pytest.mark.parametrize("length", [20, 300, 8100])
@pytest.mark.parametrize(("name", "each"), [("max_tokens", 1.0), ("max_cost", 0.0002)])
def test_a_limit_is_used_up_and_never_passed(
    name: str, each: float, length: int, concurrency: int, serve: Serve, inside: Inside
) -> None:
    """Whatever the length of the replies; ``each`` is what a token of a reply counts for the limit."""
    server, data = serve(120, delay=0.01, reply_tokens=length, right=1.0, cite=0.0)
    limit = round(
        each * (length + 130) * 40, 6
    )  # prompts have some 120 tokens; a session gets a good third of the rows
    for share in (0.6, 1.0):
        flags = {"--max-tokens" if name == "max_tokens" else "--max-cost": share * limit}
        value = int(share * limit) if name == "max_tokens" else share * limit
        if share < 1:
            done = inside.train(
                server,
                data,
                120,
                batch_size=30,
                concurrency=concurrency,
                config=priced(inside.cwd),
                **{name: value},
            )
        else:
            done = inside("resume", "run", *(part for flag in flags for part in (flag, value)))
        assert done.code == 3, done.err
        assert 0.95 <= spent(inside.cwd / "run", name) / value <= 1.01
    again = inside("resume", "run")  # the same limit: nothing fits any more
    assert again.code == 3
    assert spent(inside.cwd / "run", name) <= 1.01 * limit
    with RunReader(inside.cwd / "run") as run:
        assert not run.failures()


def test_a_reply_that_a_limit_cuts_off_is_paid_and_asked_for_with_more_room(
    serve: Serve, inside: Inside
) -> None:
    server, data = serve(6, right=1.0, cite=0.0, reply_tokens=60)
    server.lengths = [60, 60, 900]  # and then as before
    done = inside.train(server, data, 6, concurrency=1, max_tokens=100_000)
    assert done.code == 0, done.err
    with RunReader(inside.cwd / "run") as run:
        assert run.counts() == (6, 6, 0)
        assert sum(used.calls for used in run.usage().values()) == len(server.log) == 13


def test_a_prompt_that_is_too_long_costs_the_others_nothing(serve: Serve, inside: Inside) -> None:
    server, data = serve(6, right=1.0, reply_tokens=600)
    long = {"id": "long", "question": "x" * 30_000, "answer": "1"}
    data.write_text(json.dumps(long) + "\n" + data.read_text())
    server.longest_prompt = 20_000
    done = inside.train(server, data, 7, concurrency=1, max_tokens=100_000)
    assert done.code == 0, done.err
    with RunReader(inside.cwd / "run") as run:
        assert run.counts() == (7, 6, 1)
        assert sum(used.calls for used in run.usage().values()) == 12


def test_a_server_with_little_room_is_not_asked_for_long_replies(serve: Serve, inside: Inside) -> None:
    server, data = serve(6, right=1.0, longest_reply=1000)
    done = inside.train(server, data, 6, concurrency=2, max_tokens=100_000)
    assert done.code == 0, done.err
    with RunReader(inside.cwd / "run") as run:
        assert run.counts() == (6, 6, 0)


def test_a_cost_limit_without_a_price_is_an_error_that_says_how_to_give_one(
    serve: Serve, inside: Inside
) -> None:
    server, data = serve(5)
    done = inside.train(server, data, 5, max_cost=1)
    assert done.code == 2
    assert "openai/scripted" in done.err
    assert "input_price" in done.err
    assert not server.log
    done = inside.train(server, data, 5, max_cost=1, config=priced(inside.cwd))
    assert done.code == 0, done.err
    assert read_json(inside.cwd / "out/metrics.json")["usage"]["cost_usd"] > 0


def test_time_is_counted_over_all_sessions(serve: Serve, inside: Inside) -> None:
    server, data = serve(40, delay=0.2)
    done = inside.train(server, data, 40, batch_size=5, concurrency=1, max_time="2s")
    assert done.code == 3, done.err
    assert "--max-time" in done.err
    asked = len(server.log)
    again = inside("resume", "run")
    assert again.code == 3
    assert len(server.log) == asked


@pytest.mark.parametrize(("limit", "code"), [("2", 1), ("10", 0), ("0.1", 1), ("90%", 0)])
def test_too_many_failures_stop_the_run(limit: str, code: int, serve: Serve, inside: Inside) -> None:
    server, data = serve(30, faults=Faults(rate=0.12, kinds=("content_policy",), seed=2))
    done = inside.train(server, data, 30, batch_size=6, concurrency=2, max_failures=limit)
    assert done.code == code, done.err
    with RunReader(inside.cwd / "run") as run:
        total, _, failed = run.counts()
        assert failed > 2
        assert set(run.failures()) == {"content_policy"}
    if code:
        assert "--max-failures" in done.err
        assert total < 30
        done = inside("resume", "run", "--max-failures", "25")
        assert done.code == 0, done.err
    metrics = read_json(inside.cwd / "out/metrics.json")["training_summary"]
    assert metrics["total_examples"] == 30
    assert metrics["failed_generations"] == metrics["failures"]["content_policy"] > 2
    assert metrics["accuracy"] == pytest.approx(metrics["correct_answers"] / 30, abs=1e-6)


EMBEDDED = {"embedding_model": "text-embedding-3-small"}


def test_embedding_calls_are_calls_like_others(serve: Serve, inside: Inside) -> None:
    server, data = serve(20)
    done = inside.train(server, data, 20, batch_size=5, concurrency=2, max_calls=15, **EMBEDDED)
    assert done.code == 3
    assert "--max-calls 15 calls" in done.err
    assert len(server.log) == 15
    done = inside("resume", "run", "--max-calls", 1000)
    assert done.code == 0, done.err
    usage = read_json(inside.cwd / "out/metrics.json")["usage"]
    asked = sum(entry.role == "embedding" for entry in server.log)
    assert usage["by_role"]["embedding"]["calls"] == asked > 0
    assert usage["by_role"]["embedding"]["prompt_tokens"] > 0
    assert usage["calls"] == len(server.log)
    assert set(server.answered().values()) == {1}, "vectors that were paid for are on record"


def test_an_outage_reads_the_same_whoever_is_asked(serve: Serve, inside: Inside) -> None:
    server, data = serve(4)
    patience = {"max_retries": 0, "retry_horizon": "1s"}
    nobody = "http://127.0.0.1:9/v1"
    chat = inside("train", *train_arguments(nobody, data, 4, run_dir="chat", **patience))
    roles = inside.cwd / "roles.toml"
    roles.write_text(
        "".join(f'[models.{role}]\napi_base = "{server.url}"\n' for role in ("generator", "reflector"))
    )
    arguments = train_arguments(nobody, data, 4, run_dir="vectors", config=roles, **patience, **EMBEDDED)
    vectors = inside("train", *arguments)
    assert chat.code == vectors.code == 1
    said = [
        next(line for line in done.err.splitlines() if line.startswith("error: ")) for done in (chat, vectors)
    ]
    assert said[0].replace("openai/scripted", "MODEL") == said[1].replace("text-embedding-3-small", "MODEL")


def test_an_embedder_of_ones_own_costs_nothing(
    serve: Serve, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inside.cwd / "own_vectors.py").write_text(
        "import numpy as np\n"
        "class Lengths:\n"
        "    name = 'lengths'\n"
        "    async def embed(self, texts):\n"
        "        rows = np.array([[len(text), 1] for text in texts], dtype=np.float32).reshape(-1, 2)\n"
        "        return rows / np.linalg.norm(rows, axis=1, keepdims=True)\n"
    )
    monkeypatch.syspath_prepend(inside.cwd)
    server, data = serve(4)
    flags = {
        "embedding_model": "own_vectors:Lengths",
        "generator_model": "gpt-4o-mini",
        "reflector_model": "gpt-4o-mini",
    }
    done = inside.train(server, data, 4, max_cost=5, **flags)
    assert done.code == 0, done.err
