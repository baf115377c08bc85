"""Does training help a real model? Tasks x arms, measured on held-out rows: ``make bench-learning``.

For each arm a playbook is trained on the task's training rows and measured with ``ace eval`` on its dev or test rows, with the playbook and
without. What is measured is appended to a file of JSON lines, one an arm, task and seed; ``--table`` prints them for ``docs/learning.md``. A real
model is slow on a small machine, so arms that are in the file are not measured again.

    python -m benchmarks.learning.bench_learning --api-base http://127.0.0.1:8115/v1 --model q15 --task ledger --arm ours gold
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.learning.strong_reflector import TASKS, Teacher, serve
from benchmarks.processes import environment

_TOGETHER = "benchmarks.learning.together"

_AT_ONCE = tuple(
    f"--{stage}={_TOGETHER}:{part}" for stage, part in (("reflector", "Noting"), ("curator", "Together"))
)
"""Reflection on all cases of a batch, as parts of one's own."""

_VALIDATED = ("--validation-input", "{dev}", "--validation-examples", "20", "--validate-every", "1000")

ARMS: Mapping[str, Sequence[str]] = {
    "ours": (),
    "guided": (),
    "guided, five bullets": ("--max-bullets", "5"),
    "guided, tried on its own example": ("--tryout", "0"),
    "guided, tried on its own example, five bullets": ("--tryout", "0", "--max-bullets", "5"),
    "tryout": ("--tryout", "1"),
    "tried on its own example": ("--tryout", "0"),
    "whole texts": ("--retrieval", "whole"),
    "no near bullets": ("--near-bullets", "0"),
    "five bullets": ("--max-bullets", "5"),
    "gold, five bullets": ("--max-bullets", "5"),
    "no schema": (),
    "no admission": ("--allow-leaks",),
    "no near bullets for the Reflector": ("--prompts", "{without_near}"),
    "no similar cases": ("--prompts", "{without_similar}"),
    "credit by opinion": ("--credit", "opinion"),
    "leaks allowed": ("--allow-leaks",),
    "wrong answers only": ("--reflect-on", "wrong"),
    "two epochs": ("--epochs", "2"),
    "batch 5": ("--batch-size", "5"),
    "batch 40": ("--batch-size", "40"),
    "batch 100": ("--batch-size", "100"),
    "validated": _VALIDATED,
    "guided, five bullets, validated": ("--max-bullets", "5", *_VALIDATED),
    "together": _AT_ONCE,
    "together, five bullets": (*_AT_ONCE, "--max-bullets", "5"),
}
"""What each arm says beside the defaults. ``gold`` is the task's own rules, without any training."""

_WITHOUT: Mapping[str, str] = {"no schema": "schema", "no admission": "admission"}
"""Arms that no setting makes, and what ``without.py`` takes out of ``ace`` for them."""

_PATIENCE = "10m"
"""For one reply: a model on a small machine takes its time."""

_RULES = 5
"""A reply with the rules of a whole batch may be so many times as long."""

_EVAL_TOO = ("--retrieval", "--near-bullets", "--max-bullets")
"""What an evaluation of a playbook reads from its header."""


