"""The files of a run: for their owner alone, and never written through a link that leads out of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from support.command import train_arguments
from support.inside import Inside
from support.serving import Serve


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in folder.rglob("*")}


def test_a_run_is_for_its_owner_alone_while_it_goes_on_and_after(serve: Serve, inside: Inside) -> None:
    server, data = serve(6)
    assert inside.train(server, data, 6, checkpoint_interval=2, batch_size=2).code == 0
    run = inside.cwd / "run"
    with sqlite3.connect(run / "run.sqlite3") as db:  # a second connection, so that log and index are there
        db.execute("SELECT * FROM session").fetchall()
        found = modes(run)
    db.close()
    assert run.stat().st_mode & 0o777 == 0o700
    assert {"run.sqlite3", "run.sqlite3-wal", "run.sqlite3-shm", "run.lock", "checkpoints"} <= found.keys()
    assert found.pop("checkpoints") == 0o700
    assert set(found.values()) == {0o600}, found


def test_a_run_of_an_older_version_is_closed_to_others_when_it_goes_on(serve: Serve, inside: Inside) -> None:
    server, data = serve(6)
    assert inside.train(server, data, 6).code == 0
    (inside.cwd / "run/run.sqlite3").chmod(0o644)
    assert inside("resume", "run").code == 0
    assert (inside.cwd / "run/run.sqlite3").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "name",
    ["run.pid", "run.lock", "run.sqlite3-wal", "run.sqlite3-shm", "run.sqlite3-journal", "checkpoints"],
)
def test_no_link_in_a_run_leads_out_of_it(name: str, serve: Serve, inside: Inside) -> None:
    server, data = serve(8)
    done = inside.train(server, data, 8, batch_size=2, concurrency=2, max_calls=6)
    assert done.code == 3, done.err
    outside = inside.cwd / "mine"
    outside.mkdir()
    (outside / "precious").write_text("precious")
    target = outside if name == "checkpoints" else outside / "precious"
    (inside.cwd / "run" / name).unlink(missing_ok=True)
    (inside.cwd / "run" / name).symlink_to(target)
    done = inside("resume", "run", "--max-calls", "", "--checkpoints", "--checkpoint-interval", "2")
    assert (outside / "precious").read_text() == "precious"
    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert "leads out of the run" in done.err or name == "run.pid"


@pytest.mark.parametrize("name", ["run.sqlite3.making", "run.sqlite3.making-journal", "run.pid"])
def test_a_new_run_in_a_folder_with_links_writes_through_none(
    name: str, serve: Serve, inside: Inside
) -> None:
    server, data = serve(2)
    precious, run = inside.cwd / "precious", inside.cwd / "run"
    precious.write_text("precious")
    run.mkdir()
    (run / name).symlink_to(precious)
    inside("train", *train_arguments(server.url, data, 2))
    assert precious.read_text() == "precious"
