"""`ace`, with one difference: it kills itself (SIGKILL) right after a chosen write.

``CRASH_AT=reply:7`` dies when the 7th reply is durable, before anything uses it. Kinds: reply, episode, merge,
session, end, vectors, commit (after the transaction, before anyone is told), making (the new store, before it gets its name),
file (a finished file, before it gets its name) and renamed (after).
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from ace_cli.cli import main
from ace_cli.runs.store import RunStore

kind_wanted, _, number_wanted = os.environ.get("CRASH_AT", ":0").partition(":")
seen: Counter[str] = Counter()


def count(kind: str) -> None:
    seen[kind] += 1
    if kind == kind_wanted and seen[kind] == int(number_wanted):
        os.kill(os.getpid(), signal.SIGKILL)


def after(name: str, kind: str) -> None:
    original = getattr(RunStore, name)

    async def asynchronous(self: RunStore, *arguments: Any) -> Any:
        result = await original(self, *arguments)
        count(kind)
        return result

    def synchronous(self: RunStore, *arguments: Any) -> Any:
        result = original(self, *arguments)
        count(kind)
        return result

    is_async = name.startswith("record")
    setattr(RunStore, name, asynchronous if is_async else synchronous)


for method, word in {
    "record_reply": "reply",
    "record_episode": "episode",
    "record_merge": "merge",
    "begin_session": "session",
    "end_session": "end",
    "record_vectors": "vectors",
}.items():
    after(method, word)


class Connection(sqlite3.Connection):
    """Counts its commits."""

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        result = super().execute(statement, *values)
        if statement == "COMMIT":
            count("commit")
        return result


def connect(*arguments: Any, original: Any = sqlite3.connect, **options: Any) -> Any:
    return original(*arguments, factory=Connection, **options)


sqlite3.connect = connect

replace = Path.replace


def replaced(self: Path, target: Any) -> Path:
    count("making" if self.name.endswith(".making") else "file")
    result = replace(self, target)
    count("renamed")
    return result


Path.replace = replaced  # type: ignore[method-assign, assignment]

if __name__ == "__main__":
    main(sys.argv[1:])
