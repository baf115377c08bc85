"""The Python examples, run as a user runs them, against the scripted server; and the files beside them."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from ace_cli.playbook.formats import read_playbook
from support.scripted_server import ScriptedServer

EXAMPLES = Path(__file__).parents[2] / "examples"


def rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (EXAMPLES / name).read_text("utf-8").splitlines()]


@pytest.mark.parametrize(
    ("script", "data", "fields", "playbook"),
    [
        ("train_from_python.py", "gsm8k_20.jsonl", ("question", "answer"), "gsm8k.json"),
        ("own_data.py", "warehouse/train.jsonl", ("question", "answer"), "warehouse.json"),
        ("own_reflector.py", "formula_20.jsonl", ("context", "target"), "formula.json"),
    ],
)
def test_a_python_example_runs_as_it_stands(
    script: str,
    data: str,
    fields: tuple[str, str],
    playbook: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    question, answer = fields
    with ScriptedServer({row[question]: row[answer] for row in rows(data)}) as server:
        runpy.run_path(str(EXAMPLES / script))["main"](model="openai/scripted", api_base=server.url)
    assert len(read_playbook(tmp_path / "playbooks" / playbook)) > 0
    assert "bullets" in capsys.readouterr().out


def test_the_warehouse_asks_each_fact_in_three_wordings() -> None:
    train, heldout = rows("warehouse/train.jsonl"), rows("warehouse/heldout.jsonl")
    first, later = train[:12], train[12:]
    assert [row["answer"] for row in first] == [row["answer"] for row in later]
    assert [row["answer"] for row in first] == [row["answer"] for row in heldout]
    questions = [row["question"] for row in (*train, *heldout)]
    assert len(set(questions)) == len(questions) == 36
    assert not any(row["answer"].casefold() in row["question"].casefold() for row in (*train, *heldout))
