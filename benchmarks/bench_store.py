"""What durability costs: replies recorded at 100 a second beside nothing recorded, and as fast as it goes.

    python -m benchmarks.bench_store [--replies 500] [--rounds 3] [--folder DISK]

"Calls" are sleeps of 0.1 to 0.3 s that start at a fixed pace, each followed by ``record_reply``, as in a run: the reply is
durable before the call counts as done. Aim: at most 10 % fewer calls a second than without a store. Commits are counted at the
connection; with ``synchronous = FULL`` each is one fsync of the log.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.processes import machine

from ace_cli.clock import now
from ace_cli.data import Example
from ace_cli.llm.base import ChatReply
from ace_cli.playbook import Playbook
from ace_cli.runs.records import Header, RecordedReply
from ace_cli.runs.store import RunStore

SYSTEM = "You are the Generator. " + "[B001] Read the last sentence again to see what is asked.\n" * 40


class CountingStore(RunStore):
    """Counts its commits."""

    commits = 0

    def _note_seconds(self, db: sqlite3.Connection) -> None:
        self.commits += 1
        super()._note_seconds(db)


def reply(number: int) -> RecordedReply:
    messages = (("system", SYSTEM), ("user", f"Question {number}: " + "how many apples are left? " * 10))
    said = ChatReply('{"reasoning": "' + "step by step " * 40 + '", "final_answer": "7"}', "stop", 900, 150)
    return RecordedReply(
        f"key{number:020d}", number // 2, "generator", number % 2, "model", messages, said, now()
    )


def make(folder: Path) -> CountingStore:
    header = Header(
        now(), "0", {"training.epochs": 1, "training.quarantine_min_votes": 3}, {}, {}, Playbook(), "", {}
    )
    examples: Iterator[Example] = (Example(str(n), "q", "a") for n in range(10))
    folder.mkdir()
    RunStore.create(folder, header, {}, examples, lambda: "")
    store = CountingStore(folder)
    store.begin_session({})
    store.commits = 0
    return store


async def offered(replies: int, rate: float, store: RunStore | None) -> tuple[float, float]:
    """Calls a second when ``rate`` a second are started; mean milliseconds from a reply to its record."""
    chance = random.Random(1)
    pauses = [chance.uniform(0.1, 0.3) for _ in range(replies)]
    waits: list[float] = []
    started = time.perf_counter()

    async def call(number: int) -> None:
        await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()) + pauses[number])
        if store is not None:
            before = time.perf_counter()
            await store.record_reply(reply(number))
            waits.append(time.perf_counter() - before)

    await asyncio.gather(*map(call, range(replies)))
    seconds = time.perf_counter() - started
    return replies / seconds, 1000 * sum(waits) / len(waits) if waits else 0.0


async def flood(replies: int, in_flight: int, store: RunStore) -> float:
    """Replies a second when each of ``in_flight`` writers goes on as soon as its reply is durable."""
    numbers = iter(range(replies))

    async def writer() -> None:
        for number in numbers:
            await store.record_reply(reply(number))

    started = time.perf_counter()
    await asyncio.gather(*(writer() for _ in range(in_flight)))
    return replies / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replies", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--folder", type=Path, help="on the disk to measure; by default the system's for temporary files"
    )
    chosen = parser.parse_args()
    replies = chosen.replies
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        folder = Path(name)
        print(f"{machine()}; {replies} replies a line\n\n100 calls a second offered\n")
        print(f"{'':<12}{'calls/s':>9}{'ms to record':>14}{'commits':>9}{'replies/commit':>16}")
        for number in range(chosen.rounds):
            rate, _ = asyncio.run(offered(replies, 100, None))
            print(f"{'no store':<12}{rate:>9.1f}")
            with make(folder / f"offered{number}") as store:
                rate, wait = asyncio.run(offered(replies, 100, store))
                print(
                    f"{'store':<12}{rate:>9.1f}{wait:>14.1f}{store.commits:>9}{replies / store.commits:>16.1f}"
                )
        print("\nas fast as it goes\n")
        print(f"{'in flight':<12}{'replies/s':>9}{'commits':>9}{'replies/commit':>16}")
        for in_flight in (1, 16, 64):
            with make(folder / f"flood{in_flight}") as store:
                rate = asyncio.run(flood(replies, in_flight, store))
                print(f"{in_flight:<12}{rate:>9.0f}{store.commits:>9}{replies / store.commits:>16.1f}")


if __name__ == "__main__":
    main()
