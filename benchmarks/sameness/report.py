"""How many pairs are merged that say the same, and that do not: by cosine, by cosine and the word rules, by default.

    python -m benchmarks.sameness.report [--half test|tune|other] [--embedder wordllama]

The table by kind is at the product's own thresholds; the curve below it puts the cut of each way where so many of the
different pairs of this half are merged, as if it had been known before.
"""

from __future__ import annotations

import argparse
import asyncio
import time

import numpy as np
from benchmarks.sameness.pairs import KINDS, Labelled, load
from numpy.typing import NDArray

from ace_cli.embeddings import make_embedder
from ace_cli.sameness.base import Pair, Relation
from ace_cli.sameness.by_rules import RuleSameness
from ace_cli.sameness.frames import unframed
from ace_cli.sameness.learned import EDITION, LearnedSameness, likenesses, spoken_against
from ace_cli.sameness.rules.contradiction import contradiction

TIMED = 600
"""Pairs whose time is taken."""
SHARES = (0.01, 0.02, 0.03, 0.05, 0.08, 0.10, 0.15, 0.20, 0.25)

Flags = NDArray[np.bool_]


async def cosines(embedder: str, pairs: list[Labelled]) -> list[float]:
    texts = sorted({text for pair in pairs for text in (pair.a, pair.b)})
    rows = dict(zip(texts, await make_embedder(embedder).embed(texts), strict=True))
    return [float(rows[pair.a] @ rows[pair.b]) for pair in pairs]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--half", default="test", choices=("tune", "test", "other"))
    parser.add_argument("--embedder", default="wordllama")
    wanted = parser.parse_args()
    labelled = load(wanted.half)
    cosine = np.array(await cosines(wanted.embedder, labelled))
    pairs = [Pair(pair.a, pair.b, near) for pair, near in zip(labelled, cosine.tolist(), strict=True)]
    same = np.array([pair.same for pair in labelled])
    rules, learned = RuleSameness(0.8), LearnedSameness(0.8)
    by_rules = [j.relation for j in await rules.compare(pairs)]
    by_default = [
        j.relation if p.similarity >= learned.reach else Relation.DIFFERENT
        for p, j in zip(pairs, await learned.compare(pairs), strict=True)
    ]
    ways: dict[str, Flags] = {
        "cosine 0.8": cosine >= 0.8,
        "and rules": np.array([r is Relation.SAME for r in by_rules]),
        "default": np.array([r is Relation.SAME for r in by_default]),
        "unsure": np.array([r is Relation.UNSURE for r in by_default]),
    }
    print(
        f"merged, {wanted.half} half, {wanted.embedder}\n{'':30}{'pairs':>6}"
        + "".join(f"{way:>12}" for way in ways)
    )
    kind = np.array([pair.kind for pair in labelled])
    rows = {"the same": same, "different": ~same} | {
        f"  {told}": kind == name for name, told in KINDS.items()
    }
    for name, those in rows.items():
        if those.any():
            print(
                f"{name:30}{those.sum():>6}"
                + "".join(f"{found[those].mean():>12.1%}" for found in ways.values())
            )
    scores = {
        "cosine": cosine,
        "cosine and rules": np.array(
            [-1.0 if contradiction(p.new, p.known) else p.similarity for p in pairs]
        ),
        "default": np.array(
            [
                -1.0 if spoken_against(unframed(p.new), unframed(p.known)) else alike
                for p, alike in zip(pairs, likenesses([(p.new, p.known) for p in pairs]), strict=True)
            ]
        ),
    }
    print(
        f"\nof the same merged, where so many of the different are:\n{'':30}"
        + "".join(f"{x:>7.0%}" for x in SHARES)
    )
    for name, score in scores.items():
        cuts = np.quantile(score[~same], [1 - share for share in SHARES])
        print(f"{name:30}" + "".join(f"{(score[same] > cut).mean():>7.1%}" for cut in cuts))
    for edition in (1, EDITION):
        begun = time.process_time()
        await LearnedSameness(edition=edition).compare(pairs[:TIMED])
        spent = (time.process_time() - begun) / TIMED * 1000
        print(f"edition {edition}: {spent:.2f} ms of CPU a pair, its words met before")


if __name__ == "__main__":
    asyncio.run(main())
