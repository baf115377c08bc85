"""A number without quotes ends at a thousands separator under a grammar; the reasoning has it whole."""

from __future__ import annotations

import asyncio
import json

import pytest

from ace_cli.replies.cut import uncut
from ace_cli.stages.base import Task
from ace_cli.stages.generator import DefaultGenerator
from ace_cli.stages.prompts import load_prompts
from support.ask import ScriptedAsk


@pytest.mark.parametrize(
    ("number", "reasoning", "whole"),
    [
        ("16.0", "$23,000 - $7,000 = $16,000. So the free cash flow is $16,000.", "16000"),
        ("553.20", "The levered firm would be worth $553,200 if the debt is added.", "553200"),
        ("173.55", "250,000 / 1.44 = $173,553.33", "173553.33"),
        ("3632.00", "so it is worth $3,632,000.", "3632000"),
        ("-16", "the balance is -16,000", "-16000"),
        ("24", "That is $24,000.00", "24000.00"),
    ],
)
def test_a_number_that_was_cut_off_is_whole_again(number: str, reasoning: str, whole: str) -> None:
    assert uncut(number, reasoning) == whole


@pytest.mark.parametrize(
    ("number", "reasoning"),
    [
        ("16", "16,000 metres are 16 kilometres; the way is 16,000 metres long"),  # named itself
        ("16000", "the free cash flow is $16,000"),  # whole
        ("17.0", "the free cash flow is $16,000"),  # another number
        ("1", "half of 16,000"),  # a digit, not a group
        ("16.5", "the free cash flow is $16,000"),
        ("72", "48 + 24 = 72"),
        ("16.0", ""),
        ("16.0", "between 16,000 and 17,000"),  # in doubt
        ("sixteen", "it is 16,000"),
    ],
)
def test_any_other_number_stays(number: str, reasoning: str) -> None:
    assert uncut(number, reasoning) == number


@pytest.mark.parametrize(("written", "answer"), [("16.0", "16000"), ('"16.0"', "16.0")])
def test_only_a_number_without_quotes_is_looked_at(written: str, answer: str) -> None:
    reasoning = json.dumps("$23,000 - $7,000 = $16,000")
    ask = ScriptedAsk(f'{{"reasoning": {reasoning}, "final_answer": {written}}}')
    attempt = asyncio.run(DefaultGenerator(load_prompts()).generate(Task("e1", "How much is left?"), ask))
    assert attempt.answer == answer
