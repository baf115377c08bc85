"""Lessons that say nothing are recognised, and hardly ever one that says something."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ace_cli.sameness.vacuous import is_vacuous

ROOT = Path(__file__).parents[2]
LABELLED = [
    json.loads(row) for row in (ROOT / "benchmarks/data/vacuous.jsonl").read_text("utf-8").splitlines()
]
PAIRS = [
    json.loads(row) for row in (ROOT / "tests/fixtures/sameness_pairs.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize(
    "text",
    [
        "Read the question carefully.",
        "Double-check your work!",
        "be precise",
        "Don’t rush; make sure you understand the problem first.",
        "When solving percentage problems, always verify the calculations.",
        "Break the problem down into smaller steps.",
        "Provide the answer in the requested format.",
    ],
)
def test_a_lesson_that_is_true_of_any_task_is_vacuous_and_says_why(text: str) -> None:
    assert (is_vacuous(text) or "").startswith("it would be true of any task")


@pytest.mark.parametrize(
    "text",
    [
        "Read the last sentence first.",
        "Check the units of each value.",
        "Check the answer by multiplying back.",
        "Pay attention to leap years.",
        "Give the answer before the explanation.",
        "Give no explanation.",
        "Answer yes or no.",
        "When solving for a rate, divide by time.",
        "Ensure x > 3.",
        "Lies die Frage sorgfältig.",
        "",
        "---",
    ],
)
def test_a_lesson_with_anything_of_the_world_in_it_is_not(text: str) -> None:
    assert is_vacuous(text) is None


def test_most_empty_lessons_are_found_and_hardly_any_concrete_one() -> None:
    unseen = [row for row in LABELLED if row["half"] == "test"]
    empty = [row["text"] for row in unseen if row["vacuous"]]
    assert sum(is_vacuous(text) is not None for text in empty) >= 0.7 * len(empty)
    concrete = [row["text"] for row in LABELLED if not row["vacuous"]]
    concrete += [row[side] for row in PAIRS for side in "ab" if row["domain"] != "math"]
    called = [text for text in concrete if is_vacuous(text)]
    assert len(called) <= 0.005 * len(concrete), called


@given(st.text(max_size=700))
def test_any_text_can_be_asked_about(text: str) -> None:
    assert is_vacuous(text) is None or len(text) <= 600
