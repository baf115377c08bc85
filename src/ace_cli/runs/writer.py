"""The one thread that writes a store.

It puts all that is waiting into one transaction (a group commit), so durability costs one fsync for many replies, and whoever
waits for a write does not hold up the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

from ace_cli.errors import StoreError
from ace_cli.runs.opening import is_full, store_error

Write = Callable[[sqlite3.Connection], object]
_Done = Future[None] | asyncio.Future[None]


class Writer:
    """Writes to the store at ``path``, on a thread of its own.

    Args:
        free_room: frees room on a full disk; False when there was none to free.
        besides: written with every group.
        is_durable: False for what may get lost with the power.

    Raises:
        StoreError: the store cannot be opened for writing.
    """

    def __init__(
        self, path: Path, free_room: Callable[[], bool], besides: Write, *, is_durable: bool = True
    ) -> None:
        self.shortage: StoreError | None = None
        """Why the room was freed."""
        self._path = path
        self._free_room = free_room
        self._besides = besides
        self._error: StoreError | None = None
        self._waiting: queue.SimpleQueue[tuple[Write, _Done] | None] = queue.SimpleQueue()
        try:
            self._db = connect(path)
            if not is_durable:
                self._db.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.Error as error:
            raise store_error(path, error) from error
        self._thread = threading.Thread(target=self._work, name="run-store", daemon=True)
        self._thread.start()

    @property
    def error(self) -> StoreError | None:
        """Why nothing more is written."""
        return self._error

    def submit(self, write: Write) -> Future[None]:
        """Have it written; durable when the future is done.

        Raises:
            StoreError: an earlier write failed.
        """
        done: Future[None] = Future()
        done.set_running_or_notify_cancel()  # whoever waits may be cancelled; what is written stays written
        self._put(write, done)
        return done

    async def written(self, write: Write) -> None:
        """Have it written; durable when it returns. An event loop is woken up once for all of its writes in a group.

        Raises:
            StoreError: this write failed, or an earlier one.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._put(write, done)
        await done

    def _put(self, write: Write, done: _Done) -> None:
        if self._error is not None:
            raise self._error
        self._waiting.put((write, done))

    def close(self) -> None:
        """Write what is waiting and close."""
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        with contextlib.closing(self._db):
            for group in self._groups():
                try:
                    self._commit_or_free_room([*(write for write, _ in group), self._besides])
                except Exception as error:  # noqa: BLE001 - on a thread of its own: nobody else would hear of it
                    # Nothing of this group is on disk; whoever waits for it must not go on, nor anyone after.
                    self._error = store_error(self._path, error)
                self._tell([done for _, done in group])

    def _tell(self, group: Sequence[_Done]) -> None:
        """What became of a group, each where it is waited for."""
        by_loop: defaultdict[asyncio.AbstractEventLoop, list[_Done]] = defaultdict(list)
        for done in group:
            if isinstance(done, asyncio.Future):
                by_loop[done.get_loop()].append(done)
            else:
                _settle([done], self._error)
        for loop, waiting in by_loop.items():
            with contextlib.suppress(RuntimeError):  # it is closed, so nobody waits any more
                loop.call_soon_threadsafe(_settle, waiting, self._error)

    def _groups(self) -> Iterator[list[tuple[Write, _Done]]]:
        """What is waiting, as soon as there is something; it ends at the None of :meth:`close`."""
        while (first := self._waiting.get()) is not None:
            group, last = [first], False
            while not last and not self._waiting.empty():
                item = self._waiting.get_nowait()
                last = item is None
                if item is not None:
                    group.append(item)
            yield group
            if last:
                return

    def _commit_or_free_room(self, writes: Sequence[Write]) -> None:
        try:
            self._commit(writes)
        except sqlite3.OperationalError as error:
            if not is_full(error) or not self._free_room():
                raise
            self.shortage = store_error(self._path, error)
            self._commit(writes)

    def _commit(self, writes: Sequence[Write]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for write in writes:
                write(self._db)
            self._db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # on a full disk SQLite has rolled back by itself
                self._db.execute("ROLLBACK")
            raise


def _settle(group: Sequence[_Done], error: StoreError | None) -> None:
    for done in group:
        if done.done():  # whoever waited was cancelled
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)


def connect(path: Path) -> sqlite3.Connection:
    """A connection that writes."""
    db = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    return db