def measure(chosen: argparse.Namespace, task: str, arm: str, seed: int, folder: Path) -> dict[str, Any]:
    """Train and evaluate one arm; what the table says of it."""
    started, rows = time.monotonic(), TASKS / task
    models = ["--generator-model", f"openai/{chosen.model}", "--api-base", chosen.api_base]
    patient = folder / "patient.toml"
    patient.write_text(f'[models.generator]\ntimeout = "{_PATIENCE}"\nmax_tokens = {chosen.longest}\n')
    training: dict[str, Any] = {}
    if arm.startswith("gold"):
        playbook = _gold(rows / "gold.txt", folder / "gold.json")
    else:
        playbook = folder / "trained.json"
        with _reflector(chosen, task, arm) as reflector:
            shown = (
                "--input",
                _training_rows(rows, chosen.train_splits, folder),
                "--num-examples",
                chosen.train_rows,
            )
            written = ("--run-dir", folder / "run", "--output", playbook)
            _ace(
                *("train", *shown, *models, *reflector, *written, "--shuffle", "--seed", seed),
                *(part.format_map({"dev": rows / "dev.jsonl", **_prompts(folder)}) for part in ARMS[arm]),
                *("--concurrency", chosen.concurrency, "--max-failures", "0.9"),
                without=_WITHOUT.get(arm),
            )
        training = _trained(folder / "trained_metrics.json")
    asked = ("--run-dir", folder / "eval", "--concurrency", chosen.concurrency, "--config", patient)
    held_out = ("--input", rows / f"{chosen.split}.jsonl", "--num-examples", chosen.rows)
    kept = () if chosen.cache is None else ("--cache", chosen.cache)
    flags = ("--max-failures", "0.9", *kept, *_eval_flags(arm))
    _ace("eval", playbook, *held_out, *models, *asked, *flags, without=_WITHOUT.get(arm))
    report = json.loads((folder / "eval/report.json").read_bytes())["report"]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "task": rows.name,
        "split": chosen.split,
        "model": chosen.model,
        "reflector": chosen.reflector,
        "arm": arm,
        "seed": seed,
        "longest": chosen.longest,
        "trained_on": _trained_on(chosen),
        "rows": report["examples"],
        "base": report["base"]["accuracy"]["value"],
        "playbook": report["playbook"]["accuracy"]["value"],
        "gain": report["difference"],
        "bullets": [bullet["content"] for bullet in json.loads(playbook.read_bytes())["bullets"]],
        "seconds": round(time.monotonic() - started),
        **training,
    }


