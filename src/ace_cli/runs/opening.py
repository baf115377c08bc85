"""Opening a store to read: is it one, is it whole, and does it stay in its folder?"""

from __future__ import annotations

import contextlib
import inspect
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from ace_cli.errors import AceError, StoreError, UsageError
from ace_cli.files import check_inside
from ace_cli.runs import migrations

FILE = "run.sqlite3"

P = ParamSpec("P")
R = TypeVar("R")


def check(path: Path, *, integrity: bool = True) -> None:
    """Is this a run store that we can read?

    ``integrity`` has SQLite look through the whole file, which takes longer the larger it is.

    Raises:
        UsageError: missing, foreign, or of a newer version. AceError: damaged.
    """
    check_place(path.parent)
    if not path.is_file():
        raise UsageError(f"{path.parent} is not a run: it has no {FILE}", "`ace runs` lists the runs.")
    try:
        with contextlib.closing(_open(path)) as db:
            if db.execute("PRAGMA application_id").fetchone()[0] != migrations.APPLICATION_ID:
                raise UsageError(f"{path} is a database of another program")
            if (found := migrations.version(db)) > len(migrations.MIGRATIONS):
                raise UsageError(
                    f"{path} was written by a newer version of ace (schema {found}, this one knows {len(migrations.MIGRATIONS)})",
                    "Upgrade ace-cli.",
                )
            problem = db.execute("PRAGMA quick_check(1)").fetchone()[0] if integrity else "ok"
            if problem != "ok":
                raise damaged(path, problem)
    except (
        sqlite3.DatabaseError,
        UnicodeDecodeError,
    ) as error:  # broken bytes may stand in SQLite's own words
        raise damaged(path, error) from error


def files_of(run_dir: Path) -> list[Path]:
    """What SQLite may write for a store, whether it is there or not. Its further files take their mode from the first."""
    return [run_dir / f"{FILE}{end}" for end in ("", "-wal", "-shm", "-journal", ".making-journal")]


def check_place(run_dir: Path) -> None:
    """SQLite follows links: none of a store's files may be one that leads out of the run.

    Raises:
        AceError: naming where the link leads.
    """
    for file in files_of(run_dir):
        check_inside(file, run_dir)


def damaged(path: Path, problem: object) -> StoreError:
    return StoreError(f"{path} is damaged: {problem}", "Restore the run's folder from a backup.")


def is_full(error: Exception) -> bool:
    """Whether a write failed for want of room on the disk."""
    return "full" in str(error) or "disk I/O" in str(error)


def store_error(path: Path, error: Exception) -> StoreError:
    """What SQLite (or a value that it cannot hold) said, for people."""
    text = str(error)
    if is_full(error):
        return StoreError(
            f"cannot write {path}: no space left on the disk ({text})",
            "Everything recorded so far is safe. Free some space, then `ace resume`.",
        )
    if "readonly" in text or "unable to open" in text:
        return StoreError(f"cannot write {path}: {text}", "The run's folder must be writable.")
    if isinstance(error, sqlite3.DatabaseError) and ("malformed" in text or "not a database" in text):
        return damaged(path, text)
    return StoreError(f"cannot write {path}: {text}")


def _open(path: Path) -> sqlite3.Connection:
    """Read-only; a store in a folder that may not be written is read as it lies there."""
    uri = path.absolute().as_uri()
    for options in ("mode=ro", "mode=ro&immutable=1"):
        db = sqlite3.connect(
            f"{uri}?{options}", uri=True, isolation_level=None, timeout=30, check_same_thread=False
        )
        try:
            db.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError:
            db.close()
            continue
        return db
    raise AceError(f"cannot open {path}", "Is the file readable?")


def open_current(path: Path) -> sqlite3.Connection:
    """As :func:`_open`; a store of an older schema is read through a copy in memory that is brought up to date."""
    db = _open(path)
    if migrations.version(db) == len(migrations.MIGRATIONS):
        return db
    with contextlib.closing(db):
        copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        try:
            db.backup(copy)
            migrations.migrate(copy)
        except BaseException:
            copy.close()
            raise
        return copy


def reading(method: Callable[P, R]) -> Callable[P, R]:
    """A method of the reader: what goes wrong inside it is damage to the store, and reported as such.

    SQLite's own check sees broken pages, not a broken text on a sound page.
    """

    @contextlib.contextmanager
    def guard(run: Any) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise damaged(run.path, error) from error
        except (
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
            OverflowError,
            RecursionError,
            zlib.error,
        ) as error:
            raise damaged(run.path, f"a record cannot be read ({type(error).__name__}: {error})") from error

    if inspect.isgeneratorfunction(method):

        @wraps(method)
        def steps(*args: P.args, **kwargs: P.kwargs) -> Any:
            with guard(args[0]):
                yield from method(*args, **kwargs)

        return steps

    @wraps(method)
    def whole(*args: P.args, **kwargs: P.kwargs) -> R:
        with guard(args[0]):
            return method(*args, **kwargs)

    return whole
