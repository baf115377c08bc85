"""How many pairs are merged that say the same, and that do not: by cosine alone, by the rules, by what was learned.

    python -m benchmarks.bench_merge [--embedder wordllama]

Two sets, both of our own writing:

* ``benchmarks/data/sameness_pairs.jsonl``: what a playbook of one topic is full of. A lesson in up to three wordings, mostly
  far from each other, and beside it lessons that differ from it in one thing: a condition, an entity, the advice, a
  direction. The tune half taught the default Sameness (:mod:`benchmarks.train_sameness`); the test half, of other
  topics, was only counted.
* ``tests/fixtures/sameness_pairs.jsonl``: paraphrases and opposites, by which the word rules were written. They came in
  rounds, each counted once before anybody looked at single pairs; at first sight the rules alone merged 75 to 83 % of
  the paraphrases and 0 to 9 % of the opposites. The default learned from these too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ace_cli.sameness.learned import LearnedSameness

from ace_cli.embeddings import Embedder, make_embedder
from ace_cli.sameness.base import Pair, Relation, Sameness
from ace_cli.sameness.by_rules import RuleSameness

HERE = Path(__file__).parents[1]
NEW = HERE / "benchmarks" / "data" / "sameness_pairs.jsonl"
OLDER = HERE / "tests" / "fixtures" / "sameness_pairs.jsonl"
THRESHOLDS = (0.70, 0.75, 0.80, 0.85, 0.90)

Row = Mapping[str, Any]


def rows_of(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def groups() -> dict[str, list[Row]]:
    new, older = rows_of(NEW), rows_of(OLDER)
    found = {
        f"{half} half, {'same' if same else 'different'}": [
            row for row in new if (row["half"], row["same"]) == (half, same)
        ]
        for half in ("test", "tune")
        for same in (True, False)
    }
    test = [row for row in new if row["half"] == "test"]
    for kind in sorted({row["kind"] for row in test}):
        found[f"  test, {kind}"] = [row for row in test if row["kind"] == kind]
    found["older paraphrases"] = [row for row in older if row["same"]]
    found["older opposites"] = [row for row in older if not row["same"]]
    return found


async def pairs_of(embedder: Embedder, rows: Sequence[Row]) -> list[Pair]:
    left = await embedder.embed([row["a"] for row in rows])
    right = await embedder.embed([row["b"] for row in rows])
    return [Pair(row["a"], row["b"], float(x @ y)) for row, x, y in zip(rows, left, right, strict=True)]


async def merged(sameness: Sameness, pairs: Sequence[Pair], relation: Relation = Relation.SAME) -> float:
    judged = await sameness.compare(pairs, None)
    reached = (pair.similarity >= sameness.reach for pair in pairs)
    return sum(j.relation is relation and near for j, near in zip(judged, reached, strict=True)) / len(pairs)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--embedder", default="wordllama")
    embedder = make_embedder(parser.parse_args().embedder)
    print(f"merged with {embedder.name}, by threshold: by cosine alone, by the rules, by default")
    print(f"{'':28}{'pairs':>6}" + "".join(f"{t:>22.2f}" for t in THRESHOLDS) + f"{'unsure':>9}")
    for name, rows in groups().items():
        pairs = await pairs_of(embedder, rows)
        cells = []
        for threshold in THRESHOLDS:
            alone = sum(pair.similarity >= threshold for pair in pairs) / len(pairs)
            rules = await merged(RuleSameness(threshold), pairs)
            learned = await merged(LearnedSameness(threshold), pairs)
            cells.append(f"{alone:>9.1%}{rules:>6.1%}{learned:>7.1%}")
        unsure = await merged(LearnedSameness(), pairs, Relation.UNSURE)
        print(f"{name:28}{len(pairs):>6}" + "".join(cells) + f"{unsure:>9.1%}")


if __name__ == "__main__":
    asyncio.run(main())
