"""How near an evaluation comes to the time that the latencies of its replies allow.

    python -m benchmarks.bench_eval [--rows 200] [--in-flight 32] [--rounds 3]

Every row is answered with the playbook and without it. No call can take less than its latency, and no more than so many are in
flight: so the sum of the latencies over the calls in flight is a bound. The wall clock, from the first request to the last
reply, is shown as a multiple of it. Aim: at most 1.15.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks.processes import flags_of, machine, scripted_server, spend, write_questions

BULLETS = 20


def write_playbook(path: Path) -> None:
    bullets = [
        {"id": f"B{n:03}", "content": f"Lesson {n}: mind what was said before."} for n in range(BULLETS)
    ]
    path.write_text(json.dumps({"bullets": bullets}), encoding="utf-8")


def measure(folder: Path, url: str, log: Path, rows: int, in_flight: int, number: int, repeats: int) -> str:
    """One line."""
    before = len(log.read_text(encoding="utf-8").splitlines()) if log.exists() else 0
    flags = {
        "input": folder / "data.jsonl",
        "num_examples": rows,
        "api_base": url,
        "generator_model": "openai/scripted",
        "run_dir": folder / f"run{number}",
        "concurrency": in_flight,
        "repeats": repeats,
    }
    took = spend("-m", "ace_cli", "eval", folder / "book.json", *flags_of(flags), cwd=folder)
    asked = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()[before:]]
    bound = sum(entry["sent"] - entry["asked"] for entry in asked) / in_flight
    wall = max(entry["sent"] for entry in asked) - min(entry["asked"] for entry in asked)
    return (
        f"{len(asked):>7}{bound:>9.2f}{wall:>9.2f}{wall / bound:>9.3f}{took.seconds:>15.2f}{took.cpu:>9.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "log.jsonl"
        write_questions(folder / "data.jsonl", chosen.rows)
        write_playbook(folder / "book.json")
        print(
            f"{machine()}\n\n{chosen.rows} rows, {chosen.in_flight} in flight, replies of 0.5 s (seconds)\n"
        )
        print(f"{'calls':>7}{'bound':>9}{'wall':>9}{'ratio':>9}{'whole process':>15}{'CPU':>9}")
        with scripted_server(truth=folder / "data.jsonl", delay=0.5, log=log) as url:
            for number in range(chosen.rounds):
                print(measure(folder, url, log, chosen.rows, chosen.in_flight, number, chosen.repeats))


if __name__ == "__main__":
    main()
