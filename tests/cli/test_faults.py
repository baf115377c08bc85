"""The provider misbehaves, and the run gets through: nothing lost, nothing paid twice, failures accounted for."""

from __future__ import annotations

import time

import pytest

from ace_cli.runs.reader import RunReader
from support.command import KEY, read_json
from support.inside import Inside
from support.scripted_faults import MOMENT, STICKY, Faults, Outage
from support.serving import Serve

pytestmark = pytest.mark.patient

QUICK = [kind for kind in MOMENT if kind not in ("hang", "trickle")]
"""Faults that show at once; the slow ones have a test of their own, with a short time-out."""


def test_a_third_of_all_requests_fails_and_no_example_is_lost(serve: Serve, inside: Inside) -> None:
    faults = Faults(rate=0.3, kinds=(*QUICK, *STICKY), seed=5)
    server, data = serve(40, faults=faults, delay=(0.0, 0.01))
    done = inside.train(server, data, 40, batch_size=20, concurrency=10, max_failures=40)
    assert done.code == 0, done.err
    summary = read_json(inside.cwd / "out/metrics.json")["training_summary"]
    assert summary["total_examples"] == 40
    assert summary["failed_generations"] == sum(summary["failures"].values()) > 0
    assert read_json(inside.cwd / "out/metrics.json")["usage"]["retries"] > 10
    with RunReader(inside.cwd / "run") as run:
        paid = sum(usage.calls for usage in run.usage().values())
        assert [e.step for e in run.episodes()] == list(range(40))
    assert max(server.answered().values()) == 1
    assert paid == sum(server.answered().values())
    assert KEY not in done.err + done.out


def test_hangs_and_trickles_end_with_the_timeout(serve: Serve, inside: Inside) -> None:
    config = inside.cwd / "patience.toml"
    config.write_text("[models.generator]\ntimeout = 1.0\n[models.reflector]\ntimeout = 1.0\n")
    server, data = serve(8, faults=Faults(rate=0.3, kinds=("hang", "trickle"), most=1, seed=1))
    done = inside.train(server, data, 8, config=config)
    assert done.code == 0, done.err
    assert read_json(inside.cwd / "out/metrics.json")["training_summary"]["failed_generations"] == 0


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("unauthorized", "key"),
        ("unknown_model", "openai/scripted"),
        ("no_credit", "credit"),
    ],
)
def test_what_no_request_gets_over_stops_the_run_at_once(
    kind: str, words: str, serve: Serve, inside: Inside
) -> None:
    server, data = serve(20, outage=Outage(from_request=9, seconds=1e9, kind=kind))
    done = inside.train(server, data, 20, batch_size=5, concurrency=3)
    assert done.code == 1
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert words in errors[0]
    assert "Traceback" not in done.err
    with RunReader(inside.cwd / "run") as run:
        assert run.counts()[2] == 0  # no example was burnt
    server.outage = None
    before = server.answered()
    resumed = inside("resume", "run")
    assert resumed.code == 0, resumed.err
    assert max(server.answered().values()) == 1
    assert before.keys() <= server.answered().keys()


def test_a_short_outage_costs_time_only(serve: Serve, inside: Inside) -> None:
    server, data = serve(16, outage=Outage(from_request=8, seconds=1.5))
    done = inside.train(server, data, 16, batch_size=4)
    assert done.code == 0, done.err
    assert read_json(inside.cwd / "out/metrics.json")["training_summary"]["failed_generations"] == 0


@pytest.mark.parametrize("concurrency", [1, 6])
def test_a_long_outage_stops_the_run_and_burns_nothing(
    concurrency: int, serve: Serve, inside: Inside
) -> None:
    server, data = serve(16, outage=Outage(from_request=9, seconds=1e9))
    started = time.monotonic()
    done = inside.train(server, data, 16, batch_size=4, concurrency=concurrency, retry_horizon="3s")
    assert done.code == 1, done.err
    assert "no reply from the provider" in done.err
    assert "ace resume" in done.err
    assert time.monotonic() - started < 100
    with RunReader(inside.cwd / "run") as run:
        assert run.counts()[2] == 0
        assert run.state().state == "failed"
    server.outage = None
    resumed = inside("resume", "run")
    assert resumed.code == 0, resumed.err
    assert read_json(inside.cwd / "out/metrics.json")["training_summary"]["failed_generations"] == 0
    assert max(server.answered().values()) == 1
