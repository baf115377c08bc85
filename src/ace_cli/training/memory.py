"""What a run knows around an example: bullets near to it, and similar examples that were merged before.

The Reflector sees what decides between cases only beside other cases, and repeats a lesson in new words unless it sees the one that is there.
Looked up by the words that tell a question from others (:mod:`ace_cli.stages.salience`), with the built-in word vectors whatever the run's
embedder, so that nothing is paid for it. The same version gives the same, however the run came there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from ace_cli.data import Example
from ace_cli.embeddings.wordllama_embedder import WordLlamaEmbedder
from ace_cli.playbook import Playbook
from ace_cli.runs.records import Episode
from ace_cli.stages.base import Around, Solved
from ace_cli.stages.retrieval import Nearest
from ace_cli.stages.salience import WordVectors, weigh

if TYPE_CHECKING:
    from ace_cli.embeddings.base import Vectors

MOST = 5000
"""Merged examples that are looked through: the newest."""

SAME, OTHER = 2, 2
"""Similar examples of the same truth and of other ones that a Reflector sees, at most."""

NEAR = 3
"""Near bullets that it sees, at most."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A merged example; ``index`` is its place in the dataset."""

    batch: int
    index: int
    domain: str
    solved: Solved


class Memory:
    """Args: words that many questions of the run hold."""

    def __init__(self, common: Sequence[str]) -> None:
        self._words = WordVectors(WordLlamaEmbedder.embed_words)
        self._weight = weigh((), common)
        self._nearest = Nearest(WordLlamaEmbedder(), common)
        self._seen: list[_Seen] = []
        self._vectors: Vectors | None = None  # room for twice as many as are looked through

    async def learn(self, episodes: Iterable[tuple[Episode, Example]]) -> None:
        """Take in the examples of a batch; batches come in their order, a failed example says nothing."""
        import numpy as np

        new = [(e, example, e.rounds[0]) for e, example in episodes if e.rounds and not e.failed]
        if not new:
            return
        rows = await self._words.embed([example.question for _, example, _ in new], self._weight)
        if self._vectors is None:
            self._vectors = np.empty((2 * MOST, rows.shape[1]), dtype=np.float32)
        for row, (episode, example, first) in zip(rows, new, strict=True):
            if len(self._seen) == len(self._vectors):  # what no version to come looks at makes room
                self._vectors[:MOST] = self._vectors[MOST:].copy()
                del self._seen[:MOST]
            self._vectors[len(self._seen)] = row
            answer, right = first.attempt.answer, first.verdict.correct
            solved = Solved(example.id, example.question, example.answer, answer, right)
            self._seen.append(_Seen(episode.batch, episode.index, example.domain, solved))

    async def around(self, example: Example, version: int, playbook: Playbook) -> Around:
        """What lies around ``example`` in ``version`` of the playbook and in the batches before it."""
        bullets = playbook.for_domain(example.domain)
        ranked = await self._nearest.rank(bullets, example.question) if bullets else []
        near = tuple(bullets[position] for position in sorted(ranked[:NEAR]))
        return Around(near, await self._similar(example, version))

    async def alike(self, example: Example, version: int, count: int) -> list[tuple[int, bool]]:
        """The nearest examples of the batches before ``version``: their places in the dataset, and whether they were right."""
        nearest = await self._nearest_first(example, version) if count else iter(())
        return [(seen.index, seen.solved.correct) for seen in islice(nearest, count)]

    async def _similar(self, example: Example, version: int) -> tuple[Solved, ...]:
        found: list[Solved] = []
        left = {True: SAME, False: OTHER}
        truth = example.answer.strip().casefold()
        for seen in await self._nearest_first(example, version):
            same = seen.solved.truth.strip().casefold() == truth
            if left[same]:
                found.append(seen.solved)
                left[same] -= 1
            if not any(left.values()):
                break
        return tuple(found)

    async def _nearest_first(self, example: Example, version: int) -> Iterator[_Seen]:
        """Others of its domain, each once, that were merged before ``version``."""
        import numpy as np

        stop = bisect_left(self._seen, version, key=lambda seen: seen.batch)
        start = max(0, stop - MOST)
        if self._vectors is None or start == stop:
            return iter(())
        (query,) = await self._words.embed([example.question], self._weight)
        cosines = (self._vectors[start:stop] @ query).round(5)
        order = np.argsort(-cosines, kind="stable").tolist()
        return self._others(example, (self._seen[start + position] for position in order))

    @staticmethod
    def _others(example: Example, ranked: Iterable[_Seen]) -> Iterator[_Seen]:
        told = {example.id}
        for seen in ranked:
            if seen.domain == example.domain and seen.solved.id not in told:
                told.add(seen.solved.id)
                yield seen
