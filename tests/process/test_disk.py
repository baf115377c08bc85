"""No room, no permission: a clear line, old files intact, and the run goes on once there is room."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import ace, read_json, train_arguments
from support.inside import Inside
from support.serving import Serve


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB, where this machine lets us mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("room", [10, 200, 1450, 1700, 2000])
def test_out_of_disk_it_stops_with_a_clear_line_and_goes_on_when_there_is_room(
    room: int, small_disk: Path, serve: Serve, tmp_path: Path, inside: Inside
) -> None:
    server, data = serve(40)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (4096 - room) * 1024)
    arguments = train_arguments(
        server.url, data, 40, run_dir=small_disk / "run", batch_size=5, concurrency=4, checkpoint_interval=10
    )
    done = ace("train", *arguments, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "space" in done.stderr
    assert "Traceback" not in done.stderr
    asked = server.answered()
    assert bool(asked) is (room > 1000), "without room for what is in flight nothing is asked for"
    still = ace("resume", small_disk / "run", cwd=tmp_path)  # by the room of the closed log, a little further
    assert still.returncode in (1, 2), "where there was no room to make a run, there is none"
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=16m", small_disk], check=True)
    if (small_disk / "run/run.sqlite3").exists():
        again = inside("resume", small_disk / "run")
    else:
        again = inside("train", *arguments)
    assert again.code == 0, again.err
    assert read_json(tmp_path / "out/playbook.json")["bullets"]
    assert set(server.answered().values()) == {1}, "what was in flight went into the room kept for it"


def test_outputs_on_a_full_disk_leave_the_old_files_and_the_run_whole(
    small_disk: Path, serve: Serve, tmp_path: Path, inside: Inside
) -> None:
    server, data = serve(10)
    old = small_disk / "playbook.json"
    old.write_text("the old one")
    with contextlib.suppress(OSError), (small_disk / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(b"x" * 1024)
    arguments = train_arguments(server.url, data, 10, output=old)
    done = ace("train", *arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert old.read_text() == "the old one"
    (small_disk / "ballast").unlink()
    asked = len(server.log)
    again = inside("resume", "run")
    assert again.code == 0, again.err
    assert read_json(old)["bullets"]
    assert len(server.log) == asked


@pytest.mark.parametrize("where", ["run_dir", "output", "metrics_output"])
def test_places_that_cannot_be_written_are_told_before_anything_is_paid(
    where: str, serve: Serve, inside: Inside
) -> None:
    server, data = serve(4)
    (inside.cwd / "file").write_text("in the way")
    done = inside.train(server, data, 4, **{where: "file/below"})
    assert done.code in (1, 2)
    assert done.err.startswith("error: ")
    assert "file" in done.err.splitlines()[0]
    assert not server.log
