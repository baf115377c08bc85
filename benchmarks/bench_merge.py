"""How many paraphrases and how many near-opposites are merged, by threshold, with and without the rules.

    python -m benchmarks.bench_merge [--embedder wordllama]

The pairs are ours (``tests/fixtures/sameness_pairs.jsonl``), written in rounds. Each round was counted once, before
anybody looked at its single pairs; then the rules were mended where they failed. So the counts below are those
of known pairs; at first sight and a threshold of 0.80, with the rules of that day, they were

    round                  1     2     3     4     5
    paraphrases merged     -    78%   83%   80%   75%
    opposites merged       -     8%    9%    0%    5%

which is what unknown pairs may expect at worst. Strangers are the texts of different paraphrase pairs of one
domain: lessons that have nothing to do with each other.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from itertools import combinations
from pathlib import Path
from typing import Any

from ace_cli.embeddings import Embedder, make_embedder
from ace_cli.sameness.base import Pair, Relation
from ace_cli.sameness.by_rules import RuleSameness

PAIRS = Path(__file__).parents[1] / "tests" / "fixtures" / "sameness_pairs.jsonl"
THRESHOLDS = (0.60, 0.65, 0.70, 0.75, 0.80, 0.85)

Texts = tuple[str, str]


def groups(rows: list[dict[str, Any]]) -> dict[str, list[Texts]]:
    found: dict[str, list[Texts]] = {}
    for row in rows:
        kind = "paraphrases" if row["same"] else "opposites"
        for name in (f"{kind}, all", f"{kind}, round {row['round']}"):
            found.setdefault(name, []).append((row["a"], row["b"]))
    same = [row for row in rows if row["same"]]
    found["strangers"] = [
        (one[x], other[y])
        for one, other in combinations(same, 2)
        if one["domain"] == other["domain"]
        for x in "ab"
        for y in "ab"
    ]
    return dict(sorted(found.items()))


async def cosines(embedder: Embedder, pairs: list[Texts]) -> list[float]:
    left = await embedder.embed([a for a, _ in pairs])
    right = await embedder.embed([b for _, b in pairs])
    return [float(x @ y) for x, y in zip(left, right, strict=True)]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--embedder", default="wordllama")
    embedder = make_embedder(parser.parse_args().embedder)
    rows = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    print(f"merged pairs with {embedder.name}: by cosine alone -> with the rules")
    print(f"{'':24}{'pairs':>6}  " + "".join(f"{t:>16.2f}" for t in THRESHOLDS))
    rules = RuleSameness(threshold=-1)  # nothing is too far for it: the thresholds of the table come on top
    for name, pairs in groups(rows).items():
        near = await cosines(embedder, pairs)
        judged = await rules.compare([Pair(a, b, c) for (a, b), c in zip(pairs, near, strict=True)])
        free = [judgement.relation is Relation.SAME for judgement in judged]
        cells = []
        for threshold in THRESHOLDS:
            alone = sum(c >= threshold for c in near) / len(pairs)
            ruled = sum(c >= threshold and f for c, f in zip(near, free, strict=True)) / len(pairs)
            cells.append(f"{alone:>7.1%} ->{ruled:>6.1%}")
        print(f"{name:24}{len(pairs):>6}  " + "".join(cells))


if __name__ == "__main__":
    asyncio.run(main())
