"""The provider misbehaves, and the run gets through: nothing lost, nothing paid twice, failures accounted for."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ace_cli.runs.reader import RunReader
from support.command import KEY, ace, read_json, train_arguments
from support.scripted_faults import MOMENT, STICKY, Faults, Outage
from support.serving import Serve

QUICK = [kind for kind in MOMENT if kind not in ("hang", "trickle")]
"""Faults that show at once; the slow ones have a test of their own, with a short time-out."""


def test_a_third_of_all_requests_fails_and_no_example_is_lost(serve: Serve, tmp_path: Path) -> None:
    faults = Faults(rate=0.3, kinds=(*QUICK, *STICKY), seed=5)
    server, data = serve(40, faults=faults, delay=(0.0, 0.01))
    arguments = train_arguments(server.url, data, 40, batch_size=20, concurrency=10, max_failures=40)
    done = ace("train", *arguments, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr
    summary = read_json(tmp_path / "out/metrics.json")["training_summary"]
    assert summary["total_examples"] == 40
    assert summary["failed_generations"] == sum(summary["failures"].values()) > 0
    assert read_json(tmp_path / "out/metrics.json")["usage"]["retries"] > 10
    with RunReader(tmp_path / "run") as run:
        paid = sum(usage.calls for usage in run.usage().values())
        assert [e.step for e in run.episodes()] == list(range(40))
    assert max(server.answered().values()) == 1
    assert paid == sum(server.answered().values())
    assert KEY not in done.stderr + done.stdout


def test_hangs_and_trickles_end_with_the_timeout(serve: Serve, tmp_path: Path) -> None:
    config = tmp_path / "patience.toml"
    config.write_text("[models.generator]\ntimeout = 1.0\n[models.reflector]\ntimeout = 1.0\n")
    server, data = serve(8, faults=Faults(rate=0.3, kinds=("hang", "trickle"), most=1, seed=1))
    done = ace("train", *train_arguments(server.url, data, 8, config=config), cwd=tmp_path, timeout=200)
    assert done.returncode == 0, done.stderr
    assert read_json(tmp_path / "out/metrics.json")["training_summary"]["failed_generations"] == 0


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("unauthorized", "key"),
        ("unknown_model", "openai/scripted"),
        ("no_credit", "credit"),
    ],
)
def test_what_no_request_gets_over_stops_the_run_at_once(
    kind: str, words: str, serve: Serve, tmp_path: Path
) -> None:
    server, data = serve(20, outage=Outage(from_request=9, seconds=1e9, kind=kind))
    arguments = train_arguments(server.url, data, 20, batch_size=5, concurrency=3)
    done = ace("train", *arguments, cwd=tmp_path)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert words in errors[0]
    assert "Traceback" not in done.stderr
    with RunReader(tmp_path / "run") as run:
        assert run.counts()[2] == 0  # no example was burnt
    server.outage = None
    before = server.answered()
    resumed = ace("resume", "run", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert max(server.answered().values()) == 1
    assert before.keys() <= server.answered().keys()


def test_a_short_outage_costs_time_only(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(16, outage=Outage(from_request=8, seconds=4.0))
    done = ace("train", *train_arguments(server.url, data, 16, batch_size=4), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert read_json(tmp_path / "out/metrics.json")["training_summary"]["failed_generations"] == 0


@pytest.mark.parametrize("concurrency", [1, 6])
def test_a_long_outage_stops_the_run_and_burns_nothing(
    concurrency: int, serve: Serve, tmp_path: Path
) -> None:
    server, data = serve(16, outage=Outage(from_request=9, seconds=1e9))
    arguments = train_arguments(
        server.url, data, 16, batch_size=4, concurrency=concurrency, retry_horizon="3s"
    )
    started = time.monotonic()
    done = ace("train", *arguments, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "no reply from the provider" in done.stderr
    assert "ace resume" in done.stderr
    assert time.monotonic() - started < 100
    with RunReader(tmp_path / "run") as run:
        assert run.counts()[2] == 0
        assert run.state().name == "failed"
    server.outage = None
    resumed = ace("resume", "run", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert read_json(tmp_path / "out/metrics.json")["training_summary"]["failed_generations"] == 0
    assert max(server.answered().values()) == 1
