"""The rows of `make bench-learning` follow from their rules, and the check that says so notices when they do not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TASKS = ROOT / "benchmarks" / "learning" / "tasks"


def check(*tasks: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.learning.tasks.check", *map(str, tasks)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_rows_of_the_learning_tasks_follow_from_their_rules() -> None:
    done = check()
    assert done.returncode == 0, done.stdout + done.stderr
    checked = {line.partition(":")[0] for line in done.stdout.splitlines()}
    assert checked == {path.parent.name for path in TASKS.glob("*/test.jsonl")}


@pytest.mark.parametrize(
    ("task", "file", "old", "new", "told"),
    [
        ("ledger", "test.jsonl", '"answer": "Larch"', '"answer": "Maple"', "Maple against the rule"),
        ("dates", "test.jsonl", "COR; Mo; 1415h", "COR; Mo; 1515h", "the rules give COR; Mo; 1415h"),
        ("dates", "test.jsonl", "Cork, Monday", "Kiel, Monday", "does not say Cork"),
        ("fares", "test.jsonl", "group of 5 monks", "group of 6 monks", "does not say (5|five)"),
        ("facts", "test.jsonl", '"answer": "salt"', '"answer": "wool"', "wool is not in the fact"),
        (
            "ledger",
            "test.jsonl",
            "A necklace was lying",
            "Hesper reached the quay, lying",
            "share: hesper reached the quay",
        ),
        ("desk2", "test.jsonl", '"id": "test-02"', '"id": "test-01"', "id twice: test-01"),
    ],
)
def test_a_row_that_is_wrong_is_told(
    task: str, file: str, old: str, new: str, told: str, tmp_path: Path
) -> None:
    shutil.copytree(TASKS / task, tmp_path / task)
    text = (TASKS / task / file).read_text("utf-8")
    assert old in text
    (tmp_path / task / file).write_text(text.replace(old, new, 1), "utf-8")
    done = check(tmp_path / task)
    assert done.returncode == 1, done.stderr
    assert told in done.stdout
