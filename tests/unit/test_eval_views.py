"""An evaluation and a baseline as a terminal shows them, and as scripts read them."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
from rich.text import Text

from ace_cli.evaluation.headroom import headroom
from ace_cli.evaluation.records import Arm
from ace_cli.evaluation.report import report
from ace_cli.report.terminal.eval_view import eval_lines
from ace_cli.report.terminal.headroom_view import headroom_lines
from support.report_samples import evaluation, evaluation_trials

BASELINE = [trial for trial in evaluation_trials() if trial.arm is Arm.BASE]


def shown(lines: list[Text]) -> str:
    return "\n".join(line.plain for line in lines)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("whole", [False, True])
def test_tables_fit_the_terminal_and_nothing_obeys_what_others_wrote(width: int, whole: bool) -> None:
    found, room = evaluation(), headroom(BASELINE)
    lines = [*eval_lines(found, width, whole=whole), *headroom_lines(room, width, whole=whole)]
    sentences = (found.conclusion.words, *room.words, *(f"Note: {note}." for note in room.notes))
    wide = [line.plain for line in lines if line.cell_len > width and line.plain not in sentences]
    assert [line for line in wide if not line.startswith(("changed", "an answer"))] == []
    assert "\x00" not in shown(lines)


def test_the_verdict_comes_first_and_both_arms_stand_below_each_other() -> None:
    rows = [replace(trial, domain=trial.domain[:7], bullet_ids=()) for trial in evaluation_trials()]
    lines = shown(list(eval_lines(report(rows), 80))).splitlines()
    assert lines[:8] == [
        "helps: +32 points, 95 % interval 13 to 49",
        "",
        "               accuracy  95 % interval     right  failed",
        "no playbook      34.1 %   21.6 to 49.5  14 of 41       0",
        "playbook         65.9 %   50.5 to 78.4  27 of 41       0",
        "difference   +32 points       13 to 49",
        "",
        "examples     41",
    ]
    assert "15 better, 2 worse (exact McNemar: p = 0.0023)" in lines[8]
    assert lines[9].split() == [
        "an",
        "answer",
        "+800",
        "prompt",
        "tokens,",
        "+0",
        "reply",
        "tokens,",
        "+$0.0011,",
        "+0.5",
        "s",
    ]


def test_a_baseline_says_what_is_missing_with_examples() -> None:
    text = shown(list(headroom_lines(headroom(BASELINE), 80, ascii_only=True)))
    assert text.isascii()
    assert "no playbook    34.1 %" in text
    assert "At most 66 points can be gained: 66 points missing convention or knowledge." in text
    assert "24 more (--full)" in text
    assert "more (--full)" not in shown(list(headroom_lines(headroom(BASELINE), 80, whole=True)))


def test_the_records_are_json_as_they_are() -> None:
    read = json.loads(json.dumps(asdict(evaluation())))
    assert read["conclusion"]["outcome"] == "helps"
    assert read["difference"]["value"] == pytest.approx(13 / 41)
    assert read["mcnemar"]["better"] == 15
    assert json.loads(json.dumps(asdict(headroom(BASELINE))))["causes"][0]["examples"] == 27
