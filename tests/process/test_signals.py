"""Ctrl-C, termination, a closed terminal: what is in flight is finished and kept, and the run goes on later."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from ace_cli.runs.reader import RunReader
from support.command import start, train_arguments
from support.inside import Inside
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
def test_once_finishes_what_is_in_flight(number: signal.Signals, serve: Serve, inside: Inside) -> None:
    server, data = serve(20, delay=0.3)
    arguments = train_arguments(server.url, data, 20, batch_size=10, concurrency=4)
    child = start("train", *arguments, cwd=inside.cwd)
    wait_for(server, 6)
    child.send_signal(number)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "ace resume" in err
    assert "Traceback" not in err
    with RunReader(inside.cwd / "run") as run:
        assert run.state().state == "stopped"
        done, _, _ = run.counts()
        paid = sum(usage.calls for usage in run.usage().values())
    assert paid == server.outcomes()["ok"] == 2 * done  # each example in flight got its second call as well
    asked = server.answered()
    resumed = inside("resume", "run")
    assert resumed.code == 0, resumed.err
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
        assert run.state().state == "stopped"


def test_a_hanging_provider_is_not_waited_for_longer_than_the_grace_period(
    serve: Serve, tmp_path: Path
) -> None:
    server, data = serve(20, delay=60.0)
    child = start("train", *train_arguments(server.url, data, 20, grace_period="1s"), cwd=tmp_path)
    wait_for(server, 3)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130, err


def test_a_second_writer_is_refused_by_name_and_readers_are_not(serve: Serve, inside: Inside) -> None:
    server, data = serve(20, delay=0.3)
    child = start("train", *train_arguments(server.url, data, 20, concurrency=2), cwd=inside.cwd)
    wait_for(server, 3)
    refused = inside("resume", "run")
    assert refused.code == 1
    assert f"process {child.pid} on " in refused.err
    also = inside.train(server, data, 20)
    assert also.code == 2
    assert "holds a run already" in also.err
    seen = inside("inspect", "run")
    assert seen.code == 0, seen.err
    assert "running" in seen.out
    child.kill()
    child.communicate()
    assert "crashed" in inside("inspect", "run").out
    resumed = inside("resume", "run")  # the lock of the dead one is taken over
    assert resumed.code == 0, resumed.err
