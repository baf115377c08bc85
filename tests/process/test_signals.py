"""Ctrl-C, termination, a closed terminal: what is in flight is finished and kept, and the run goes on later."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from ace_cli.runs.reader import RunReader
from support.command import ace, start, train_arguments
from support.scripted_server import ScriptedServer
from support.serving import Serve


def wait_for(server: ScriptedServer, requests: int) -> None:
    """Until the server has seen so many."""
    for _ in range(600):
        if len(server.log) + server.in_flight >= requests:
            return
        time.sleep(0.05)
    raise AssertionError("the run did not get going")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_once_finishes_what_is_in_flight(number: signal.Signals, serve: Serve, tmp_path: Path) -> None:
    server, data = serve(40, delay=0.3)
    child = start("train", *train_arguments(server.url, data, 40, batch_size=10, concurrency=4), cwd=tmp_path)
    wait_for(server, 6)
    child.send_signal(number)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "ace resume" in err
    assert "Traceback" not in err
    with RunReader(tmp_path / "run") as run:
        assert run.state().name == "stopped"
        done, _, _ = run.counts()
        paid = sum(usage.calls for usage in run.usage().values())
    assert paid == server.outcomes()["ok"] == 2 * done  # each example in flight got its second call as well
    asked = server.answered()
    resumed = ace("resume", "run", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert max(server.answered().values()) == 1
    assert asked.keys() <= server.answered().keys()


def test_twice_ends_at_once(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(20, delay=30.0)
    child = start("train", *train_arguments(server.url, data, 20), cwd=tmp_path)
    wait_for(server, 3)
    child.send_signal(signal.SIGINT)
    time.sleep(0.5)
    before = time.monotonic()
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=20)
    assert time.monotonic() - before < 15
    assert child.returncode == 130, err
    with RunReader(tmp_path / "run") as run:
        assert run.state().name == "stopped"


def test_a_hanging_provider_is_not_waited_for_longer_than_the_grace_period(
    serve: Serve, tmp_path: Path
) -> None:
    server, data = serve(20, delay=60.0)
    child = start("train", *train_arguments(server.url, data, 20, grace_period="1s"), cwd=tmp_path)
    wait_for(server, 3)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130, err


def test_a_second_writer_is_refused_by_name_and_readers_are_not(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(30, delay=0.3)
    child = start("train", *train_arguments(server.url, data, 30, concurrency=2), cwd=tmp_path)
    wait_for(server, 3)
    refused = ace("resume", "run", cwd=tmp_path)
    assert refused.returncode == 1
    assert f"process {child.pid} on " in refused.stderr
    also = ace("train", *train_arguments(server.url, data, 30), cwd=tmp_path)
    assert also.returncode in (1, 2)
    assert "run" in also.stderr
    seen = ace("inspect", "run", cwd=tmp_path)
    assert seen.returncode == 0, seen.stderr
    assert "running" in seen.stdout
    child.kill()
    child.communicate()
    dead = ace("inspect", "run", cwd=tmp_path)
    assert "crashed" in dead.stdout
    resumed = ace("resume", "run", cwd=tmp_path)  # the lock of the dead one is taken over
    assert resumed.returncode == 0, resumed.stderr
