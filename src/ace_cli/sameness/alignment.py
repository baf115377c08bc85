"""Pairs of lessons, word beside word; many pairs at once, so that numpy is called for all of them together.

Arrays have the pairs on their last axis. A shorter lesson is filled up with words that weigh nothing and are like nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

from ace_cli.sameness.side import Side
from ace_cli.sameness.terms import ONE_ROOT, Term, of_one_root

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SidePair = tuple[Side, Side]

_MOST = 32_768
"""Numbers in an array of words by words by pairs."""

_LEAST_WORDS = 3
"""Arrays are so long at least, for the three words that are lacking most."""


def in_groups(pairs: Sequence[SidePair]) -> Iterator[Sequence[SidePair]]:
    """The pairs in order, in groups whose arrays stay small."""
    start = n = m = 0
    for at, (one, other) in enumerate(pairs):
        n, m = max(n, len(one.words)), max(m, len(other.words))
        if at > start and n * m * (at + 1 - start) > _MOST:
            yield pairs[start:at]
            start, n, m = at, len(one.words), len(other.words)
    yield pairs[start:]


class Words:
    """The words of one side of each pair: arrays of shape (words, pairs).

    ``best``: how much each is like the word of the other side that it is most like. ``left``: 1 where it says something that has
    no like there, else 0. ``within``: cosines among each other, (words, words, pairs).
    """

    def __init__(self, sides: Sequence[Side], best: Floats) -> None:
        import numpy as np

        facts = np.zeros((3, *best.shape))
        self.within = np.zeros((best.shape[0], *best.shape))
        for at, side in enumerate(sides):
            n = len(side.words)
            facts[:, :n, at] = side.facts
            self.within[:n, :n, at] = side.within
        self.weights, self.content, self.bound = facts
        self.best = best
        self.left = self.content * (best < ONE_ROOT)


class Alignment:
    """``alike``: how much each word is like each word of the other lesson, 1 for forms of a word and for synonyms, (n, m, pairs).

    ``cosines``: of the vectors alone. ``wholes``: of :attr:`Side.wholes`, (3, 3, pairs).
    """

    def __init__(self, pairs: Sequence[SidePair]) -> None:
        import numpy as np

        self.pairs = pairs
        n = max(_LEAST_WORDS, *(len(one.words) for one, _ in pairs))
        m = max(_LEAST_WORDS, *(len(other.words) for _, other in pairs))
        self.cosines = np.zeros((n, m, len(pairs)))
        self.alike = np.zeros((n, m, len(pairs)))
        self.wholes = np.zeros((3, 3, len(pairs)))
        start = 0
        for one, those in groupby(pairs, key=lambda pair: pair[0]):
            others = [other for _, other in those]
            self._lay(one, others, start)
            start += len(others)

    @cached_property
    def one(self) -> Words:
        return Words([one for one, _ in self.pairs], self.alike.max(axis=1))

    @cached_property
    def other(self) -> Words:
        return Words([other for _, other in self.pairs], self.alike.max(axis=0))

    def _lay(self, one: Side, others: Sequence[Side], start: int) -> None:
        """One lesson beside several: each of their words is looked at once."""
        import numpy as np

        words = list(dict.fromkeys(word for other in others for word in other.words))
        places = {word: at for at, word in enumerate(words)}
        cosines, alike = (
            np.pad(numbers, ((0, 0), (0, 1))) for numbers in beside_each_other(one.words, words)
        )
        columns = np.full((self.cosines.shape[1], len(others)), -1)
        for at, other in enumerate(others):
            columns[: len(other.words), at] = [places[word] for word in other.words]
        n, end = len(one.words), start + len(others)
        self.cosines[:n, :, start:end] = cosines[:, columns]
        self.alike[:n, :, start:end] = alike[:, columns]
        wholes = one.wholes @ np.concatenate([other.wholes for other in others]).T
        self.wholes[:, :, start:end] = wholes.reshape(3, len(others), 3).transpose(0, 2, 1)


def beside_each_other(ours: Sequence[Term], its: Sequence[Term]) -> tuple[Floats, Floats]:
    """How near words are by their vectors, and how much they are alike; (ours, its)."""
    import numpy as np

    mine = np.array([word.vector for word in ours])
    known = mine if its is ours else np.array([word.vector for word in its])
    cosines: Floats = mine @ known.T
    alike = np.maximum(cosines, 0.0)
    if kin := list(_kin(ours, its)):
        rows, columns, least = map(list, zip(*kin, strict=True))
        alike[rows, columns] = np.maximum(alike[rows, columns], least)
    return cosines, alike


def _kin(ours: Sequence[Term], its: Sequence[Term]) -> Iterator[tuple[int, int, float]]:
    """Where words are alike whatever their vectors say, and how much: first those with one root, then those of one meaning."""
    roots: defaultdict[str, list[int]] = defaultdict(list)
    meanings: defaultdict[str, list[int]] = defaultdict(list)
    for column, word in enumerate(its):
        if word.root:
            roots[word.root].append(column)
        for meaning in word.meanings:
            meanings[meaning].append(column)
    for row, word in enumerate(ours):
        for column in roots.get(word.root, ()):
            if of_one_root(word.stem, its[column].stem):
                yield row, column, ONE_ROOT
    for row, word in enumerate(ours):
        for meaning in word.meanings:
            for column in meanings.get(meaning, ()):
                yield row, column, 1.0
