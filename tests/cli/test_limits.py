"""Limits hold over the whole run, calls in flight included, and a stopped run goes on with a higher one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ace_cli.runs.reader import RunReader
from support.command import read_json
from support.inside import Inside
from support.scripted_faults import Faults
from support.serving import Serve

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


def test_tokens_and_cost_stop_before_they_are_passed(serve: Serve, inside: Inside) -> None:
    server, data = serve(60, delay=0.01)
    config = priced(inside.cwd)
    for name, limit in (("max_tokens", 6000), ("max_cost", 0.8)):
        done = inside.train(server, data, 60, run_dir=name, config=config, concurrency=2, **{name: limit})
        assert done.code == 3, done.err
        with RunReader(inside.cwd / name) as run:
            usage = run.usage()
        spent = sum(u.tokens if name == "max_tokens" else u.cost_usd or 0 for u in usage.values())
        assert 0.3 * limit < spent <= limit * 1.15
        again = inside("resume", name)  # the same limit: nothing fits any more
        assert again.code == 3
        done = inside("resume", name, f"--{name.replace('_', '-')}", 10**6)
        assert done.code == 0, done.err


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
