"""A random sample that a seed determines, drawn in one pass."""

from __future__ import annotations

import hashlib
import heapq
import json
import sqlite3
from collections.abc import Iterator
from operator import attrgetter

from ace_cli.data.example import Example
from ace_cli.errors import AceError

_MOST_IN_MEMORY = 10_000
_values = attrgetter(*Example.__slots__)


def draw(examples: Iterator[tuple[int, Example]], size: int | None, seed: int) -> Iterator[Example]:
    """The ``size`` examples (None: all) with the smallest hash of seed and row number, in the order of that hash.

    So a sample depends on nothing but the seed and the rows, and a larger one begins with the smaller one. At most 10,000
    examples are held in memory; more go through a temporary file.
    """
    keyed = ((_key(seed, number), example) for number, example in examples)
    if size is not None and size <= _MOST_IN_MEMORY:
        for _, example in heapq.nsmallest(size, keyed, key=lambda pair: pair[0]):
            yield example
        return
    store = sqlite3.connect("")  # an unnamed database lives in a temporary file that goes with it
    try:
        store.execute("CREATE TABLE drawn (key BLOB PRIMARY KEY, example TEXT) WITHOUT ROWID")
        packed = ((key, json.dumps(_values(example))) for key, example in keyed)
        store.executemany("INSERT INTO drawn VALUES (?, ?)", packed)
        limit = -1 if size is None else size
        for (text,) in store.execute("SELECT example FROM drawn ORDER BY key LIMIT ?", (limit,)):
            yield Example(*json.loads(text))
    except sqlite3.Error as error:
        raise AceError(
            f"cannot shuffle the examples: {error}", "A temporary file of the data's size is needed."
        ) from error
    finally:
        store.close()


def _key(seed: int, number: int) -> bytes:
    return hashlib.sha256(f"{seed}:{number}".encode()).digest()[:16]
