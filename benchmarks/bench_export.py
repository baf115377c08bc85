"""Reading and exporting a large playbook: seconds by format, and peak memory of a fresh `ace export`.

    python -m benchmarks.bench_export [BULLETS]

Aim: 100,000 bullets to each text format within 5 s, the start of the process and the reading included.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from pathlib import Path

from ace_cli.playbook import Bullet, Playbook, Section, confidence, make_id
from ace_cli.playbook.formats import dump_playbook
from ace_cli.report.formats import FORMATS

WORDS = [
    "check",
    "the",
    "units",
    "before",
    "you",
    "add",
    "numbers",
    "of",
    "different",
    "scale;",
    "percent",
    "of",
    "totals",
    "are",
    "no",
    "sums",
]


def sample(count: int) -> Playbook:
    """Bullets of about 100 characters with votes, domains and sources."""
    chance = random.Random(1)
    bullets = []
    for number in range(1, count + 1):
        helpful, harmful = chance.randrange(9), chance.choice((0, 0, 0, 1, 3))
        bullets.append(
            Bullet(
                id=make_id(number),
                content=f"MergeItem {number}: {' '.join(chance.choices(WORDS, k=15))}",
                domain_id=chance.choice(("general", "finance", "arithmetic", "geometry")),
                section=chance.choice(tuple(Section)),
                activation_count=helpful + harmful,
                confidence=confidence(helpful, harmful),
                helpful_count=helpful,
                harmful_count=harmful,
                sources=(f"example-{number}",),
                created_at="2026-01-01T00:00:00+00:00",
                updated_at="2026-01-01T00:00:00+00:00",
            )
        )
    return Playbook(bullets=tuple(bullets), created_at="2026-01-01T00:00:00+00:00")


def run(code: str, *args: object) -> tuple[float, float, float]:
    """(seconds, seconds of CPU, peak MB) of some Python code in a process of its own."""
    start = time.perf_counter()
    child = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-c", code, *map(str, args)])
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"failed: {code} {args}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


MAKE = "import sys; sys.path.insert(0, sys.argv[3]); from bench_export import make; make(int(sys.argv[1]), sys.argv[2])"
READ = "import sys, pathlib; from ace_cli.playbook.formats import read_playbook; read_playbook(pathlib.Path(sys.argv[1]))"
EXPORT = "from ace_cli.cli.export import app; app()"


def make(count: int, path: str) -> None:
    Path(path).write_bytes(dump_playbook(sample(count)))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "playbook.json"
        run(
            MAKE, count, source, Path(__file__).parent
        )  # elsewhere: a child starts with its parent's peak of memory
        print(f"{count:,} bullets, {source.stat().st_size / 1e6:.0f} MB of JSON\n")
        print(f"{'format':<10} {'seconds':>8} {'CPU s':>8} {'peak MB':>8} {'file MB':>8}")
        seconds, cpu, peak = run(READ, source)
        print(f"{'(read)':<10} {seconds:>8.2f} {cpu:>8.2f} {peak:>8.0f}")
        for form in FORMATS:
            output = Path(folder) / f"out.{form}"
            seconds, cpu, peak = run(EXPORT, source, "-f", form, "-o", output, "--include-quarantined")
            files = [file for file in (output, *output.rglob("*")) if file.is_file()]
            size = sum(file.stat().st_size for file in files) / 1e6
            print(f"{form:<10} {seconds:>8.2f} {cpu:>8.2f} {peak:>8.0f} {size:>8.1f}")


if __name__ == "__main__":
    main()
