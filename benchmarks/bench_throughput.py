"""How near training and evaluation come to the time that the replies' latencies allow.

    python -m benchmarks.bench_throughput [--examples 400] [--mean 0.5] [--rounds 1] [--only defaults 64 eval limit]

The server answers after lognormal times. No call takes less than its latency, and at most so many are in flight: so the sum of
the latencies over the calls in flight is a bound. Shown is the clock from the first request to the last reply as a multiple of
it; what comes before (start-up) and after is told apart. Where the concurrency is chosen by the run itself (`auto`, the
default), the bound is that of the 16 calls in flight that were the default before, and the most that were in flight are shown.

`one at a time` is measured over a tenth of the examples and told for all of them. `limit`: a server that bans who asks
for more than so many requests a minute, second by second; the bound is what its limit allows.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.bench_eval import write_playbook
from benchmarks.processes import flags_of, machine, scripted_server, spend, write_questions

BEFORE = 16
"""Calls in flight that the default meant before it was `auto`."""
REQUESTS_A_MINUTE = 600
PIPELINES = {32: (16, 3), 64: (32, 4), 200: (100, 3)}
"""Calls in flight -> batch size and lookahead: examples of two to two and a half times as many calls may be under way. The rule of
batches alone takes 1.35 times the bound at 64 with a lookahead of 3, and 1.24 with 4 (docs/speed.md)."""


@dataclass(frozen=True)
class Measured:
    """Of one run; times in seconds."""

    calls: int
    latencies: float
    wall: float
    before: float
    after: float
    cpu: float
    most: int
    refused: int


class Bench:
    """Runs in a folder against one server."""

    def __init__(self, folder: Path, log: Path, url: str, examples: int) -> None:
        self.folder, self.log, self.url, self.examples = folder, log, url, examples
        self._numbers = count()

    def train(self, examples: int, **flags: object) -> Measured:
        run = self.folder / f"run{next(self._numbers)}-{time.time_ns()}"
        given = {
            **self._common(run, examples),
            "reflector_model": "openai/scripted",
            "output": run / "playbook.json",
            "metrics_output": run / "metrics.json",
            **flags,
        }
        return self._measure("train", *flags_of(given))

    def evaluate(self, examples: int, **flags: object) -> Measured:
        run = self.folder / f"run{next(self._numbers)}-{time.time_ns()}"
        return self._measure(
            "eval", self.folder / "book.json", *flags_of({**self._common(run, examples), **flags})
        )

    def _common(self, run: Path, examples: int) -> dict[str, object]:
        return {
            "input": self.folder / "data.jsonl",
            "num_examples": examples,
            "api_base": self.url,
            "generator_model": "openai/scripted",
            "run_dir": run,
        }

    def _measure(self, *arguments: object) -> Measured:
        seen = len(self._asked())
        started = time.time()
        spent = spend("-m", "ace_cli", *arguments, cwd=self.folder)
        ended = time.time()
        asked = self._asked()[seen:]
        first, last = min(entry["asked"] for entry in asked), max(entry["sent"] for entry in asked)
        answered = [entry for entry in asked if entry["outcome"] == "ok"]
        return Measured(
            calls=len(answered),
            latencies=sum(entry["sent"] - entry["asked"] for entry in answered),
            wall=last - first,
            before=first - started,
            after=ended - last,
            cpu=spent.cpu,
            most=_most_at_once(asked),
            refused=len(asked) - len(answered),
        )

    def _asked(self) -> list[dict[str, Any]]:
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]


def _most_at_once(asked: list[dict[str, Any]]) -> int:
    ends = sorted([(entry["asked"], 1) for entry in asked] + [(entry["sent"], -1) for entry in asked])
    now = most = 0
    for _, step in ends:
        now += step
        most = max(most, now)
    return most


def line(name: str, found: Measured, bound: float) -> str:
    refused = f"  {found.refused} refused" if found.refused else ""
    return (
        f"{name:<42}{found.calls:>6}{bound:>9.2f}{found.wall:>9.2f}{found.wall / bound:>8.2f}{found.most:>7}"
        f"{found.before:>9.2f}{found.after:>7.2f}{found.cpu:>8.2f}{found.cpu / found.calls * 1000:>9.1f}{refused}"
    )


HEAD = f"{'':<42}{'calls':>6}{'bound':>9}{'wall':>9}{'ratio':>8}{'most':>7}{'before':>9}{'after':>7}{'CPU':>8}{'ms/call':>9}"


def rows(
    bench: Bench, only: list[str], mean: float
) -> list[tuple[str, Callable[[], tuple[Measured, float]]]]:
    """What is measured, by name: each gives what was found and its bound."""
    examples = bench.examples

    def train(in_flight: int, **flags: object) -> Callable[[], tuple[Measured, float]]:
        def run() -> tuple[Measured, float]:
            found = bench.train(examples, **flags)
            return found, found.latencies / in_flight

        return run

    def evaluate(in_flight: int, **flags: object) -> Callable[[], tuple[Measured, float]]:
        def run() -> tuple[Measured, float]:
            found = bench.evaluate(examples, **flags)
            return found, found.latencies / in_flight

        return run

    def one_at_a_time() -> tuple[Measured, float]:
        found = bench.train(max(2, examples // 10), concurrency=1)
        return found, found.latencies

    def limit() -> tuple[Measured, float]:
        log = bench.folder / "banning.jsonl"
        with scripted_server(
            truth=bench.folder / "data.jsonl", lognormal=mean, log=log, quota=REQUESTS_A_MINUTE
        ) as url:
            banning = Bench(bench.folder, log, url, examples)
            found = banning.train(examples, max_rpm=REQUESTS_A_MINUTE)
        return found, found.calls / REQUESTS_A_MINUTE * 60

    chosen: dict[str, tuple[str, Callable[[], tuple[Measured, float]]]] = {
        "defaults": ("train, defaults (over 16)", train(BEFORE)),
        **{
            f"lookahead{ahead}": (f"train, 16, lookahead {ahead}", train(16, concurrency=16, lookahead=ahead))
            for ahead in range(4)
        },
        **{
            str(n): (
                f"train, {n}, batch {size}, lookahead {ahead}",
                train(n, concurrency=n, batch_size=size, lookahead=ahead),
            )
            for n, (size, ahead) in PIPELINES.items()
        },
        "eval-defaults": ("eval, defaults (over 16)", evaluate(BEFORE)),
        **{f"eval{n}": (f"eval, {n}", evaluate(n, concurrency=n)) for n in PIPELINES},
        "limit": (f"train, --max-rpm {REQUESTS_A_MINUTE}, a server that bans", limit),
        "one": ("train, one at a time (a tenth)", one_at_a_time),
    }
    return [made for name, made in chosen.items() if not only or name in only]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=400)
    parser.add_argument("--mean", type=float, default=0.5, help="seconds of a reply")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=[], help="rows by their short names")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_questions(folder / "data.jsonl", chosen.examples)
        write_playbook(folder / "book.json")
        print(
            f"{machine()}\n\n{chosen.examples} examples, lognormal replies of {chosen.mean:g} s (seconds)\n\n{HEAD}"
        )
        log = folder / "log.jsonl"
        with scripted_server(truth=folder / "data.jsonl", lognormal=chosen.mean, log=log) as url:
            bench = Bench(folder, log, url, chosen.examples)
            for title, measure in rows(bench, chosen.only, chosen.mean) * chosen.rounds:
                print(line(title, *measure()), flush=True)


if __name__ == "__main__":
    main()
