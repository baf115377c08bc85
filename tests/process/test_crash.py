"""Killed at any moment, a run ends with the very files of an undisturbed one, and pays for no reply twice."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ace_cli.runs.reader import RunReader
from support.command import ace, environment, read_json, start, train_arguments
from support.scripted_server import ScriptedServer
from support.serving import write_sums

COUNT = 60
CHILD = (str(Path(__file__).parents[1] / "support" / "crash_child.py"),)
CHAINS: dict[str, list[str | float]] = {  # the full-size harness draws many more
    "the start": ["making:1", "renamed:1", "session:1", "reply:33", "commit:9", "merge:4"],
    "the end": [2.5, "episode:44", "file:1", "file:2", "renamed:2", "end:1"],
}
"""Where each process of a run dies: right after its so many-th write of a kind, or after so many seconds."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedServer]:
    data = write_sums(tmp_path_factory.mktemp("data") / "rows.jsonl", COUNT)
    with ScriptedServer(truth=data, delay=(0.002, 0.03)) as running:
        running.data = data  # type: ignore[attr-defined]
        yield running


@pytest.fixture(scope="module")
def undisturbed(server: ScriptedServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("undisturbed")
    done = ace(*arguments(server), cwd=folder)
    assert done.returncode == 0, done.stderr
    return outcome(folder)


def arguments(server: ScriptedServer) -> list[object]:
    data: Path = server.data  # type: ignore[attr-defined]
    return [
        "train",
        *train_arguments(server.url, data, COUNT, batch_size=7, concurrency=5, checkpoint_interval=20),
    ]


def outcome(folder: Path) -> dict[str, Any]:
    """All that a run leaves behind, times aside."""
    metrics = read_json(folder / "out/metrics.json")
    metrics.pop("timing")
    with RunReader(folder / "run") as run:
        totals = run.usage()
        episodes = [(e.step, e.correct, e.failure, e.rounds) for e in run.episodes()]
        state = run.state().state
    return {
        "playbook": (folder / "out/playbook.json").read_bytes(),
        "metrics": metrics,
        "checkpoints": {p.name: p.read_bytes() for p in sorted((folder / "run/checkpoints").iterdir())},
        "totals": totals,
        "episodes": episodes,
        "state": state,
    }


def recorded(folder: Path) -> set[tuple[str, int]]:
    """(role, question) of every reply on record."""
    if not (folder / "run/run.sqlite3").exists():
        return set()
    with RunReader(folder / "run") as run:
        return {(reply.role, step) for step in range(COUNT) for reply in run.conversation(step)}


def asked(server: ScriptedServer, since: int) -> set[tuple[str, int]]:
    return {(e.role, e.question) for e in server.log[since:] if e.question is not None}


def go_on(server: ScriptedServer, folder: Path, crash_at: str = "") -> subprocess.Popen[str]:
    """Train, or resume what is there; ``crash_at`` as in crash_child.py."""
    command = ["resume", "run"] if (folder / "run/run.sqlite3").exists() else arguments(server)
    env = environment(CRASH_AT=crash_at) if crash_at else environment()
    return start(*command, cwd=folder, env=env, program=CHILD)


def crash_and_resume(server: ScriptedServer, folder: Path, kills: list[str | float]) -> int:
    """Kill as told (right after a write, or after so many seconds), then let it end; how often it was killed."""
    done = 0
    for kill in kills:
        before, since = recorded(folder), len(server.log)
        child = go_on(server, folder, kill if isinstance(kill, str) else "")
        if isinstance(kill, float):
            time.sleep(kill)
            child.kill()
        _, err = child.communicate(timeout=120)
        assert child.returncode in (0, -signal.SIGKILL), err
        done += child.returncode == -signal.SIGKILL
        assert not before & asked(server, since), "a recorded reply was asked for again"
        if child.returncode == 0:
            return done
    before, since = recorded(folder), len(server.log)
    last = go_on(server, folder)
    _, err = last.communicate(timeout=120)
    assert last.returncode == 0, err
    assert not before & asked(server, since), "a recorded reply was asked for again"
    return done


@pytest.mark.parametrize("kills", CHAINS.values(), ids=CHAINS)
def test_killed_again_and_again_it_ends_as_if_nothing_had_happened(
    kills: list[str | float], server: ScriptedServer, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    killed = crash_and_resume(server, tmp_path, kills)
    assert killed >= sum(isinstance(kill, str) for kill in kills), "each write was reached"
    assert outcome(tmp_path) == undisturbed


@pytest.mark.slow
def test_two_hundred_crashes(server: ScriptedServer, undisturbed: dict[str, Any], tmp_path: Path) -> None:
    """The full-size harness: `make crash-test`. It says how many kills there were."""
    dice = random.Random(7)
    kinds = {
        "reply": 110,
        "episode": 55,
        "merge": 8,
        "commit": 90,
        "session": 1,
        "end": 1,
        "vectors": 6,
        "file": 4,
        "renamed": 4,
        "making": 1,
    }
    kills = runs = 0
    while kills < 200:
        folder = tmp_path / str(runs)
        folder.mkdir()
        plan: list[str | float] = []
        for _ in range(dice.randint(1, 4)):
            kind = dice.choice([*kinds, "time"])
            plan.append(
                dice.uniform(0.2, 4.0) if kind == "time" else f"{kind}:{dice.randint(1, kinds[kind])}"
            )
        kills += crash_and_resume(server, folder, plan)
        assert outcome(folder) == undisturbed, plan
        shutil.rmtree(folder)
        runs += 1
        sys.stderr.write(f"\r{kills} kills in {runs} runs, all equal")
    sys.stderr.write("\n")


@pytest.mark.parametrize("concurrency", [1, 16])
def test_a_limit_holds_across_a_kill_and_a_resume(concurrency: int, tmp_path: Path) -> None:
    data = write_sums(tmp_path / "rows.jsonl", 80)
    with ScriptedServer(truth=data, reply_tokens=300, delay=0.01, right=1.0, cite=0.0) as server:
        flags = {"concurrency": concurrency, "max_tokens": 16_000, "batch_size": 40}
        command = ["train", *train_arguments(server.url, data, 80, **flags)]
        killed = start(*command, cwd=tmp_path, env=environment(CRASH_AT="reply:12"), program=CHILD)
        killed.communicate(timeout=120)
        assert killed.returncode == -signal.SIGKILL
        done = ace("resume", "run", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    with RunReader(tmp_path / "run") as run:
        spent = sum(used.tokens for used in run.usage().values())
    assert 0.95 <= spent / 16_000 <= 1.01
