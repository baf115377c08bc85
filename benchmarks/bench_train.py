"""What the engine adds to its model calls, and what an example takes: CPU, seconds, tokens.

    python -m benchmarks.bench_train [--examples 300] [--rounds 3] [--in-flight 16 32]

First table: CPU of `ace train` beside the same prompts sent by bare `litellm.acompletion` at the same
concurrency, each in a process of its own, the server in a third. Start and imports are taken out: the CPU of a small
run is subtracted from that of a large one, for both alike. Processes alternate, and a ratio is taken within each round, whose
processes meet the same machine; the medians over the rounds are shown. Aim: at most 1.15 times.

Second table: 60 small examples, each reply after 0.5 s, batches of 10; the wall clock from the first request to
the last reply, and the whole process.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.processes import Spent, flags_of, machine, scripted_server, spend, write_questions

from ace_cli.runs.reader import RunReader

SMALL = 20
"""Examples of the run that start and imports are measured by."""

ROOT = Path(__file__).parents[1]


class Runs:
    """Training runs in a folder, each with its own name."""

    def __init__(self, folder: Path, examples: int) -> None:
        self.folder = folder
        self.data = folder / "data.jsonl"
        write_questions(self.data, examples)
        self._numbers = count()

    def train(self, url: str, examples: int, **flags: object) -> tuple[Path, Spent]:
        """`ace train` as a process; its run directory and what it took."""
        run = self.folder / f"run{next(self._numbers)}"
        given = {
            "input": self.data,
            "num_examples": examples,
            "api_base": url,
            "generator_model": "openai/scripted",
            "reflector_model": "openai/scripted",
            "run_dir": run,
            "output": run / "playbook.json",
            "metrics_output": run / "metrics.json",
            **flags,
        }
        return run, spend("-m", "ace_cli", "train", *flags_of(given), cwd=self.folder)


def prompts_of(run: Path, file: Path) -> int:
    """Write down every prompt of a run; how many."""
    with RunReader(run) as reader:
        calls = [call for step in range(reader.counts()[0]) for call in reader.conversation(step)]
    prompts = [[{"role": role, "content": text} for role, text in call.messages] for call in calls]
    file.write_text(json.dumps(prompts), encoding="utf-8")
    return len(prompts)


def overhead(runs: Runs, url: str, examples: int, in_flight: int, rounds: int) -> str:
    """One line: CPU an example, bare and ours."""
    prompts = runs.folder / f"prompts{in_flight}.json"
    flags = {"batch_size": in_flight, "concurrency": in_flight}
    made, _ = runs.train(url, examples, **flags)
    calls = prompts_of(made, prompts)
    few = calls * SMALL // examples

    def bare(number: int) -> Spent:
        return spend("-m", "benchmarks.bare_calls", url, prompts, number, in_flight, cwd=ROOT)

    ours, alone = [], []
    for _ in range(rounds):
        small, small_bare = runs.train(url, SMALL, **flags)[1].cpu, bare(few).cpu
        large, large_bare = runs.train(url, examples, **flags)[1].cpu, bare(calls).cpu
        ours.append((large - small) / (examples - SMALL) * 1000)
        alone.append((large_bare - small_bare) / (examples - SMALL) * 1000)
    ratios = sorted(a / b for a, b in zip(ours, alone, strict=True))
    return (
        f"{in_flight:>9}{calls / examples:>15.1f}{median(alone):>14.2f}{median(ours):>11.2f}{median(ratios):>8.2f}"
        f"  ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


def pace(runs: Runs, log: Path, url: str, lookahead: int) -> str:
    """One line: 60 examples with replies that take half a second."""
    before = len(log.read_text(encoding="utf-8").splitlines()) if log.exists() else 0
    run, spent = runs.train(url, 60, batch_size=10, concurrency=32, lookahead=lookahead)
    asked = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()[before:]]
    seconds = max(entry["sent"] for entry in asked) - min(entry["asked"] for entry in asked)
    metrics: Mapping[str, Any] = json.loads((run / "metrics.json").read_bytes())
    usage = metrics["usage"]
    by_role = ", ".join(f"{role} {used['prompt_tokens'] / 60:.0f}" for role, used in usage["by_role"].items())
    return (
        f"{lookahead:>9}{seconds:>11.2f}{spent.seconds:>15.2f}{usage['calls'] / 60:>15.1f}"
        f"{usage['prompt_tokens'] / 60:>15.0f}  ({by_role})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[16, 32])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs, log = Runs(folder, max(chosen.examples, 60)), folder / "log.jsonl"
        print(f"{machine()}\n\n{chosen.examples} examples: milliseconds of CPU an example\n")
        print(f"{'in flight':>9}{'calls/example':>15}{'bare litellm':>14}{'ace train':>11}{'ratio':>8}")
        with scripted_server(truth=runs.data) as url:
            for in_flight in chosen.in_flight:
                print(overhead(runs, url, chosen.examples, in_flight, chosen.rounds))
        print("\n60 examples, replies of 0.5 s, batches of 10, at most 32 in flight\n")
        print(
            f"{'lookahead':>9}{'seconds':>11}{'whole process':>15}{'calls/example':>15}{'tokens/example':>15}"
        )
        with scripted_server(truth=runs.data, delay=0.5, log=log) as url:
            for lookahead in (0, 2):
                print(pace(runs, log, url, lookahead))


if __name__ == "__main__":
    main()
