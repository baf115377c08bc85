"""A file is written whole or not at all, and what was there stays as it was."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ace_cli.errors import AceError
from ace_cli.files import keep_aside, write_atomic


def fail(monkeypatch: pytest.MonkeyPatch, step: str, number: int) -> None:
    def broken(*args: Any, **named: Any) -> Any:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr({"mkstemp": tempfile, "fsync": os}.get(step, Path), step, broken)


@pytest.mark.parametrize("step", ["mkstemp", "fsync", "replace", "chmod"])
@pytest.mark.parametrize(
    ("number", "hint"),
    [(errno.ENOSPC, "Free some space"), (errno.EACCES, "folder that you may write to"), (errno.EIO, "")],
    ids=["no space", "no permission", "broken disk"],
)
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int, hint: str
) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old")
    with monkeypatch.context() as patch:
        fail(patch, step, number)
        with pytest.raises(AceError) as told:
            write_atomic(path, b"new")
    assert told.value.message == f"cannot write {path}: {os.strerror(number)}"
    assert hint in told.value.hint
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond ``size`` bytes: what comes first is written, the rest fails, as on a full disk."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_half_of_the_data_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    with room_for(5), pytest.raises(AceError, match=r"cannot write .*file\.json"):
        write_atomic(path, b"0123456789")
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"0123456789")
    with room_for(5), pytest.raises(AceError, match=r"cannot write .*file\.1\.json"):
        keep_aside(path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_permissions_are_kept_and_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_bytes(b"")
    old.chmod(0o640)
    write_atomic(old, b"x")
    assert old.stat().st_mode & 0o777 == 0o640
    mask = os.umask(0o027)
    try:
        write_atomic(tmp_path / "new", b"x")
    finally:
        os.umask(mask)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640


def test_a_link_is_followed_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real/file", tmp_path / "link"
    link.symlink_to(target)
    for data in (b"first", b"second"):  # also a link to what is not there yet
        write_atomic(link, data)
        assert link.is_symlink()
        assert target.read_bytes() == data


def test_folders_are_made_and_a_folder_or_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a/b/c.json", b"x")
    assert (tmp_path / "a/b/c.json").read_bytes() == b"x"
    with pytest.raises(AceError, match="cannot write"):
        write_atomic(tmp_path / "a", b"x")
    with pytest.raises(AceError, match="cannot write"):
        write_atomic(tmp_path / "a/b/c.json/d", b"x")
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["c.json"]


def test_long_and_odd_names_can_be_written(tmp_path: Path) -> None:
    for name in ("x" * 200 + ".json", "ünï [*] ?.json", " ", "-o"):
        write_atomic(tmp_path / name, b"x")
        assert (tmp_path / name).read_bytes() == b"x"


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_what_a_run_writes_is_for_its_owner_alone(tmp_path: Path) -> None:
    write_atomic(tmp_path / "checkpoints/1.json", b"x", inside=tmp_path)
    assert (tmp_path / "checkpoints").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "checkpoints/1.json").stat().st_mode & 0o777 == 0o600


def test_no_link_leads_out_of_a_run(tmp_path: Path) -> None:
    """Somebody else's run directory could otherwise make the user overwrite files of his own."""
    run, home = tmp_path / "run", tmp_path / "home"
    run.mkdir()
    home.mkdir()
    (home / "notes").write_bytes(b"mine")
    (run / "playbook.json").symlink_to(home / "notes")
    (run / "metrics.json").symlink_to("../home/new")
    (run / "checkpoints").symlink_to(home, target_is_directory=True)
    for name in ("playbook.json", "metrics.json", "checkpoints/notes", "../home/notes"):
        with pytest.raises(AceError, match=r"leads out of the run, to .*home"):
            write_atomic(run / name, b"x", inside=run)
    assert [(path.name, path.read_bytes()) for path in home.iterdir()] == [("notes", b"mine")]
    (tmp_path / "link").symlink_to(run, target_is_directory=True)  # the run itself may be reached through one
    write_atomic(tmp_path / "link/new.json", b"x", inside=tmp_path / "link")
    assert (run / "new.json").read_bytes() == b"x"


def test_a_file_that_will_be_replaced_is_kept_under_a_number_that_is_free(tmp_path: Path) -> None:
    path = tmp_path / "playbook.json"
    assert keep_aside(path) is None
    path.write_bytes(b"edited")
    path.chmod(0o640)
    (tmp_path / "playbook.2.json").write_bytes(b"older")
    assert keep_aside(path) == tmp_path / "playbook.1.json"
    assert keep_aside(path) == tmp_path / "playbook.3.json"
    assert (tmp_path / "playbook.2.json").read_bytes() == b"older"
    for copy in (path, tmp_path / "playbook.1.json", tmp_path / "playbook.3.json"):
        assert copy.read_bytes() == b"edited"
        assert copy.stat().st_mode & 0o777 == 0o640 or os.name == "nt"
    with pytest.raises(AceError, match="cannot write"):
        keep_aside(tmp_path)


def test_a_dangling_link_under_the_next_number_is_not_written_through(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "playbook.json", tmp_path / "elsewhere"
    path.write_bytes(b"edited")
    (tmp_path / "playbook.1.json").symlink_to(elsewhere)
    assert keep_aside(path) == tmp_path / "playbook.2.json"
    assert not elsewhere.exists()


def test_threads_that_write_the_same_file_do_not_meet(tmp_path: Path) -> None:
    problems: list[BaseException] = []
    start = threading.Barrier(4)

    def write(letter: bytes) -> None:
        start.wait()
        try:
            for _ in range(20):
                write_atomic(tmp_path / "file", letter * 10_000)
        except AceError as error:
            problems.append(error)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b", b"c", b"d")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert len(set((tmp_path / "file").read_bytes())) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
