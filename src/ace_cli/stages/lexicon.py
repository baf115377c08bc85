"""Texts that are embedded again and again while what their words count changes: bullets, of which every question gets others.

The vectors are those of :class:`~ace_cli.stages.salience.WordVectors`, to the last bit, for hundreds of texts at once. What does not change
(which words a text has, and their vectors) is looked up once a text, and a text whose words count what they did keeps its vector.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ace_cli.stages.salience import WordVectors, factors_by_count, split_words, unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ace_cli.embeddings.base import Vector
    from ace_cli.stages.salience import Floats, Vectors

    Numbers = NDArray[np.int64]

_ROUNDING = 1e-4
"""More than float32 and the rounding of cosines may differ by, together."""

_TINY = 1e-30
"""In place of the length of a sum that was never made, or is zero."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """What words count, by their numbers in a lexicon; those that it has learned since stand in no text that was looked at."""

    known: dict[str, int]
    factors: Floats
    common: frozenset[str]

    def __call__(self, word: str) -> float:
        number = self.known.get(word, len(self.factors))
        if number < len(self.factors):
            return float(self.factors[number])
        return 0.0 if word in self.common else 1.0


class Lexicon:
    """Args: gives the vectors of words; words that count nothing."""

    def __init__(self, words: WordVectors, common: Iterable[str]) -> None:
        self._words = words
        self._common = frozenset(common)
        self._numbers: dict[str, int] = {}
        self._texts: dict[str, int] = {}
        self._kept: _Kept | None = None

    async def learn(self, texts: Sequence[str]) -> None:
        """Look up what is new of ``texts``. Not to be called again before it has returned."""
        import numpy as np

        split = {text: split_words(text) for text in texts if text not in self._texts}
        distinct = dict.fromkeys(word for words in split.values() for word in words)
        new = [word for word in distinct if word not in self._numbers]
        if split or self._kept is None:
            vectors = await self._words.of_words(new)
            self._kept = self._kept or _Kept(vectors.shape[1])
            self._kept.know(vectors)
            self._numbers |= {word: number for number, word in enumerate(new, len(self._numbers))}
        for text, words in split.items():
            self._texts[text] = len(self._texts)
            self._kept.add(np.array([self._numbers[word] for word in words], dtype=np.int64))

    def places(self, texts: Sequence[str]) -> Numbers:
        """What these texts, which were learned, are known by."""
        import numpy as np

        return np.array([self._texts[text] for text in texts], dtype=np.int64)

    def weigh(self, places: Numbers) -> Weighing:
        """What words count among the texts at ``places``: see :func:`~ace_cli.stages.salience.weigh`."""
        import numpy as np

        counts = np.zeros(len(self._numbers), dtype=np.int64)
        if self._kept is not None:
            counts = self._kept.counts(places)
        factors = np.array(factors_by_count(len(places)))[counts]
        factors[[number for word in self._common if (number := self._numbers.get(word)) is not None]] = 0.0
        return Weighing(self._numbers, factors, self._common)

    def embed(self, places: Numbers, weighing: Weighing) -> Vectors:
        """Unit rows of the texts at ``places``, in their order."""
        assert self._kept is not None  # something was learned
        return self._kept.rows_of(places, self._factors(weighing))

    def hopeful(
        self, places: Numbers, weighing: Weighing, query: Vector, bonus: Floats, count: int
    ) -> Numbers:
        """Which of the texts at ``places`` may be among the ``count`` (of more) with the highest cosine plus bonus: positions in ``places``, in order.

        For all others that is sure to be in vain, so that their rows need not be made.
        """
        assert self._kept is not None  # something was learned
        return self._kept.hopeful(places, self._factors(weighing), query, bonus, count)

    def _factors(self, weighing: Weighing) -> Floats:
        """What every word counts, those that were learned since among them."""
        import numpy as np

        if len(weighing.factors) == len(self._numbers):
            return weighing.factors
        later = islice(self._numbers, len(weighing.factors), None)
        return np.concatenate([weighing.factors, [weighing(word) for word in later]])


class _Kept:
    """What is known of words and texts, by their numbers and places."""

    def __init__(self, dimensions: int) -> None:
        import numpy as np

        self.vectors = _Growing(np.empty((0, dimensions), np.float32))
        self._word_lengths = _Growing(np.empty(0, np.float32))
        self._all = _Runs()  # of each text the numbers of its words, in their order
        self._distinct = _Runs()  # and each number once
        self._counted = _Growing(
            np.empty(0, np.float32)
        )  # what those words counted when the text's row was made
        self._rows = _Growing(np.empty((0, dimensions), np.float32))
        self._lengths = _Growing(np.empty(0, np.float64))  # of the sum that a row is the direction of

    def know(self, vectors: Vectors) -> None:
        """The next words."""
        import numpy as np

        self.vectors.add(vectors)
        self._word_lengths.add(np.linalg.norm(vectors, axis=1))

    def add(self, numbers: Numbers) -> None:
        """The next text."""
        import numpy as np

        self._all.add(numbers)
        self._distinct.add(np.unique(numbers))
        self._counted.add(np.full(len(numbers), -1.0, np.float32))  # no word counts that
        self._rows.add(np.zeros((1, self.vectors.view.shape[1]), np.float32))
        self._lengths.add(np.zeros(1))

    def counts(self, places: Numbers) -> Numbers:
        """How many of these texts hold each word."""
        import numpy as np

        at, _ = self._distinct.of(places)
        return np.bincount(self._distinct.flat.view[at], minlength=len(self.vectors.view))

    def rows_of(self, places: Numbers, factors: Floats) -> Vectors:
        """The unit rows of these texts, where words count ``factors``."""
        import numpy as np

        at, text_of, counted = self._counting(places, factors)
        changed = np.bincount(text_of, weights=counted != self._counted.view[at], minlength=len(places)) > 0
        if changed.any():
            self._counted.view[at] = counted
            self._make(np.unique(places[changed]))
        rows: Vectors = self._rows.view[places]
        return rows

    def hopeful(self, places: Numbers, factors: Floats, query: Vector, bonus: Floats, count: int) -> Numbers:
        """See :meth:`Lexicon.hopeful`.

        The row of a text was made when its words counted something else. By the change of each of them its sum has moved no
        further than that word's vector is long, so its direction has turned no further than that allows.
        """
        import numpy as np

        at, text_of, counted = self._counting(places, factors)
        moved = np.abs(counted - self._counted.view[at]) * self._word_lengths.view[self._all.flat.view[at]]
        moved = np.bincount(text_of, weights=moved, minlength=len(places))
        share = moved / np.maximum(self._lengths.view[places], _TINY)
        turned = np.where(share < 1.0, np.arcsin(np.minimum(share, 1.0)), 2.0)  # 2: it may lie anywhere
        about = self._rows.view[places] @ query + bonus
        least = np.partition(about - turned, -count)[-count]
        hopeful: Numbers = (about + turned >= least - _ROUNDING).nonzero()[0]
        return hopeful

    def _counting(self, places: Numbers, factors: Floats) -> tuple[Numbers, Numbers, Vector]:
        """Of each word of these texts: where it is noted, the position of its text in ``places``, and what it counts."""
        import numpy as np

        at, lengths = self._all.of(places)
        text_of = np.repeat(np.arange(len(places)), lengths)
        each = factors[self._all.flat.view[at]]
        counting = np.bincount(text_of, weights=each != 0.0, minlength=len(places))
        each[counting[text_of] == 0] = 1.0  # where no word counts, all do
        return at, text_of, each.astype(np.float32)

    def _make(self, places: Numbers) -> None:
        """The rows of these texts, by what their words count now: first the first words of all texts, then the second ones.

        So every text's words are added in their order, as one by one.
        """
        import numpy as np

        places = places[np.argsort(-self._all.lengths.view[places], kind="stable")]
        starts, lengths = self._all.starts.view[places], self._all.lengths.view[places]
        numbers, counted, vectors = self._all.flat.view, self._counted.view, self.vectors.view
        sums = np.zeros((len(places), vectors.shape[1]), dtype=np.float64)
        for nth in range(int(lengths.max(initial=0))):
            those = starts[: int((lengths > nth).sum())] + nth  # texts that have so many words come first
            sums[: len(those)] += vectors[numbers[those]] * counted[those, None]
        self._rows.view[places] = unit(sums)
        self._lengths.view[places] = np.linalg.norm(sums, axis=1)


class _Growing:
    """An array that rows are added to, with room to spare."""

    def __init__(self, empty: NDArray[Any]) -> None:
        self._room = empty
        self.view = empty

    def add(self, rows: NDArray[Any]) -> None:
        import numpy as np

        count = len(self.view)
        size = count + len(rows)
        if size > len(self._room):
            room = np.empty((max(size, 2 * count, 64), *self._room.shape[1:]), self._room.dtype)
            room[:count] = self.view
            self._room = room
        self._room[count:size] = rows
        self.view = self._room[:size]


class _Runs:
    """Runs of numbers of different lengths, one behind the other."""

    def __init__(self) -> None:
        import numpy as np

        self.flat, self.starts, self.lengths = (_Growing(np.empty(0, np.int64)) for _ in range(3))

    def add(self, run: Numbers) -> None:
        import numpy as np

        self.starts.add(np.array([len(self.flat.view)]))
        self.lengths.add(np.array([len(run)]))
        self.flat.add(run)

    def of(self, places: Numbers) -> tuple[Numbers, Numbers]:
        """Where in ``flat`` the items of these runs are, and how many each run has."""
        import numpy as np

        starts, lengths = self.starts.view[places], self.lengths.view[places]
        before = lengths.cumsum() - lengths
        return np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths), lengths
