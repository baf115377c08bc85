"""A file is written whole or not at all, and what was there stays as it was."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ace_cli.errors import AceError
from ace_cli.files import _prefix, write_atomic


def fail(monkeypatch: pytest.MonkeyPatch, step: str, number: int) -> None:
    def broken(*args: Any, **named: Any) -> Any:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os if step == "fsync" else Path, step, broken)


@pytest.mark.parametrize("step", ["open", "fsync", "replace", "chmod"])
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


def test_half_of_the_data_on_a_full_disk_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: bytes) -> None:
            self.file.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "open", lambda self, *a, **k: Full(real(self, *a, **k)))
    with pytest.raises(AceError, match="No space left"):
        write_atomic(tmp_path / "new.json", b"0123456789")
    assert list(tmp_path.iterdir()) == []


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


def test_leftovers_of_dead_processes_are_removed_and_others_kept(tmp_path: Path) -> None:
    path = tmp_path / "file [1].json"
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    leftover = tmp_path / f"{_prefix(path)}{dead.pid}.tmp"
    alive = tmp_path / f"{_prefix(path)}{os.getppid()}.tmp"
    others = [
        tmp_path / f"{_prefix(path)}x.tmp",
        tmp_path / f".{path.name}.elsewhere-{dead.pid}.tmp",
        tmp_path / "a.tmp",
    ]
    for file in (leftover, alive, *others):
        file.write_bytes(b"half")
    write_atomic(path, b"whole")
    assert set(tmp_path.iterdir()) == {path, alive, *others}


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
