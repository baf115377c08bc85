"""The parts in docs/extending.md, written into files and named at the command line as the page says."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typing_extensions import is_protocol

from ace_cli.runs.reader import RunReader
from support.command import read_json
from support.inside import Inside
from support.serving import Serve

pytestmark = pytest.mark.patient

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text("utf-8")
FILES = dict(re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
TABLES = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def _written(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, code in FILES.items():
        (inside.cwd / name).write_text(code)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name in FILES:
        sys.modules.pop(name.removesuffix(".py"), None)


def test_every_part_that_is_listed_is_a_protocol_and_has_an_example_that_runs() -> None:
    listed = re.findall(r"^\| \[(\w+)\][^|]*\| `--([\w-]+)` \| `([\w.]+)`", PAGE, re.MULTILINE)
    assert {(flag.replace("-", "_"), kind) for kind, flag, _ in listed} == set(PARTS.values())
    assert all(is_protocol(getattr(importlib.import_module(module), kind)) for kind, _, module in listed)
    assert set(FILES) == {f"{module.partition(':')[0]}.py" for module in PARTS}


PARTS = {
    "within:Within": ("scorer", "Scorer"),
    "two_tries:TwoTries": ("generator", "Generator"),
    "facts_only:FactsOnly": ("reflector", "Reflector"),
    "word_for_word:WordForWord": ("curator", "Curator"),
    "overlap:Overlap": ("sameness", "Sameness"),
    "letter_pairs:LetterPairs": ("embedding_model", "Embedder"),
}


@pytest.mark.parametrize("spec", PARTS)
def test_a_run_with_the_part_ends_well_and_twice_with_the_same_playbook(
    spec: str, inside: Inside, serve: Serve
) -> None:
    server, data = serve(12)
    flag, _ = PARTS[spec]
    (inside.cwd / "ace.toml").write_text("[training]\nallow_leaks = true\n")  # as the page says of FactsOnly
    bullets = []
    for run in ("one", "two"):
        outputs = {"output": f"{run}.json", "metrics_output": f"{run}.metrics.json", "run_dir": run}
        done = inside.train(server, data, 12, **{flag: spec}, batch_size=4, **outputs)
        assert done.code == 0, done.err
        bullets.append(read_json(inside.cwd / f"{run}.json")["bullets"])
    assert bullets[0] == bullets[1] != []


def test_a_part_is_made_with_the_arguments_of_its_table(inside: Inside, serve: Serve) -> None:
    server, data = serve(4)
    for table in TABLES:
        (inside.cwd / "own.toml").write_text(table)
        done = inside.train(server, data, 4, config="own.toml", run_dir=f"run-{table[1:5]}")
        assert done.code == 0, done.err
    assert len(TABLES) == 2


def test_the_scorer_gives_credit_for_what_is_nearly_right(inside: Inside, serve: Serve) -> None:
    server, data = serve(1, reply=json.dumps({"reasoning": "", "bullet_ids": [], "final_answer": "95"}))
    data.write_text(json.dumps({"question": "How many?", "answer": "100"}) + "\n")
    (inside.cwd / "own.toml").write_text(TABLES[0])
    done = inside.train(server, data, 1, config="own.toml", reflector="facts_only:FactsOnly")
    assert done.code == 0, done.err
    with RunReader(inside.cwd / "run") as run:
        (episode,) = run.episodes()
    assert (episode.correct, episode.rounds[0].verdict.credit) == (True, 0.95)
