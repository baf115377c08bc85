"""Large data: a million rows planned, 20,000 examples trained, and whether the last thousand costs more than the first.

    python -m benchmarks.bench_large [--rows 100000] [--examples 2000] [--full]

Planned: `ace train` on that many rows with a limit of one call, so that the run is made (rows read, checked, copied into the
store) and stops; then `ace inspect` of it, and `ace train --dry-run`. Trained: a run whose model sits in the process and
answers at once, so that all that is measured is ours. One example in twenty teaches something new, the others repeat it: the
playbook grows to the end. Each part is a process of its own. Aims: 1 GB; inspect within 2 s; the last thousand examples
(or the last fifth of a small run) at most 1.2 times the CPU of the first. ``--full`` is a million rows and 20,000 examples.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.processes import Spent, flags_of, machine, scripted_server, spend, write_questions

ROOT = Path(__file__).parents[1]
TOPICS = 20
"""One example in so many teaches something new."""


def planned(folder: Path, rows: int) -> None:
    """The lines of the first part."""
    data, run = folder / "rows.jsonl", folder / "planned"
    write_questions(data, rows)
    given = {"input": data, "num_examples": 0, "model": "openai/scripted", "run_dir": run}
    with scripted_server() as url:
        flags = flags_of({**given, "api_base": url, "max_calls": 0})
        made = spend("-m", "ace_cli", "train", *flags, cwd=folder, codes=(0, 3))
    print(f"{'rows read and copied':<34}{_told(made)}")
    for name, command in {
        "ace inspect of it": ("inspect", run),
        "ace inspect --example": ("inspect", run, "--example", f"row-{rows - 1}"),
        "ace train --dry-run": ("train", *flags_of(given), "--dry-run", "--api-base", url),
    }.items():
        print(f"{name:<34}{_told(spend('-m', 'ace_cli', *command, cwd=folder))}")


def trained(folder: Path, examples: int) -> None:
    """The lines of the second part."""
    data, out = folder / "examples.jsonl", folder / "seconds.json"
    write_questions(data, examples)
    spent = spend("-m", "benchmarks.bench_large", "--child", folder, data, examples, out, cwd=ROOT)
    marks: list[tuple[int, float]] = json.loads(out.read_text())
    each = [
        (stop, (after - before) / (stop - start) * 1000)
        for (start, before), (stop, after) in itertools.pairwise(marks)
    ]
    print(f"{f'{examples:,} examples trained':<34}{_told(spent)}")
    for stop, milliseconds in each:
        print(f"{f'  up to example {stop:,}':<34}{milliseconds:>8.2f} ms of CPU each")
    print(f"{'last to first':<34}{each[-1][1] / each[0][1]:>8.2f}")
    shown = spend("-m", "ace_cli", "inspect", folder / "trained", cwd=folder)
    print(f"{'ace inspect of it':<34}{_told(shown)}")


def child(folder: Path, data: Path, examples: int, out: Path) -> None:
    """Train in this process, with models that answer at once; CPU seconds by examples seen into ``out``."""
    from ace_cli import OfflineTrainer, TrainingConfig
    from ace_cli.engine import wiring
    from ace_cli.engine.events import BatchMerged, Event, RunStarted

    setattr(wiring, "make_model", lambda name, *_, **__: Scripted(name))  # noqa: B010 - not its own
    step = 1000 if examples >= 10_000 else max(1, examples // 5)
    marks: list[tuple[int, float]] = []

    def note(event: Event) -> None:
        if isinstance(event, RunStarted):
            marks.append((0, time.process_time()))
        elif isinstance(event, BatchMerged) and event.point.examples_seen // step > marks[-1][0] // step:
            marks.append((event.point.examples_seen, time.process_time()))

    config = TrainingConfig(
        dataset_name="custom",
        input_path=data,
        num_examples=examples,
        generator_model="openai/scripted",
        reflector_model="openai/scripted",
        api_base="http://127.0.0.1:9/v1",
        run_dir=folder / "trained",
        output_playbook_path=folder / "trained.json",
        output_metrics_path=folder / "trained_metrics.json",
    )
    OfflineTrainer(config, on_event=note).train()
    out.write_text(json.dumps(marks))


class Scripted:
    """:class:`~ace_cli.llm.base.ChatModel` that answers at once, by what it is asked alone."""

    def __init__(self, name: str) -> None:
        from ace_cli.llm.base import PromptStyle

        self.name, self.style = name, PromptStyle.JSON

    async def complete(self, request: Any) -> Any:
        from ace_cli.llm.base import ChatReply

        prompt = request.messages[-1].content
        number = int(prompt.partition("said by clerk ")[2].partition("?")[0])
        if "You are the Reflector" in request.messages[0].content:
            topic = number // TOPICS
            text = f"When clerk {topic} or a neighbour of desk {topic * 7} speaks, add the square of {topic + 3} first."
            said = {
                "reasoning": "Compared.",
                "error_identification": "A step is missing.",
                "root_cause": "Haste.",
                "correct_approach": "Add.",
                "insights": [{"content": text, "section": "helpful", "confidence": 0.8}],
                "bullet_tags": [],
            }
        else:
            answer = number + number**2 + number % 2
            said = {
                "reasoning": f"{number} squared, added.",
                "bullet_ids": ["B001"],
                "final_answer": str(answer),
            }
        return ChatReply(json.dumps(said), "stop", len(prompt) // 4, 40, cost_usd=0.0)

    def count_tokens(self, text: str) -> int:
        return len(text) // 4

    def price(self, _prompt: int, _completion: int) -> float:
        return 0.0

    async def close(self) -> None:
        """Nothing is open."""


def _told(spent: Spent) -> str:
    return f"{spent.seconds:>8.1f} s{spent.cpu:>9.1f} s of CPU{spent.peak:>8.0f} MB"


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["--child"]:
        where, data, count, out = arguments[1:]
        child(Path(where), Path(data), int(count), Path(out))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--examples", type=int, default=2_000)
    parser.add_argument("--full", action="store_true")
    chosen = parser.parse_args(arguments)
    rows, examples = (1_000_000, 20_000) if chosen.full else (chosen.rows, chosen.examples)
    print(f"{machine()}\n")
    with tempfile.TemporaryDirectory() as name:
        if rows:
            print(f"{rows:,} rows")
            planned(Path(name), rows)
        if examples:
            print()
            trained(Path(name), examples)


if __name__ == "__main__":
    main(sys.argv[1:])
