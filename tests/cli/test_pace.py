"""How many calls at once, and how many a minute: what a user allows, and what a provider asks for."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import Any

import pytest

from support.inside import Inside, Outcome
from support.scripted_pace import Quota
from support.scripted_server import Faults, Outage
from support.serving import Serve

pytestmark = pytest.mark.patient


def changes(done: Outcome) -> list[dict[str, Any]]:
    """What ``--progress json`` tells of the calls in flight."""
    events = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    return [event for event in events if event["event"] == "concurrency_changed"]


def test_more_calls_are_in_flight_where_that_gives_more_replies(serve: Serve, inside: Inside) -> None:
    server, data = serve(50, delay=0.15, right=1.0, cite=0.0)
    done = inside.train(server, data, 50, batch_size=50, progress="json")
    assert done.code == 0, done.err
    first = changes(done)[0]
    assert (first["before"], first["limit"], first["reason"]) == (16, 32, "replies come as fast")
    assert server.most_in_flight <= max(change["limit"] for change in changes(done))


def test_refusals_of_a_moment_are_one_step_back(serve: Serve, inside: Inside) -> None:
    server, data = serve(30, delay=0.05, outage=Outage(20, 0.3, "rate_limit_bare"))
    done = inside.train(server, data, 30, batch_size=30, progress="json")
    assert done.code == 0, done.err
    assert server.outcomes()["rate_limit_bare"] > 3
    back = [change for change in changes(done) if change["limit"] < change["before"]]
    assert [(change["before"], change["limit"]) for change in back if "refuses" in change["reason"]] == [
        (16, 11)
    ]
    assert max(server.answered().values()) == 1


@pytest.mark.parametrize("lookahead", [0, 2])
def test_a_fixed_number_bounds_all_calls_together(lookahead: int, serve: Serve, inside: Inside) -> None:
    """Those of the Curator as well, which are made while examples of later batches are under way."""
    server, data = serve(24, delay=0.02, right=0.1, novelty=0.9, outage=Outage(30, 0.2, "rate_limit_bare"))
    flags = {"curator": "llm", "lookahead": lookahead, "progress": "json"}
    done = inside.train(server, data, 24, batch_size=4, concurrency=3, **flags)
    assert done.code == 0, done.err
    assert {entry.role for entry in server.log} >= {"generator", "reflector", "curator"}
    assert server.most_in_flight <= 3
    assert not changes(done)


QUICK = {"batch_size": 30, "concurrency": 30}


def test_a_server_that_bans_sees_no_more_requests_than_allowed(serve: Serve, inside: Inside) -> None:
    # fewer, so that a slow machine is heedless, too
    server, data = serve(30, quota=Quota(900, ban=0.2), right=1.0)
    assert inside.train(server, data, 30, run_dir="heedless", **QUICK).code == 0
    assert server.quota is not None
    assert server.quota.violations > 0
    server, data = serve(30, quota=Quota(1800, ban=0.2), right=1.0)
    done = inside.train(server, data, 30, max_rpm=1200, **QUICK)
    assert done.code == 0, done.err
    assert server.quota is not None
    assert (server.quota.violations, server.outcomes()) == (0, {"ok": 60})


def test_tokens_a_minute_are_kept_as_well(serve: Serve, inside: Inside) -> None:
    (inside.cwd / "short.toml").write_text(
        "[models.generator]\nmax_tokens = 60\n[models.reflector]\nmax_tokens = 60\n"
    )
    server, data = serve(12, quota=Quota(1e9, 400_000, ban=0.2), right=1.0)
    done = inside.train(server, data, 12, max_tpm=200_000, config="short.toml", **QUICK)
    assert done.code == 0, done.err
    assert server.quota is not None
    assert (server.quota.violations, server.outcomes()) == (0, {"ok": 24})


def test_a_schema_that_is_refused_is_a_request_like_others(serve: Serve, inside: Inside) -> None:
    server, data = serve(10, quota=Quota(1800, ban=0.2), no_schema=True, right=1.0)
    done = inside.train(server, data, 10, max_rpm=1200, **QUICK)
    assert done.code == 0, done.err
    assert server.quota is not None
    assert server.quota.violations == 0
    assert server.outcomes()["no_schema"] > 0


@pytest.mark.parametrize(("is_killed", "limit"), [(False, 6), (True, 8)])
def test_what_was_asked_before_an_interruption_counts_when_the_run_goes_on(
    serve: Serve, inside: Inside, monkeypatch: pytest.MonkeyPatch, is_killed: bool, limit: int
) -> None:
    """Of a session that was killed also what it may have had in flight: two calls here."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH")  # which would put the calls into another year
    server, data = serve(10)
    assert inside.train(server, data, 10, max_calls=6, concurrency=2).code == 3
    assert len(server.log) == 6
    if is_killed:
        with contextlib.closing(sqlite3.connect(inside.cwd / "run/run.sqlite3")) as db, db:
            db.execute("UPDATE session SET ended = ''")
    done = inside("resume", "run", "--max-rpm", limit, "--max-calls", 100, "--max-time", "4s")
    assert done.code == 3, done.err
    assert "--max-time" in done.err
    assert "calls wait for --max-rpm" in done.err
    assert len(server.log) == 6
    assert inside("resume", "run", "--max-rpm", "", "--max-time", "").code == 0


def test_calls_wait_when_a_reply_says_that_nothing_is_left(serve: Serve, inside: Inside) -> None:
    server, data = serve(3)
    server.more_headers = [{"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1.5s"}]
    done = inside.train(server, data, 3, concurrency=1)
    assert done.code == 0, done.err
    first, second = server.log[:2]
    assert second.asked - first.sent >= 1.3
    assert "the provider's rate limit, as its replies say" in done.err


def test_everybody_waits_as_long_as_a_provider_asks_for(serve: Serve, inside: Inside) -> None:
    server, data = serve(20, delay=0.02, outage=Outage(10, 0.5, "rate_limit"), faults=Faults(retry_after=0.6))
    done = inside.train(server, data, 20, batch_size=20, concurrency=4)
    assert done.code == 0, done.err
    assert 1 <= server.outcomes()["rate_limit"] <= 4, "those that were under way, and nobody after them"


def test_an_evaluation_keeps_the_limits_of_its_training_run(serve: Serve, inside: Inside) -> None:
    server, data = serve(30, right=1.0)
    assert inside.train(server, data, 4, max_rpm=1200, concurrency=30).code == 0
    before, server.quota = len(server.log), Quota(1800, ban=0.2)
    done = inside("eval", "run", "--input", data, "--api-base", server.url)
    assert done.code == 0, done.err
    assert len(server.log) - before == 26 * 2
    assert server.quota.violations == 0
