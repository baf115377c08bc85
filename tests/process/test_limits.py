"""Limits hold over the whole run, calls in flight included, and a stopped run goes on with a higher one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ace_cli.runs.reader import RunReader
from support.command import ace, read_json, train_arguments
from support.serving import Serve

PRICES = "[models.{role}]\ninput_price = 100.0\noutput_price = 200.0\n"


def priced(folder: Path) -> Path:
    path = folder / "prices.toml"
    path.write_text(PRICES.format(role="generator") + PRICES.format(role="reflector"))
    return path


@pytest.mark.parametrize("concurrency", [1, 8])
def test_calls_are_never_more_than_allowed(concurrency: int, serve: Serve, tmp_path: Path) -> None:
    server, data = serve(20, delay=0.02)
    arguments = train_arguments(server.url, data, 20, batch_size=10, concurrency=concurrency, max_calls=7)
    done = ace("train", *arguments, cwd=tmp_path)
    assert done.returncode == 3
    assert "ace resume" in done.stderr
    assert len(server.log) == 7
    done = ace("resume", "run", "--max-calls", 19, cwd=tmp_path)
    assert done.returncode == 3
    assert len(server.log) == 19
    done = ace("resume", "run", "--max-calls", 40, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(server.log) == 40


def test_tokens_and_cost_stop_before_they_are_passed(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(60, delay=0.01)
    config = priced(tmp_path)
    for name, limit in (("max_tokens", 6000), ("max_cost", 0.8)):
        arguments = train_arguments(
            server.url, data, 60, run_dir=name, config=config, concurrency=2, **{name: limit}
        )
        done = ace("train", *arguments, cwd=tmp_path)
        assert done.returncode == 3, done.stderr
        with RunReader(tmp_path / name) as run:
            usage = run.usage()
        spent = sum(u.tokens if name == "max_tokens" else u.cost_usd or 0 for u in usage.values())
        assert 0.3 * limit < spent <= limit * 1.15
        again = ace("resume", name, cwd=tmp_path)  # the same limit: nothing fits any more
        assert again.returncode == 3
        done = ace("resume", name, f"--{name.replace('_', '-')}", 10**6, cwd=tmp_path)
        assert done.returncode == 0, done.stderr


def test_a_cost_limit_without_a_price_is_an_error_that_says_how_to_give_one(
    serve: Serve, tmp_path: Path
) -> None:
    server, data = serve(5)
    arguments = train_arguments(server.url, data, 5, max_cost=1)
    done = ace("train", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "openai/scripted" in done.stderr
    assert "input_price" in done.stderr
    assert not server.log
    done = ace("train", *arguments, "--config", priced(tmp_path), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert read_json(tmp_path / "out/metrics.json")["usage"]["cost_usd"] > 0


def test_time_is_counted_over_all_sessions(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(40, delay=0.4)
    arguments = train_arguments(server.url, data, 40, batch_size=5, concurrency=1, max_time="4s")
    started = time.monotonic()
    done = ace("train", *arguments, cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "--max-time" in done.stderr
    assert time.monotonic() - started < 60
    asked = len(server.log)
    again = ace("resume", "run", cwd=tmp_path)
    assert again.returncode == 3
    assert len(server.log) == asked


@pytest.mark.parametrize(("limit", "code"), [("2", 1), ("10", 0), ("0.1", 1), ("90%", 0)])
def test_too_many_failures_stop_the_run(limit: str, code: int, serve: Serve, tmp_path: Path) -> None:
    from support.scripted_faults import Faults

    server, data = serve(30, faults=Faults(rate=0.12, kinds=("content_policy",), seed=2))
    arguments = train_arguments(server.url, data, 30, batch_size=6, concurrency=2, max_failures=limit)
    done = ace("train", *arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    with RunReader(tmp_path / "run") as run:
        total, _, failed = run.counts()
        assert failed > 2
        assert set(run.failures()) == {"content_policy"}
    if code:
        assert "--max-failures" in done.stderr
        assert total < 30
        done = ace("resume", "run", "--max-failures", "25", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    metrics = read_json(tmp_path / "out/metrics.json")["training_summary"]
    assert metrics["total_examples"] == 30
    assert metrics["failed_generations"] == metrics["failures"]["content_policy"] > 2
    assert metrics["accuracy"] == pytest.approx(metrics["correct_answers"] / 30, abs=1e-6)
