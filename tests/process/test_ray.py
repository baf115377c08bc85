"""The examples of a run on a Ray cluster: nodes join and die, and nobody could tell from what is left."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ace_cli.runs.reader import RunReader
from support.command import KEY, ace, environment, read_json, start, train_arguments
from support.ray_clusters import Nodes, nodes, processes
from support.scripted_server import ScriptedServer
from support.serving import Serve

__all__ = ["nodes"]

pytestmark = [
    pytest.mark.patient,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc to find Ray's processes"),
]

COUNT = 30
HELD_OUT = 5
IN_FLIGHT = 6
OWN = ["--executor", "ray", "--ray-actors", "2"]
"""A cluster on this machine, of the run's own."""


def arguments(server: ScriptedServer, data: Path, *more: object) -> list[object]:
    flags = train_arguments(server.url, data, COUNT, batch_size=10, concurrency=IN_FLIGHT)
    return ["train", *flags, "--validation-examples", HELD_OUT, *more]


def left(folder: Path) -> tuple[bytes, dict[str, Any]]:
    """What a run leaves behind, times aside."""
    metrics = read_json(folder / "out/metrics.json")
    metrics.pop("timing")
    return (folder / "out/playbook.json").read_bytes(), metrics


def paid(folder: Path) -> int:
    """Replies on record."""
    if not (folder / "run/run.sqlite3").exists():
        return 0
    with RunReader(folder / "run") as run:
        return sum(usage.calls for usage in run.usage().values())


def has_paid(folder: Path, replies: int) -> bool:
    return paid(folder) >= replies


def recorded(folder: Path) -> set[tuple[str, int]]:
    """(role, question) of the replies on record, of training."""
    with RunReader(folder / "run") as run:
        return {(reply.role, step) for step in range(COUNT) for reply in run.conversation(step)}


def asked(server: ScriptedServer) -> Counter[tuple[str, int | None]]:
    """How often each (role, question) was asked, answered or not."""
    return Counter((entry.role, entry.question) for entry in server.log)


def wait_until(there: Callable[[], bool], child: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 240
    while not there():
        if child.poll() is not None or time.monotonic() > until:
            child.kill()
            raise AssertionError(child.communicate())
        time.sleep(0.05)


def words(lines: str) -> list[str]:
    """What each line begins with."""
    return [re.split(r"[ :]", line)[0] for line in lines.splitlines()]


def test_nodes_join_and_die_and_the_files_are_those_of_one_machine(
    nodes: Nodes, serve: Serve, tmp_path: Path
) -> None:
    home, away = tmp_path / "home", tmp_path / "away"
    home.mkdir()
    away.mkdir()
    server, data = serve(COUNT + HELD_OUT, delay=(0.05, 0.3))
    here = ace(*arguments(server, data), cwd=home)
    assert here.returncode == 0, here.stderr
    calls = len(server.log)

    server, data = serve(COUNT + HELD_OUT, delay=(0.05, 0.3))
    child = start(*arguments(server, data, "--executor", "ray", "--ray-address", nodes.address), cwd=away)
    wait_until((away / "run/run.sqlite3").exists, child)
    nodes.at_least(2)  # until now the cluster had no room for a worker
    known: dict[tuple[str, int | None], int] = {}
    for share, kill in ((4, nodes.kill_worker), (2, nodes.kill_node)):
        wait_until(partial(has_paid, away, calls // share), child)
        for call in recorded(away):
            known.setdefault(call, asked(server)[call])
        kill()
    out, err = child.communicate(timeout=240)
    assert child.returncode == 0, err
    assert left(away) == left(home)

    assert {call: asked(server)[call] for call in known} == known, "what was on record is not asked again"
    assert 0 <= len(server.log) - calls <= 2 * IN_FLIGHT, "only calls that were in flight are made again"
    assert words(out) == words(here.stdout), "Ray says nothing on stdout"
    of_the_cluster = [line for line in err.splitlines() if "worker" in line]
    assert any("a worker was lost" in line for line in of_the_cluster)
    assert len(err.splitlines()) - len(of_the_cluster) == len(here.stderr.splitlines()), err

    assert {headers.get("authorization") for headers in server.headers} == {f"Bearer {KEY}"}
    logs = [path for path in nodes.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert logs
    assert not [path for path in logs if KEY.encode() in path.read_bytes()]


def test_ctrl_c_on_a_cluster_finishes_what_is_in_flight(nodes: Nodes, serve: Serve, tmp_path: Path) -> None:
    server, data = serve(COUNT + HELD_OUT, delay=(0.05, 0.3))
    nodes.at_least(1)
    child = start(*arguments(server, data, "--executor", "ray", "--ray-address", nodes.address), cwd=tmp_path)
    wait_until(partial(has_paid, tmp_path, 15), child)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=120)
    assert child.returncode == 130, err
    assert "Traceback" not in err
    assert paid(tmp_path) == sum(server.answered().values())
    resumed = ace("resume", "run", "--executor", "local", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert set(server.answered().values()) == {1}


def marked(home: Path) -> tuple[str, dict[str, str]]:
    """An environment by which all processes of a command are found; Ray writes a token into its home."""
    mark = uuid.uuid4().hex
    env = environment(MARK_OF_A_TEST=mark, HOME=str(home))
    env.pop("RAY_ADDRESS", None)
    return f"MARK_OF_A_TEST={mark}", env


def report(text: str) -> dict[str, Any]:
    """A report as JSON, without seconds: those are of the server."""
    found: dict[str, Any] = json.loads(re.sub(r'"seconds": [-0-9.e]+', '"seconds": 0', text))
    return found


def test_without_an_address_a_cluster_is_started_and_stopped(serve: Serve, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    mark, env = marked(tmp_path)
    server, data = serve(12, delay=0.02)
    flags = ["--input", data, "--api-base", server.url, "--generator-model", "openai/scripted", "--json"]
    here = ace("eval", *flags, "--run-dir", "here", cwd=tmp_path, env=env)
    assert here.returncode == 0, here.stderr
    there = ace("eval", *flags, "--run-dir", "there", *OWN, cwd=tmp_path, env=env, timeout=240)
    assert there.returncode == 0, there.stderr
    assert report(there.stdout) == report(here.stdout)
    assert set(server.answered().values()) == {2}
    assert processes(mark) == {}


def test_a_killed_driver_leaves_no_process_behind(serve: Serve, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    mark, env = marked(tmp_path)
    server, data = serve(COUNT + HELD_OUT, delay=(0.05, 0.3))
    child = start(*arguments(server, data, *OWN), cwd=tmp_path, env=env)
    wait_until(partial(has_paid, tmp_path, 10), child)
    child.kill()
    child.communicate()
    until = time.monotonic() + 240
    while processes(mark) and time.monotonic() < until:
        time.sleep(0.2)
    assert processes(mark) == {}
    known = recorded(tmp_path)
    resumed = ace("resume", "run", "--executor", "local", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert {asked(server)[call] for call in known} == {1}
