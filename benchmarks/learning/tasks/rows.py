"""A learning task as its folder holds it: rows, gold rules, and the keys by which the rows are checked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

SPLITS = "train", "dev", "test"


@dataclass(frozen=True)
class Row:
    """A row and its key ("" without one); ``text`` is the question without what all questions of the split share."""

    split: str
    id: str
    question: str
    text: str
    answer: str
    key: str


@dataclass(frozen=True)
class Task:
    """``gold`` holds the rules, a sentence each."""

    name: str
    rows: tuple[Row, ...]
    gold: tuple[str, ...]

    def of(self, split: str) -> list[Row]:
        return [row for row in self.rows if row.split == split]


def read_task(folder: Path) -> Task:
    """From ``gold.txt``, the splits that there are, and ``key.txt`` if there is one: an id, a tab and a key a line."""
    key_file = folder / "key.txt"
    lines = key_file.read_text("utf-8").splitlines() if key_file.exists() else []
    keys = dict(line.split("\t") for line in lines)
    rows = tuple(row for split in SPLITS for row in _read_split(folder, split, keys))
    return Task(folder.name, rows, tuple((folder / "gold.txt").read_text("utf-8").splitlines()))


def _read_split(folder: Path, split: str, keys: Mapping[str, str]) -> Iterator[Row]:
    path = folder / f"{split}.jsonl"
    if not path.exists():
        return
    values = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    questions = [value["question"] for value in values]
    start = _alike(questions)
    end = min(_alike([question[::-1] for question in questions]), min(map(len, questions)) - start)
    for value in values:
        question = value["question"]
        text = question[start : len(question) - end]
        yield Row(split, value["id"], question, text, value["answer"], keys.get(value["id"], ""))


def _alike(texts: Sequence[str]) -> int:
    """With how many characters all of them begin."""
    return len(list(takewhile(lambda characters: len(set(characters)) == 1, zip(*texts, strict=False))))
