"""What a run knows around an example: bullets near to it, and similar examples that were merged before.

The Reflector sees what decides between cases only beside other cases, and repeats a lesson in new words unless it sees the one that is there.
Looked up by the words that tell a question from others (:mod:`ace_cli.stages.salience`), with the built-in word vectors whatever the run's
embedder, so that nothing is paid for it. The same version gives the same, however the run came there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING

from ace_cli.data import Example
from ace_cli.embeddings.wordllama_embedder import WordLlamaEmbedder
from ace_cli.playbook import Playbook
from ace_cli.runs.records import Episode
from ace_cli.stages.base import Around, Solved
from ace_cli.stages.retrieval import Nearest
from ace_cli.stages.salience import built_in, weigh

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ace_cli.embeddings.base import Vector

MOST = 5000
"""Merged examples that are looked through: the newest."""

SAME, OTHER = 2, 2
"""Similar examples of the same truth and of other ones that a Reflector sees, at most."""

NEAR = 3
"""Near bullets that it sees, at most."""


_BLOCK = 1000
"""Rows that are multiplied at once: for more, numeric libraries wake up threads, which cost more than they save."""

_FIRST_LOOK = 64
"""Of so many nearest the order is worked out at first; most often no more are asked for."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A merged example; ``index`` is its place in the dataset."""

    batch: int
    index: int
    solved: Solved


class Memory:
    """What was merged, as far as versions to come look through it.

    Args:
        common: words that many questions of the run hold.
        behind: examples that may have been merged after the version that an example sees, at most.
    """

    def __init__(self, common: Sequence[str], behind: int = 0) -> None:
        self.keeps = MOST + behind
        """Examples that must be known, so that whoever looks finds the same."""
        self._words = built_in()
        self._weight = weigh((), common)
        self._nearest = Nearest(WordLlamaEmbedder(), common)
        self._seen: list[_Seen] = []
        self._rows: _Rows | None = None

    async def learn(self, episodes: Iterable[tuple[Episode, Example]]) -> None:
        """Take in the examples of a batch; batches come in their order, a failed example says nothing."""
        new = [(e, example, e.rounds[0]) for e, example in episodes if e.rounds and not e.failed]
        if not new:
            return
        rows = await self._words.embed([example.question for _, example, _ in new], self._weight)
        if self._rows is None:
            self._rows = _Rows(rows.shape[1], self.keeps)
        for row, (episode, example, first) in zip(rows, new, strict=True):
            if len(self._seen) == 2 * self.keeps:  # what no version to come looks at makes room
                self._rows.make_room()
                del self._seen[: self.keeps]
            self._rows.put(len(self._seen), row, example)
            answer, right = first.attempt.answer, first.verdict.correct
            solved = Solved(example.id, example.question, example.answer, answer, right)
            self._seen.append(_Seen(episode.batch, episode.index, solved))

    async def around(self, example: Example, version: int, playbook: Playbook) -> Around:
        """What lies around ``example`` in ``version`` of the playbook and in the batches before it."""
        bullets = playbook.for_domain(example.domain)
        ranked = await self._nearest.rank(bullets, example.question) if bullets else []
        near = tuple(bullets[position] for position in sorted(ranked[:NEAR]))
        return Around(near, await self._similar(example, version))

    async def alike(self, example: Example, version: int, count: int) -> list[tuple[int, bool]]:
        """The nearest examples of the batches before ``version``: their places in the dataset, and whether they were right."""
        found = await self._others(example, version) if count else None
        if found is None:
            return []
        nearest = (self._seen[position] for position in found.each_once(found.fit))
        return [(seen.index, seen.solved.correct) for seen in islice(nearest, count)]

    async def _similar(self, example: Example, version: int) -> tuple[Solved, ...]:
        """The nearest of the same truth, and the nearest of other ones, in the order of their nearness."""
        found = await self._others(example, version)
        if found is None:
            return ()
        same = list(islice(found.each_once(found.fit & found.same), SAME))
        other = list(islice(found.each_once(found.fit & ~found.same), OTHER))
        ranked = sorted((*same, *other), key=found.rank)
        return tuple(self._seen[position].solved for position in ranked)

    async def _others(self, example: Example, version: int) -> _Found | None:
        """Those that were merged before ``version``."""
        stop = bisect_left(self._seen, version, key=lambda seen: seen.batch)
        start = max(0, stop - MOST)
        if self._rows is None or start == stop:
            return None
        (query,) = await self._words.embed([example.question], self._weight)
        return self._rows.beside(example, query, start, stop)


class _Rows:
    """What of merged examples is compared, by position: arrays with room for twice as many as must be known."""

    def __init__(self, dimensions: int, keeps: int) -> None:
        import numpy as np

        self._keeps = keeps
        self._vectors = np.empty((2 * keeps, dimensions), dtype=np.float32)
        self._codes = np.empty((3, 2 * keeps), dtype=np.int64)

    def put(self, position: int, vector: Vector, example: Example) -> None:
        self._vectors[position] = vector
        self._codes[:, position] = _codes(example)

    def make_room(self) -> None:
        """Forget the older half."""
        keeps = self._keeps
        self._vectors[:keeps] = self._vectors[keeps:].copy()
        self._codes[:, :keeps] = self._codes[:, keeps:].copy()

    def beside(self, example: Example, query: Vector, start: int, stop: int) -> _Found:
        """Positions from ``start`` to ``stop`` against an example, whose question lies at ``query``."""
        import numpy as np

        blocks = range(start, stop, _BLOCK)
        cosines = np.concatenate([self._vectors[at : min(at + _BLOCK, stop)] @ query for at in blocks])
        domain, name, truth = _codes(example)
        domains, names, truths = self._codes[:, start:stop]
        return _Found(start, cosines.round(5), names, (domains == domain) & (names != name), truths == truth)


def _codes(example: Example) -> tuple[int, int, int]:
    """Numbers that stand for the domain, the id and the truth: hashes of 64 bits, so that no text need be kept."""
    texts = example.domain, example.id, example.answer.strip().casefold()
    domain, name, truth = (blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return _number(domain), _number(name), _number(truth)


def _number(digest: bytes) -> int:
    return int.from_bytes(digest, "big", signed=True)


@dataclass(frozen=True, slots=True)
class _Found:
    """Merged examples against one; each array has an item for each position from ``start`` on.

    ``fit``: those of its domain, without itself. ``same``: those of its truth.
    """

    start: int
    cosines: Vector
    names: NDArray[np.int64]
    fit: NDArray[np.bool_]
    same: NDArray[np.bool_]

    def each_once(self, wanted: NDArray[np.bool_]) -> Iterator[int]:
        """Positions, the nearest first; of equals the earlier, and of an example that was seen more than once the first."""
        told = set()
        for at in self._ranked(wanted.nonzero()[0]):
            if (name := int(self.names[at])) not in told:
                told.add(name)
                yield self.start + at

    def rank(self, position: int) -> tuple[float, int]:
        """What is least is nearest."""
        return -float(self.cosines[position - self.start]), position

    def _ranked(self, places: NDArray[np.int64]) -> Iterator[int]:
        """``places`` in order, worked out as far as they are asked for."""
        import numpy as np

        cosines, done, count = self.cosines[places], 0, _FIRST_LOOK
        while done < len(places):
            near = np.arange(len(places))
            if count < len(places):
                near = (cosines >= np.partition(cosines, -count)[-count]).nonzero()[0]
            order = near[np.argsort(-cosines[near], kind="stable")]
            yield from places[order[done:]].tolist()
            done, count = len(order), 8 * count
