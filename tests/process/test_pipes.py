"""Who reads what `ace` writes: a pipe, a follower, somebody who leaves, nobody, a full device."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import support.inspect_samples as samples
from ace_cli.runs.records import State
from ace_cli.runs.store import RunStore
from support.command import ace, environment, start, train_arguments
from support.serving import Serve

PLAYBOOK = Path(__file__).parents[1] / "golden/playbook.json"


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    bullets = [{"id": f"B{n}", "content": "x" * 200} for n in range(3000)]
    path = samples.write(tmp_path / "p.json", bullets)
    process = start("inspect", path, cwd=tmp_path)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 0


def test_follow_ends_with_the_run(tmp_path: Path) -> None:
    run_dir = samples.make_run(tmp_path / "live", examples=20, state="running")
    with RunStore(run_dir) as store, samples.lock(run_dir):
        process = start("inspect", run_dir, "--follow", cwd=tmp_path)
        assert process.stdout is not None
        assert process.stdout.readline().startswith(
            "batch 1: 10/20 examples, accuracy 40.0 % (batch 40.0 %), 1 bullet (+1, 1 repeated)"
        )
        assert process.stdout.readline().startswith("batch 2: 20/20")
        asyncio.run(samples.one_more_merge(store))
        assert process.stdout.readline().startswith("batch 3: 30/20")
        assert process.poll() is None, "it stays while the run goes on"
        store.begin_session({})
        store.end_session(State.FINISHED)
        rest, errors = process.communicate(timeout=30)
    assert (rest, process.returncode) == ("", 0)
    assert errors == f"{run_dir} is finished\n"


@pytest.mark.skipif(os.name == "nt", reason="POSIX shell")
@pytest.mark.parametrize("redirect", [">&- 2>&-", "2> >(exec true)"])
def test_a_run_ends_well_though_nobody_reads_it(tmp_path: Path, serve: Serve, redirect: str) -> None:
    server, data = serve(6)
    arguments = shlex.join(map(str, train_arguments(server.url, data, 6)))
    done = subprocess.run(
        ["bash", "-c", f"{shlex.quote(sys.executable)} -m ace_cli train {arguments} {redirect}"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/playbook.json").exists()
    assert done.stdout.startswith("accuracy ") is (">&- 2" not in redirect)


def test_an_export_writes_into_a_pipe_as_it_is(tmp_path: Path) -> None:
    done = ace("export", PLAYBOOK, "-f", "prompt", "-o", "/dev/stdout", cwd=tmp_path)
    assert done.returncode == 0
    assert "\n[B001] " in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_output_that_finds_no_room_is_told(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"bullets": [{"id": "B001", "content": "x"}]}')
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ace_cli", "export", "p.json", "--format", "markdown"],
            cwd=tmp_path,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
