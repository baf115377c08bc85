"""Large data: a million rows planned, 20,000 examples trained, and whether the last thousand costs more than the first.

    python -m benchmarks.bench_large [--rows 100000] [--examples 2000] [--topics 20] [--http] [--full]

Planned: `ace train` on that many rows with a limit of one call, so that the run is made (rows read, checked, copied into the
store) and stops; then `ace inspect` of it, and `ace train --dry-run`. Trained: a run whose model sits in the process and
answers at once, so that all that is measured is ours; with ``--http`` it stands behind litellm and a server in another process, as in use. One example in twenty (``--topics``) teaches something new, the others repeat it: the
playbook grows to the end. Each part is a process of its own. Aims: 1 GB; inspect within 2 s; the last thousand examples
(or the last fifth of a small run) at most 1.2 times the CPU of the first; the last batch is told apart, since at the end of an epoch the whole playbook is gone through. ``--full`` is a million rows and 20,000 examples.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.processes import (
    TESTS,
    Spent,
    flags_of,
    listening,
    machine,
    scripted_server,
    spend,
    write_questions,
)

ROOT = Path(__file__).parents[1]
BATCH = 10
TOPICS = 20
"""One example in so many teaches something new, unless ``--topics`` says otherwise."""


def planned(folder: Path, rows: int) -> None:
    """The lines of the first part."""
    data, run = folder / "rows.jsonl", folder / "planned"
    write_questions(data, rows)
    given = {"input": data, "num_examples": 0, "model": "openai/scripted"}
    with scripted_server() as url:
        flags = flags_of({**given, "api_base": url, "max_calls": 0, "run_dir": run})
        made = spend("-m", "ace_cli", "train", *flags, cwd=folder, codes=(0, 3))
    print(f"{'rows read and copied':<34}{_told(made)}")
    for name, command in {
        "ace inspect of it": ("inspect", run),
        "ace inspect --example": ("inspect", run, "--example", f"row-{rows - 1}"),
        "ace train --dry-run": ("train", *flags_of(given), "--dry-run", "--api-base", url),
    }.items():
        print(f"{name:<34}{_told(spend('-m', 'ace_cli', *command, cwd=folder))}")


def trained(folder: Path, examples: int, topics: int, *, http: bool) -> None:
    """The lines of the second part."""
    data, out = folder / "examples.jsonl", folder / "seconds.json"
    write_questions(data, examples)
    port = folder / "port"
    ours = ("-m", "benchmarks.bench_large", "--serve", port, topics)
    with listening(port, *ours, cwd=ROOT) if http else contextlib.nullcontext("") as url:
        child = ("-m", "benchmarks.bench_large", "--child", folder, data, examples, topics, out, url)
        spent = spend(*child, cwd=ROOT)
    marks: list[tuple[int, float]]
    marks, end = json.loads(out.read_text())
    each = [
        (stop, (after - before) / (stop - start) * 1000)
        for (start, before), (stop, after) in itertools.pairwise(marks)
    ]
    print(f"{f'{examples:,} examples trained':<34}{_told(spent)}")
    for stop, milliseconds in each:
        print(f"{f'  up to example {stop:,}':<34}{milliseconds:>8.2f} ms of CPU each")
    print(f"{'last to first':<34}{each[-1][1] / each[0][1]:>8.2f}")
    print(f"{'last batch, playbook gone through':<34}{end:>8.1f} s of CPU")
    shown = spend("-m", "ace_cli", "inspect", folder / "trained", cwd=folder)
    print(f"{'ace inspect of it':<34}{_told(shown)}")


def serve(port: Path, topics: int) -> None:
    """Be that process."""
    sys.path.append(str(TESTS))
    from support.scripted_server import ScriptedServer

    server = ScriptedServer()
    reply = lambda _, role, prompt, __: said(role == "reflector", prompt, topics)  # noqa: E731
    setattr(type(server.script), "reply", reply)  # noqa: B010
    server.start()
    port.with_suffix(".new").write_text(str(server.port), encoding="utf-8")
    port.with_suffix(".new").replace(port)
    threading.Event().wait()


def child(folder: Path, data: Path, examples: int, topics: int, out: Path, url: str) -> None:
    """Train in this process; CPU seconds by examples seen into ``out``. Without ``url``, with models that answer at once."""
    from ace_cli import OfflineTrainer, TrainingConfig
    from ace_cli.engine import wiring
    from ace_cli.engine.events import BatchMerged, Event, RunStarted

    door = socket.create_server(
        ("127.0.0.1", 0)
    )  # an address where somebody listens: a run asks before it starts
    if not url:
        url = f"http://127.0.0.1:{door.getsockname()[1]}/v1"
        setattr(wiring, "make_model", lambda name, *_, **__: Scripted(name, topics))  # noqa: B010 - not its own
    step = 1000 if examples >= 10_000 else max(1, examples // 5)
    marks: list[tuple[int, float]] = []
    last = [0.0]

    def note(event: Event) -> None:
        now = time.process_time()
        if isinstance(event, RunStarted):
            marks.append((0, now))
        elif isinstance(event, BatchMerged) and event.point.examples_seen < examples:
            last[0] = now
            if (seen := event.point.examples_seen) // step > marks[-1][0] // step or seen >= examples - BATCH:
                marks.append((seen, now))

    config = TrainingConfig(
        dataset_name="custom",
        input_path=data,
        num_examples=examples,
        batch_merge_size=BATCH,
        generator_model="openai/scripted",
        reflector_model="openai/scripted",
        api_base=url,
        run_dir=folder / "trained",
        output_playbook_path=folder / "trained.json",
        output_metrics_path=folder / "trained_metrics.json",
    )
    OfflineTrainer(config, on_event=note).train()
    door.close()
    out.write_text(json.dumps([marks, time.process_time() - last[0]]))


class Scripted:
    """:class:`~ace_cli.llm.base.ChatModel` that answers at once, by what it is asked alone."""

    def __init__(self, name: str, topics: int) -> None:
        from ace_cli.llm.base import PromptStyle

        self.name, self.style = name, PromptStyle.JSON
        self._topics = topics

    async def complete(self, request: Any) -> Any:
        from ace_cli.llm.base import ChatReply

        prompt = request.messages[-1].content
        reflects = "You are the Reflector" in request.messages[0].content
        return ChatReply(said(reflects, prompt, self._topics), "stop", len(prompt) // 4, 40, cost_usd=0.0)

    def count_tokens(self, text: str) -> int:
        return len(text) // 4

    def price(self, _prompt: int, _completion: int) -> float:
        return 0.0

    async def close(self) -> None:
        """Nothing is open."""


def said(reflects: bool, prompt: str, topics: int) -> str:
    """What a role says: every second answer is wrong, and one example in ``topics`` is the first to teach its lesson."""
    number = int(prompt.partition("said by clerk ")[2].partition("?")[0])
    if not reflects:
        answer = str(number + number**2 + number % 2)
        return json.dumps(
            {"reasoning": f"{number} squared, added.", "bullet_ids": ["B001"], "final_answer": answer}
        )
    topic = number // topics
    text = (
        f"When clerk {topic} or a neighbour of desk {topic * 7} speaks, add the square of {topic + 3} first."
    )
    return json.dumps(
        {
            "reasoning": "Compared.",
            "error_identification": "A step is missing.",
            "root_cause": "Haste.",
            "correct_approach": "Add.",
            "insights": [{"content": text, "section": "helpful", "confidence": 0.8}],
            "bullet_tags": [],
        }
    )


def _told(spent: Spent) -> str:
    return f"{spent.seconds:>8.1f} s{spent.cpu:>9.1f} s of CPU{spent.peak:>8.0f} MB"


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["--child"]:
        where, data, count, topics, out, url = arguments[1:]
        child(Path(where), Path(data), int(count), int(topics), Path(out), url)
        return
    if arguments[:1] == ["--serve"]:
        serve(Path(arguments[1]), int(arguments[2]))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--examples", type=int, default=2_000)
    parser.add_argument(
        "--topics", type=int, default=TOPICS, help="one example in so many teaches something new"
    )
    parser.add_argument("--http", action="store_true")
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
            trained(Path(name), examples, chosen.topics, http=chosen.http)


if __name__ == "__main__":
    main(sys.argv[1:])
