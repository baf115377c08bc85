"""An insight that gives its example away is kept apart, whatever words it comes in; a rule never is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ace_cli import OfflineTrainer, TrainingConfig
from ace_cli.cli.app import run as ace
from ace_cli.data import Example
from ace_cli.runs.reader import RunReader
from ace_cli.stages.base import Ask, Attempt, Case, Insight, Reflection, Task
from ace_cli.training.leaks import Leaks
from support.command import read_json

ROOT = Path(__file__).parents[2]
TASKS = ROOT / "benchmarks/learning/tasks"


def rows(path: Path) -> list[Example]:
    found = map(json.loads, path.read_text("utf-8").splitlines())
    return [Example(row["id"], row["question"], row["answer"]) for row in found]


@pytest.mark.parametrize("task", ["dates", "desk2", "fares", "ledger", "letters"])
def test_no_right_rule_of_a_task_is_taken_for_a_leak_of_any_row(task: str) -> None:
    examples = rows(TASKS / task / "train.jsonl")
    leaks = Leaks(examples)
    for rule in filter(None, (TASKS / task / "gold.txt").read_text("utf-8").splitlines()):
        assert [leaks.leak(rule, example) for example in examples if leaks.leak(rule, example)] == []


def test_facts_are_leaks_of_the_rows_that_ask_for_them() -> None:
    examples = rows(ROOT / "examples/warehouse/train.jsonl")
    leaks = Leaks(examples)
    for example in examples[:12]:
        fact = f"The {example.question.removeprefix('What is the ').rstrip('?')} is {example.answer}."
        assert leaks.leak(fact, example).startswith("it holds the answer of its example (")


BOX = Example("e1", "A box of 12 weighs 30 kg. How heavy is one bottle?", "2.5 kg")
JULIE = Example(
    "e2", "Julie is reading a book of 120 pages. Yesterday she read 12 pages. How many are left?", "108"
)
DOG = Example("e8", "Three adults and a dog cross. The fare is 7 crowns. How much do they pay?", "22")
CODE = Example("e3", "What is the code for the harbour in Oslo?", "RV-72")
STARS = Example("e9", "How many stars? The guest sends the soup back and is angry.", "1")
LABEL = Example("e4", "A cheque for berth nine came in. Where does it go?", "Willow")
YES = Example("e5", "Is 7 a prime number?", "yes")
MARGIN = Example("e7", "Compute the Operating Margin and EBITDA. Operating Income is 5, revenue 20.", "25")
COT = Example("e6", "Which desk takes this? We need a cot for our baby of five months.", "Quartz")


@pytest.mark.parametrize(
    ("example", "content", "reason"),
    [
        (BOX, "A bottle weighs 2.5 kg.", "it holds the answer of its example (2 5 kg)"),
        (CODE, "Remember RV-72.", "it holds the answer of its example (rv 72)"),
        (JULIE, "How many are left is 108.", "it holds the answer of its example (108)"),
        (JULIE, "Julie is reading a book of 120 pages, so subtract.", "it retells its example (julie is reading a book of 120 pages)"),
        (COT, "When we need a cot for our baby of five months, the desk is Quartz.", "it retells its example"),
        (JULIE, "The pages that Julie has left are the rest.", "it retells its example (julie)"),
        (JULIE, "The pages left are 120 - 12 = 108.", "it retells its example (120 - 12 =)"),
        (DOG, "When a dog is taken along, the fare is 7 crowns.", "it retells its example (fare is 7)"),
        (DOG, "The fare is 7 crowns if there is a dog.", "it retells its example (fare is 7)"),
        (DOG, "When three adults and a dog cross, the price is 22 crowns.", "it holds the answer of its example (22)"),
        (DOG, "When a dog is with others, the fare is 22 crowns.", "it holds the answer of its example (22)"),
        (DOG, "When the fare is 22 or more, nobody takes a dog.", ""),
        (DOG, "When the fare is 7 crowns or more, a dog costs 1 crown.", ""),
        (DOG, "When a dog comes along, add 1 crown for each dog.", ""),
        (JULIE, "The number of pages is 120.", "it retells its example (pages 120)"),
        (MARGIN, "The Operating Margin is income divided by revenue, in percent.", ""),
        (MARGIN, "To get from income to EBITDA, add depreciation.", ""),
        (JULIE, "When a reader such as Julie has read a part, the pages left are the rest.", ""),
        (JULIE, "Subtract what was read from the pages of the book.", ""),
        (JULIE, "A lesson with 108 in it.", ""),
        (LABEL, "When a berth is paid for by cheque, the shelf is Willow.", ""),
        (COT, "When it is about a baby or a small child, the desk is Quartz.", ""),
        (YES, "Answer yes or no, nothing else.", ""),
        (BOX, "Divide the weight of the box by the number of bottles.", ""),
        (CODE, "Codes are written with a hyphen.", ""),
    ],
)  # fmt: skip
def test_what_gives_an_example_away_is_told_from_a_lesson(
    example: Example, content: str, reason: str
) -> None:
    others = [Example(f"o{n}", f"Another berth, {n}.", label) for n, label in enumerate(["Willow", "Quartz", "yes"] * 3)]  # fmt: skip
    leak = Leaks([*others, BOX, JULIE, CODE, LABEL, YES, COT, MARGIN]).leak(content, example)
    assert leak.startswith(reason)
    assert bool(leak) == bool(reason)


def test_a_number_is_a_label_where_the_answers_are_few() -> None:
    lesson = "When the guest sends the soup back and is angry, the stars are 1."
    stars = [Example(f"s{n}", f"Guest {n} said so much.", str(n % 5 + 1)) for n in range(24)]
    assert Leaks([*stars, STARS]).leak(lesson, STARS) == ""
    sums = [Example(f"s{n}", f"Guest {n} paid so much.", str(n % 12 + 1)) for n in range(36)]
    assert Leaks([*sums, STARS]).leak(lesson, STARS) == "it holds the answer of its example (1)"


def test_what_all_questions_say_is_no_retelling() -> None:
    asked = "Give it to 2 decimal places."
    rates = [Example(f"r{n}", f"What is a tenth of {n}9? {asked}", f"{n}.90") for n in range(9)]
    assert Leaks(rates).leak("When it is a share, give it to 2 decimal places.", rates[3]) == ""
    assert Leaks(rates).leak("When it is a share, it is a tenth of 39.", rates[3]).startswith("it retells")


@dataclass
class Unknowing:
    async def generate(self, task: Task, ask: Ask) -> Attempt:
        return Attempt("no idea")


@dataclass
class TellsTheAnswer:
    async def reflect(self, case: Case, ask: Ask) -> Reflection:
        told = f"The answer to '{case.example.question}' is {case.example.answer}."
        return Reflection((Insight(told), Insight("Codes of the harbour end with a digit.")))


def train(folder: Path, **settings: Any) -> dict[str, Any]:
    config = TrainingConfig(
        generator_model="openai/x", reflector_model="openai/x", batch_merge_size=2, run_dir=folder / "run",
        output_playbook_path=folder / "playbook.json", output_metrics_path=folder / "metrics.json", settings=settings,
    )  # fmt: skip
    examples = [Example(f"e{n}", f"Which code has berth number {n}?", f"QX-{n}7") for n in range(4)]
    OfflineTrainer(config, examples, generator=Unknowing(), reflector=TellsTheAnswer()).train()
    found: dict[str, Any] = read_json(folder / "metrics.json")
    return found


def test_leaks_are_left_out_counted_by_reason_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = train(tmp_path)
    contents = [bullet["content"] for bullet in read_json(tmp_path / "playbook.json")["bullets"]]
    assert contents == ["Codes of the harbour end with a digit."]
    assert found["insights"]["total_extracted"] == 8
    assert found["insights"]["refused"] == {"it holds the answer of its example": 4}
    capsys.readouterr()
    assert ace(["inspect", str(tmp_path / "run"), "--example", "e1"]) == 0
    assert "dropped, it holds the answer of its example (qx 17)" in capsys.readouterr().out
    assert ace(["inspect", str(tmp_path / "run")]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "refused 4 insights: 4 it holds the answer of its example" in shown
    assert "--allow-leaks takes them" in shown


def test_facts_are_learned_where_that_is_asked_for(tmp_path: Path) -> None:
    found = train(tmp_path, **{"training.allow_leaks": True})
    assert found["insights"]["refused"] == {}
    assert len(read_json(tmp_path / "playbook.json")["bullets"]) == 5
    with RunReader(tmp_path / "run") as run:
        assert run.header().identity["training.allow_leaks"] is True