def table(path: Path) -> str:
    """The measured rows as Markdown."""
    lines = [
        "| task (split) | generator | reflector | arm | rows | without | with | gain (95 %) | bullets | calls an example |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in _rows(path):
        gain = row["gain"]
        ends = f"{gain['value'] * 100:+.0f} ({gain['low'] * 100:.0f} to {gain['high'] * 100:.0f})"
        lines.append(
            f"| {row['task']} ({row['split']}) | {row['model']} | {row['reflector']} | {row['arm']}, seed {row['seed']} | {row['rows']}"
            f" | {row['base']:.0%} | {row['playbook']:.0%} | {ends} | {len(row['bullets'])} | {row.get('calls', '-')} |"
        )
    return "\n".join(lines)


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def _trained(metrics: Path) -> dict[str, Any]:
    found = json.loads(metrics.read_bytes())
    examples, usage = found["training_summary"]["total_examples"], found["usage"]
    return {
        "train_accuracy": found["training_summary"]["accuracy"],
        "calls": round(usage["calls"] / examples, 2),
        "prompt_tokens": round(usage["prompt_tokens"] / examples),
        "completion_tokens": round(usage["completion_tokens"] / examples),
        "insights": found["insights"],
        "said": found.get("check", {}).get("words") or found.get("validation", {}).get("why", []),
    }


def _training_rows(task: Path, splits: Sequence[str], folder: Path) -> Path:
    """The rows of so many splits as one file."""
    into = folder / "train.jsonl"
    into.write_text("".join((task / f"{split}.jsonl").read_text("utf-8") for split in splits), "utf-8")
    return into


def _gold(rules: Path, into: Path) -> Path:
    lines = rules.read_text("utf-8").splitlines()
    rows = [{"id": f"B{number:03d}", "content": line} for number, line in enumerate(lines, 1)]
    into.write_text(json.dumps({"bullets": rows}))
    return into


@contextmanager
def _reflector(chosen: argparse.Namespace, task: str, arm: str) -> Iterator[Sequence[object]]:
    """The flags for the Reflector: a model of the same server, or one that knows the rules."""
    server = None
    said = [
        f'model = "openai/{chosen.reflector}"',
        f'timeout = "{_PATIENCE}"',
        f"max_tokens = {chosen.longest * (_RULES if arm.startswith('together') else 1)}",
    ]
    if arm.startswith("guided"):
        said.append('prompt_style = "guided"')
    if chosen.reflector == "strong":
        server = serve(Teacher(task, chosen.junk), 0)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        said.append(f'api_base = "http://127.0.0.1:{server.server_port}/v1"')
    stage = "curator" if arm.startswith("together") else "reflector"
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
        config.write(
            "\n".join(
                [
                    *("[models.generator]", f'timeout = "{_PATIENCE}"', f"max_tokens = {chosen.longest}"),
                    *(f"[models.{stage}]", *said),
                ]
            )
        )
        config.flush()
        yield ("--config", config.name)
    if server is not None:
        server.shutdown()


def _prompts(folder: Path) -> Mapping[str, Path]:
    """Folders of prompts in which the Reflector is not shown what it knows besides: near bullets, similar cases."""
    from ace_cli.stages.prompts import load_prompts

    made = {}
    for what in ("near", "similar"):
        made[f"without_{what}"] = texts = folder / f"prompts without {what}"
        texts.mkdir(exist_ok=True)
        text = load_prompts().texts["reflector.txt"]
        (texts / "reflector.txt").write_text(re.sub(rf"[^\n]*\n\${what}\n\n", "", text))
    return made


def _eval_flags(arm: str) -> Sequence[str]:
    flags = list(ARMS.get(arm, ()))
    return [part for name in _EVAL_TOO if name in flags for part in flags[flags.index(name) :][:2]]


def _ace(*arguments: object, without: str | None = None) -> None:
    program = ("ace_cli",) if without is None else ("benchmarks.learning.without", without)
    command = [sys.executable, "-m", *program, *map(str, arguments)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr[-2000:]}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--api-base", help="of a server with a real model")
    parser.add_argument("--model", default="q15", help="its name there")
    parser.add_argument(
        "--reflector", default="strong", help="strong (knows the rules), or a model of the same server"
    )
    parser.add_argument(
        "--junk", type=float, default=0.3, help="share of the strong reflector's replies with junk"
    )
    parser.add_argument(
        "--task",
        nargs="+",
        default=["ledger"],
        help="of benchmarks/learning/tasks, or a folder of your own with train.jsonl, and test.jsonl or dev.jsonl",
    )
    parser.add_argument("--arm", nargs="+", default=["gold", "ours"], choices=["gold", *ARMS])
    parser.add_argument("--seed", nargs="+", type=int, default=[0])
    parser.add_argument("--split", default="dev", choices=["dev", "test"])
    parser.add_argument("--train-splits", nargs="+", default=["train"], choices=["train", "dev"])
    parser.add_argument("--train-rows", type=int, default=40)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument(
        "--longest",
        type=int,
        default=600,
        help="tokens of a reply: a small model that repeats itself does not end by itself",
    )
    parser.add_argument("--results", type=Path, default=Path("benchmarks/learning/results.jsonl"))
    parser.add_argument(
        "--cache", type=Path, help="replies of evaluations are kept there: each is asked once"
    )
    parser.add_argument("--table", action="store_true", help="print what was measured, and measure nothing")
    chosen = parser.parse_args()
    if not chosen.table:
        if not chosen.api_base:
            parser.error("--api-base: the address of a server with a real model")
        done = {tuple(row.get(name) for name in _KEY) for row in _rows(chosen.results)}
        for task, arm, seed in ((t, a, s) for s in chosen.seed for t in chosen.task for a in chosen.arm):
            key = (
                Path(task).name,
                chosen.split,
                chosen.model,
                chosen.reflector,
                arm,
                seed,
                _trained_on(chosen),
            )
            if key in done:
                continue
            with tempfile.TemporaryDirectory() as folder:
                row = measure(chosen, task, arm, seed, Path(folder))
            with chosen.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
    print(table(chosen.results))


def _trained_on(chosen: argparse.Namespace) -> str:
    return f"{chosen.train_rows} of {' and '.join(chosen.train_splits)}"


_KEY = ("task", "split", "model", "reflector", "arm", "seed", "trained_on")


if __name__ == "__main__":
    main()
