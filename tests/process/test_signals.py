"""Ctrl-C, termination, a closed terminal: what is in flight is finished and kept, and the run goes on later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ace_cli.runs.reader import RunReader
from support.command import environment, start, train_arguments
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


MODELS = ("--generator-model", "openai/x", "--reflector-model", "openai/x")


def somewhere(serve: Serve) -> list[str]:
    """An address where somebody listens, which is looked at before a run begins."""
    return ["--api-base", serve(1)[0].url]


def with_modules(folder: Path) -> dict[str, str]:
    """An environment in which Python finds the modules of ``folder``."""
    return environment(PYTHONPATH=os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_termination_before_the_run_listens_is_an_interruption_and_leaves_nothing(
    name: str, tmp_path: Path, serve: Serve
) -> None:
    pipe = tmp_path / "rows.jsonl"
    os.mkfifo(pipe)  # a dataset that does not come
    child = start("train", "--input", pipe, "--run-dir", "run", *MODELS, *somewhere(serve), cwd=tmp_path)
    for _ in range(600):
        if (tmp_path / "run").exists():
            break
        time.sleep(0.05)
    child.send_signal(signal.Signals[name])
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "interrupted" in err
    assert "Traceback" not in err
    assert not (tmp_path / "run").exists()


STUCK = """
import asyncio, time
from concurrent.futures import ThreadPoolExecutor

class Stuck:
    pool = ThreadPoolExecutor(1)

    async def generate(self, task, ask):
        print("asked", flush=True)
        await asyncio.get_running_loop().run_in_executor(self.pool, time.sleep, 3600)
"""


def test_twice_interrupted_it_does_not_wait_for_threads(tmp_path: Path, serve: Serve) -> None:
    (tmp_path / "stuck.py").write_text(STUCK)
    (tmp_path / "rows.jsonl").write_text('{"question": "1 + 1?", "answer": "2"}')
    arguments = ["--input", "rows.jsonl", "--run-dir", "run", "--generator", "stuck:Stuck", *MODELS]
    arguments += somewhere(serve)
    child = start("train", *arguments, cwd=tmp_path, env=with_modules(tmp_path))
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    assert any("stopping" in line for line in child.stderr)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "ace resume" in err


def test_nohup_keeps_a_run_going(tmp_path: Path, serve: Serve) -> None:
    (tmp_path / "hangup.py").write_text(
        "import os, signal\n"
        "from ace_cli.stages.base import Attempt\n"
        "class Hangup:\n"
        "    def generate(self, task, ask):\n"
        "        os.kill(os.getpid(), signal.SIGHUP)\n"
        "        return Attempt('2')\n"
        "    def reflect(self, case, ask):\n"
        "        from ace_cli.stages.base import Reflection\n"
        "        return Reflection()\n"
    )
    (tmp_path / "rows.jsonl").write_text('{"question": "1 + 1?", "answer": "2"}\n' * 30)
    command = ["nohup", sys.executable, "-m", "ace_cli", "train", "--input", "rows.jsonl", "--run-dir", "run"]
    command += ["--generator", "hangup:Hangup", "--reflector", "hangup:Hangup"]
    command += [*MODELS, *somewhere(serve), "--concurrency", "1"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=with_modules(tmp_path),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
