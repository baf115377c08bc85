"""What a merge of 50 insights costs by the size of the playbook, beside the bare faiss search of the same vectors.

    python -m benchmarks.bench_curator [--full]

The lessons are halves of those of ``benchmarks/sameness/pairs``, put together anew, all in one domain. In each of some rounds
50 insights are merged (a fifth of them a bullet in a frame), and the same 50 vectors are searched for by a bare ``IndexFlatIP``, all
at once. All is CPU time, the least of the rounds. ``merge`` is the Curator and the next version of the playbook; of it, ``embed`` are
the insights' vectors and ``compare`` the classifier, whose work does not depend on the size. ``rest`` is what is left, beside bare
faiss. ``first`` builds the index. Beyond ``MANY`` bullets search is approximate: how much of what is nearest it finds. Memory is the
peak of the process with the bullets and their vectors once more, as a cache; the bare index is not counted.

``--full`` goes up to a million bullets (7 GB of memory, some minutes).
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import faiss
import numpy as np
from benchmarks.processes import machine, spend
from benchmarks.sameness.pairs import load

from ace_cli.embeddings import VectorIndex, make_embedder
from ace_cli.embeddings.index import MANY
from ace_cli.playbook import Bullet, Playbook, make_id
from ace_cli.replies import Ask
from ace_cli.sameness.base import Judgement, Pair
from ace_cli.sameness.learned import LearnedSameness
from ace_cli.stages.base import Insight, MergeItem, Reflection
from ace_cli.stages.curator import NEIGHBOURS, SemanticCurator

if TYPE_CHECKING:
    from ace_cli.embeddings.base import Vectors

SIZES, FULL = (1_000, 10_000), (1_000, 10_000, 100_000, 1_000_000)
INSIGHTS, ROUNDS = 50, 3
AT = "2026-01-01T00:00:00Z"
_BINDING = ("when", "if", "before", "after", "unless", "for", "until", "by")


def lessons(count: int) -> list[str]:
    """So many different ones."""
    halves = [
        _halves(text)
        for text in sorted({pair.a for pair in load("tune")} | {pair.a for pair in load("test")})
    ]
    draw, found = np.random.default_rng(0), dict[str, None]()
    while len(found) < count:
        for one, other in draw.integers(0, len(halves), (count, 2)).tolist():
            found[f"{halves[one][0]} {halves[other][1]}."] = None
    return list(found)[:count]


def _halves(text: str) -> tuple[str, str]:
    words = text.rstrip(".").split()
    cuts = (n for n in range(2, len(words) - 1) if words[n - 1].endswith(",") or words[n] in _BINDING)
    cut = next(cuts, len(words) // 2)
    return " ".join(words[:cut]), " ".join(words[cut:])


@dataclass
class Timed:
    """An embedder and a Sameness that count their seconds; vectors are kept, as a run keeps them."""

    known: dict[str, Vectors] = field(default_factory=dict)
    embedding: float = 0.0
    comparing: float = 0.0
    pairs: int = 0
    name: str = "wordllama"
    inner: LearnedSameness = field(default_factory=LearnedSameness)
    reach: float = LearnedSameness().reach

    async def embed(self, texts: Sequence[str]) -> Vectors:
        begun = time.process_time()
        missing = [text for text in texts if text not in self.known]
        self.known |= zip(missing, await make_embedder("wordllama").embed(missing), strict=True)
        self.embedding += time.process_time() - begun
        return np.stack([self.known[text] for text in texts])

    async def compare(self, pairs: Sequence[Pair], ask: Ask | None) -> list[Judgement]:
        begun = time.process_time()
        found = await self.inner.compare(pairs, ask)
        self.comparing += time.process_time() - begun
        self.pairs += len(pairs)
        return found


@dataclass
class Round:
    merge: float
    embed: float
    compare: float
    pairs: int
    bare: float

    @property
    def rest(self) -> float:
        return self.merge - self.embed - self.compare


def batches(texts: Sequence[str], new: Sequence[str]) -> list[list[MergeItem]]:
    """Insights of some rounds: new ones, and bullets in a frame."""
    draw = np.random.default_rng(1)
    found = []
    for n in range(ROUNDS):
        said = list(new[n * INSIGHTS : (n + 1) * INSIGHTS])
        for place in range(0, INSIGHTS, 5):
            known = texts[int(draw.integers(0, len(texts)))]
            said[place] = f"Always {known[0].lower()}{known[1:]}"
        found.append(
            [MergeItem(f"e{k}", "general", Reflection((Insight(text),))) for k, text in enumerate(said)]
        )
    return found


async def measure(size: int) -> None:
    texts = lessons(size + ROUNDS * INSIGHTS)
    texts, new = texts[:size], texts[size:]
    playbook = Playbook(tuple(Bullet(make_id(n), text, sources=("e",)) for n, text in enumerate(texts, 1)))
    timed = Timed()
    curator = SemanticCurator(timed, timed)
    begun = time.process_time()
    playbook = playbook.apply(await curator.curate(playbook, [], None, at=AT))
    first = time.process_time() - begun - timed.embedding
    each = timed.embedding / size
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    bare = faiss.IndexFlatIP(257)
    bare.add(np.stack([timed.known[text] for text in texts]))
    rounds = []
    for items in batches(texts, new):
        begun, before = time.process_time(), (timed.embedding, timed.comparing, timed.pairs)
        delta = await curator.curate(playbook, items, None, at=AT)
        playbook = playbook.apply(delta)
        merge = time.process_time() - begun
        embed, compare = timed.embedding - before[0], timed.comparing - before[1]
        pairs = timed.pairs - before[2]
        queries = await timed.embed([item.reflection.insights[0].content for item in items])
        begun = time.process_time()
        bare.search(queries, NEIGHBOURS)
        alone = time.process_time() - begun
        rounds.append(Round(merge, embed, compare, pairs, alone))
    least = {
        name: min(getattr(r, name) for r in rounds) for name in ("merge", "embed", "compare", "rest", "bare")
    }
    print(
        f"{size:>9,}"
        + "".join(f"{least[name] * 1000:>9.1f}" for name in ("bare", "embed", "compare", "rest", "merge"))
        + f"{least['rest'] / least['bare']:>8.2f}{rounds[0].pairs:>7}{first:>9.1f}{memory:>8.2f}{each * 1e6:>8.0f}"
    )
    if size >= MANY:
        await approximate(texts, new, timed)


async def approximate(texts: Sequence[str], new: Sequence[str], timed: Timed) -> None:
    """How near the approximate index comes to the exact one."""
    vectors = await timed.embed(texts)
    queries = await timed.embed(new)
    exact, near = VectorIndex[int](), VectorIndex[int](MANY)
    exact.add(range(len(texts)), vectors)
    begun = time.process_time()
    near.add(range(len(texts)), vectors)
    built = time.process_time() - begun
    told = []
    for index in (exact, near):
        begun = time.process_time()
        told.append([[n for n, _ in found] for found in index.search_each(queries, NEIGHBOURS)])
        print(f"  {time.process_time() - begun:.2f} s for {len(queries)} queries", end="")
    pairs = list(zip(*told, strict=True))
    for k in (1, 4, NEIGHBOURS):
        recall = np.mean([len(set(one[:k]) & set(other)) / k for one, other in pairs])
        print(f"; of the nearest {k}: {recall:.1%}", end="")
    print(f"; built in {built:.0f} s")


def started() -> None:
    """CPU and memory of the default when it starts, as processes: what each line adds to the one before."""
    steps = {
        "python, numpy and faiss": "import numpy, faiss",
        "and this program's curator": "import ace_cli.stages.curator, ace_cli.sameness.learned",
        "and WordLlama, its first text": "import asyncio; from ace_cli.embeddings import make_embedder; "
        "asyncio.run(make_embedder('wordllama').embed(['Round up.']))",
        "and the classifier, its first pair": "from ace_cli.sameness.learned import likeness; "
        "likeness('Round the price up.', 'Prices are rounded up.')",
    }
    said = ""
    for name, code in steps.items():
        said = f"{said}; {code}" if said else code
        runs = [spend("-c", said) for _ in range(ROUNDS)]
        print(f"{name:36}{min(r.cpu for r in runs):>6.2f} s{min(r.peak for r in runs):>7.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", action="store_true", help="up to a million bullets")
    parser.add_argument("--sizes", type=int, nargs="*", help="these sizes")
    wanted = parser.parse_args()
    faiss.omp_set_num_threads(1)
    print(machine())
    started()
    print(
        f"\nmerging {INSIGHTS} insights, ms\n  bullets     bare    embed  compare     rest    merge  rest/bare  pairs  first s     GB  us/text"
    )
    for size in wanted.sizes or (FULL if wanted.full else SIZES):
        asyncio.run(measure(size))


if __name__ == "__main__":
    main()
