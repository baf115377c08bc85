"""Replies of earlier runs, so that the same question is not paid for again: a folder that any number of processes share.

A reply is kept under its *split* (which phase of a run it was asked in, so that an evaluation never reads what training
was told) and its *entry*, a hash of the whole request and of the occasion in that phase (see :mod:`ace_cli.engine.calls`). No
prompt, key or address stands in it. What is used least recently goes when there is no more room. It is a convenience: whatever is
wrong with it is told once, and the run goes on without it.

Own code on SQLite, beside the store's writer, since the library for it (diskcache) has had no release since 2023 and
reads pickles, which run as code.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from ace_cli.errors import AceError
from ace_cli.files import cannot_write, check_inside, write_private
from ace_cli.llm.base import ChatReply
from ace_cli.runs.codec import decode, dumps, loads
from ace_cli.runs.opening import store_error
from ace_cli.runs.writer import Writer

FILE = "replies.sqlite3"
APPLICATION_ID = 0x41434543
"""``ACEC``, in the header of the file."""
PATIENCE = 30.0
"""Seconds that another process may take to make the file."""
TOUCHED = 500
"""Uses that are noted together where nothing is written otherwise."""
SHARE = 10
"""One in so many entries goes at a time when room is needed."""


@dataclass(frozen=True, slots=True)
class CacheFacts:
    """``size`` in bytes."""

    entries: int
    size: int


@contextlib.contextmanager
def open_cache(folder: Path | None, limit: int, tell: Callable[[str], None]) -> Iterator[ReplyCache | None]:
    """The cache in ``folder``, which is made if need be; None where there is none or it cannot be used.

    Args:
        limit: bytes that it may hold.
        tell: is told once, and in one sentence, why it cannot be used.
    """
    if folder is None:
        yield None
        return
    try:
        cache = ReplyCache(folder, limit, tell)
    except AceError as error:
        tell(_without(error))
        yield None
        return
    try:
        yield cache
    finally:
        cache.close()


class ReplyCache:
    """See :func:`open_cache`. Called from one thread; it is written on another one.

    Raises:
        AceError: it cannot be used.
    """

    def __init__(self, folder: Path, limit: int, tell: Callable[[str], None]) -> None:
        self._path = folder / FILE
        self._limit = limit
        self._tell = tell
        self._is_told = False
        self._touched: list[tuple[str, str]] = []
        _make(folder)
        try:
            self._db = _reading(self._path)
        except sqlite3.Error as error:
            raise store_error(self._path, error) from error
        try:
            self._writer = Writer(self._path, lambda: False, self._tidy, is_durable=False)
        except AceError:
            self._db.close()
            raise

    def get(self, split: str, entry: str) -> ChatReply | None:
        """What was said then, marked as ``from_cache``."""
        if self._is_told:
            return None
        sql = "SELECT body FROM reply WHERE split = ? AND entry = ?"
        try:
            row = self._db.execute(sql, (split, entry)).fetchone()
            if row is None:
                return None
            reply = decode(ChatReply, loads(row[0]))
        except (sqlite3.Error, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            self._leave(store_error(self._path, error))
            return None
        self._touched.append((split, entry))
        if len(self._touched) >= TOUCHED:
            self._write(_nothing)
        return replace(reply, retries=0, from_cache=True)

    def put(self, split: str, entry: str, reply: ChatReply) -> None:
        """Keep it; it may take a moment until another process sees it. What is known stays."""
        row = (split, entry, dumps(reply), time.time())
        self._write(lambda db: db.execute("INSERT OR IGNORE INTO reply VALUES (?,?,?,?)", row))

    def close(self) -> None:
        if self._touched:
            self._write(_nothing)
        self._db.close()
        self._writer.close()
        if self._writer.error is not None:
            self._leave(self._writer.error)

    def _write(self, write: Callable[[sqlite3.Connection], object]) -> None:
        if self._is_told:
            return
        try:
            self._writer.submit(write)
        except AceError as error:
            self._leave(error)

    def _leave(self, error: AceError) -> None:
        if not self._is_told:
            self._is_told = True
            self._tell(_without(error))

    def _tidy(self, db: sqlite3.Connection) -> None:
        """Note what was used, and make room. On the writer's thread, with every group of writes."""
        touched, self._touched = self._touched, []
        now = time.time()
        db.executemany(
            "UPDATE reply SET used = ? WHERE split = ? AND entry = ?", [(now, *name) for name in touched]
        )
        if _size(db) <= self._limit:
            return
        while _size(db) > self._limit and (count := _count(db)):
            oldest = "SELECT rowid FROM reply ORDER BY used LIMIT ?"
            db.execute(f"DELETE FROM reply WHERE rowid IN ({oldest})", (-(-count // SHARE),))
        db.execute("PRAGMA incremental_vacuum").fetchall()


def cache_facts(folder: Path) -> CacheFacts | None:
    """What a cache holds, None where there is none yet. Makes nothing.

    Raises:
        AceError: it cannot be used.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with contextlib.closing(_reading(path)) as db:
            return CacheFacts(_count(db), _size(db))
    except sqlite3.Error as error:
        raise store_error(path, error) from error


def _make(folder: Path) -> None:
    """The folder and the file in it, for their owner alone, where they are missing."""
    path = folder / FILE
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        for name in (FILE, f"{FILE}-wal", f"{FILE}-shm", "replies.lock"):
            check_inside(folder / name, folder)
        with FileLock(folder / "replies.lock", timeout=PATIENCE, mode=0o600):
            if path.exists():
                return
            making = folder / f"{FILE}.making"
            write_private(making)
            with contextlib.closing(sqlite3.connect(making, isolation_level=None)) as db:
                for statement in _SCHEMA:
                    db.execute(statement)
            making.replace(path)
    except Timeout as error:
        raise AceError(f"another process is making {path}") from error
    except OSError as error:
        raise cannot_write(folder, error) from error
    except sqlite3.Error as error:
        raise store_error(path, error) from error


_SCHEMA = (
    "PRAGMA auto_vacuum = INCREMENTAL",
    f"PRAGMA application_id = {APPLICATION_ID}",
    "PRAGMA user_version = 1",
    "CREATE TABLE reply (split TEXT NOT NULL, entry TEXT NOT NULL, body TEXT NOT NULL, used REAL NOT NULL)",
    "CREATE UNIQUE INDEX reply_name ON reply (split, entry)",
    "CREATE INDEX reply_used ON reply (used)",
)


def _reading(path: Path) -> sqlite3.Connection:
    """A connection that only reads.

    Raises:
        sqlite3.Error: it is damaged. AceError: it is no cache, or one of another version.
    """
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=30)
    try:
        found = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if found != [APPLICATION_ID, 1]:
            raise AceError(f"{path} is no cache of this version of ace")
    except BaseException:
        db.close()
        raise
    return db


def _size(db: sqlite3.Connection) -> int:
    """Bytes that are in use."""
    pages, free, size = (
        int(db.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM reply").fetchone()[0])


def _without(error: AceError) -> str:
    return f"the cache of replies cannot be used, so nothing is read from it or kept in it: {error.message}"


def _nothing(_: sqlite3.Connection) -> None:
    """What is written where only uses are to be noted."""
