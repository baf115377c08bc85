"""Are the rows of the learning tasks right? ``python -m benchmarks.learning.tasks.check [TASK ...]``

Of every task: no id or question stands there twice, and train, dev, test and the gold rules share neither a run of words
nor a name, so that only the rule carries over. Of a task that has a check in ``rules.py``: the answers follow from the rules.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

from benchmarks.learning.tasks.rows import SPLITS, Task, read_task
from benchmarks.learning.tasks.rules import CHECKS, DAYS, MONTHS

HERE = Path(__file__).parent
RUN = 4
"""As many words in a row may not stand in two splits."""

NO_NAMES = {"Mr", "Mrs", "Miss", "Ms", "Dr", *DAYS.values(), *MONTHS}


def problems(task: Task) -> Iterator[str]:
    """What is wrong with ``task``, a sentence each."""
    yield from _doubles("id", [row.id for row in task.rows])
    yield from _doubles("question", [row.question for row in task.rows])
    yield from _shared_runs(task)
    yield from _shared_names(task)
    if check := CHECKS.get(task.name):
        yield from check(task)


def _doubles(what: str, values: Sequence[str]) -> Iterator[str]:
    yield from (f"{what} twice: {value}" for value, times in Counter(values).items() if times > 1)


def _shared_runs(task: Task) -> Iterator[str]:
    texts = {split: [row.text for row in task.of(split)] for split in SPLITS}
    if task.name != "facts":  # there the rules are the facts that are asked for
        texts["gold"] = list(task.gold)
    for one, other in combinations(texts, 2):
        for run in sorted(_runs(texts[one]) & _runs(texts[other])):
            yield f"{one} and {other} share: {' '.join(run)}"


def _runs(texts: Sequence[str]) -> set[tuple[str, ...]]:
    lines = [re.findall(r"\w+", text.lower()) for text in texts]
    return {tuple(words[n : n + RUN]) for words in lines for n in range(len(words) - RUN + 1)}


def _shared_names(task: Task) -> Iterator[str]:
    known = NO_NAMES | set(re.findall(r"\w+", " ".join(task.gold)))
    for one, other in combinations(SPLITS, 2):
        for name in sorted((_names(task, one) & _names(task, other)) - known):
            yield f"{one} and {other} share the name {name}"


def _names(task: Task, split: str) -> set[str]:
    """Words with a capital that do not begin a sentence."""
    return {name for row in task.of(split) for name in re.findall(r"(?<=[a-z0-9,] )[A-Z][a-z]+", row.text)}


def main(names: Sequence[str]) -> int:
    folders = [HERE / name for name in names] or sorted(path.parent for path in HERE.glob("*/gold.txt"))
    wrong = 0
    for task in map(read_task, folders):
        found = list(problems(task))
        wrong += len(found)
        sizes = ", ".join(f"{len(rows)} {split}" for split in SPLITS if (rows := task.of(split)))
        print(f"{task.name}: {sizes}, {len(task.gold)} rules, {len(found)} problems")
        print("".join(f"  {problem}\n" for problem in found), end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
