"""One writer a run: a second one is refused by name, a dead one is forgotten, readers and lookers disturb nobody."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from ace_cli.runs import lock
from ace_cli.runs.folders import list_runs
from support.command import environment
from support.inside import Inside
from support.inspect_samples import make_run

HOLDER = """
import sys
from pathlib import Path
from ace_cli.runs import lock
with lock.hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    run = make_run(tmp_path / "runs/run", examples=20, state="running")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(run)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_writer_is_refused_and_told_who_holds_the_run(
    inside: Inside, holder: subprocess.Popen[str]
) -> None:
    done = inside("resume", "runs/run")
    assert done.code == 1
    said = f"runs/run is being written by process {holder.pid} on {socket.gethostname()}"
    assert done.err.startswith(f"error: {said}\nhint: ")
    assert lock.is_held(Path("runs/run"))


def test_a_live_run_is_read_and_is_not_what_resume_goes_on_with(
    inside: Inside, holder: subprocess.Popen[str]
) -> None:
    assert inside("inspect", "runs/run").code == 0
    (run,) = list_runs()
    assert (run.state, run.state.is_resumable) == ("running", False)
    done = inside("resume")
    assert done.code == 2
    assert "runs/run is passed over: a process is working on it" in done.err


def test_the_lock_of_a_killed_process_is_taken_over(inside: Inside, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    run = Path("runs/run")
    assert (run / "run.pid").exists()
    assert not lock.is_held(run)
    assert [found.state for found in list_runs()] == ["crashed"]
    with lock.hold(run):
        assert json.loads((run / "run.pid").read_text())["pid"] == os.getpid()
    assert not (run / "run.pid").exists()


def test_a_look_whether_a_run_is_held_does_not_turn_its_writer_away(tmp_path: Path) -> None:
    look = FileLock(tmp_path / "run.lock", thread_local=False)
    look.acquire()
    threading.Timer(0.1, look.release).start()
    with lock.hold(tmp_path):
        (tmp_path / "run.pid").write_text("{}")
        assert lock.is_held(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="POSIX permissions; root gives up its own by prctl")
def test_a_run_in_a_read_only_folder_is_read_but_not_resumed(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", examples=10, state="stopped")
    for path in (*run.iterdir(), run):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        for command, code, words in (
            (["inspect", run], 0, ""),
            (["resume", run], 1, "The folder must be writable."),
        ):
            done = as_mortal(*command, cwd=tmp_path)
            assert done.returncode == code, done.stderr
            assert words in done.stderr
            assert "Traceback" not in done.stderr
    finally:
        run.chmod(0o755)


def as_mortal(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`ace` without root's right to write everywhere."""

    def drop() -> None:
        import ctypes

        drop_from_bounding_set, overrides = 24, (1, 2)  # linux/prctl.h, linux/capability.h
        for capability in overrides:
            ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)

    return subprocess.run(
        [sys.executable, "-m", "ace_cli", *map(str, arguments)], cwd=cwd, env=environment(), text=True,
        capture_output=True, check=False, preexec_fn=drop if os.geteuid() == 0 else None,
    )  # fmt: skip
