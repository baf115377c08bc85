"""Texts that are embedded again and again while what their words count changes: bullets, of which every question gets others.

The vectors are those of :class:`~ace_cli.stages.salience.WordVectors`, to the last bit, for hundreds of texts at once. What does not change
(which words a text has, and their vectors) is looked up once a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ace_cli.stages.salience import WordVectors, factors_by_count, split_words, unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ace_cli.stages.salience import Floats, Vectors

    Numbers = NDArray[np.int64]


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
        self._vectors: Vectors | None = None
        self._texts: dict[str, Numbers] = {}

    async def learn(self, texts: Sequence[str]) -> None:
        """Look up what is new of ``texts``. Not to be called again before it has returned."""
        import numpy as np

        split = {text: split_words(text) for text in texts if text not in self._texts}
        new = [
            w for w in dict.fromkeys(w for words in split.values() for w in words) if w not in self._numbers
        ]
        if new or self._vectors is None:
            rows = await self._words.of_words(new)
            known = self._vectors
            self._vectors = rows if known is None or not len(known) else np.concatenate([known, rows])
            self._numbers |= {word: number for number, word in enumerate(new, len(self._numbers))}
        for text, words in split.items():
            self._texts[text] = np.array([self._numbers[word] for word in words], dtype=np.int64)

    def weigh(self, texts: Sequence[str]) -> Weighing:
        """What words count among ``texts``, which were learned: see :func:`~ace_cli.stages.salience.weigh`."""
        import numpy as np

        held = [np.unique(self._texts[text]) for text in texts]
        counts = np.bincount(np.concatenate([*held, np.empty(0, np.int64)]), minlength=len(self._numbers))
        factors = np.array(factors_by_count(len(texts)))[counts]
        factors[[number for word in self._common if (number := self._numbers.get(word)) is not None]] = 0.0
        return Weighing(self._numbers, factors, self._common)

    def embed(self, texts: Sequence[str], weighing: Weighing) -> Vectors:
        """Unit rows of ``texts``, which were learned, in their order."""
        import numpy as np

        assert self._vectors is not None
        rows = np.zeros((len(texts), self._vectors.shape[1]), dtype=np.float64)
        order = sorted(range(len(texts)), key=lambda at: -len(self._texts[texts[at]]))
        numbers = [self._texts[texts[at]] for at in order]
        rows[order] = self._sums(numbers, self._factors(numbers, weighing))
        return unit(rows)

    def _factors(self, numbers: Sequence[Numbers], weighing: Weighing) -> Floats:
        """What each word of each text counts, one text after the other; where none counts, all do."""
        import numpy as np

        later = list(self._numbers)[len(weighing.factors) :]
        factors = np.concatenate([weighing.factors, [weighing(word) for word in later]])
        each: Floats = factors[np.concatenate([*numbers, np.empty(0, np.int64)])]
        texts = np.repeat(np.arange(len(numbers)), [len(text) for text in numbers])
        counting = np.bincount(texts, weights=each != 0.0, minlength=len(numbers))
        each[counting[texts] == 0] = 1.0
        return each

    def _sums(self, numbers: Sequence[Numbers], factors: Floats) -> Floats:
        """The weighted sum of each text's words, longest texts first: the first words of all texts, then the second ones.

        So every text's words are added in their order, as one by one.
        """
        import numpy as np

        assert self._vectors is not None
        sums = np.zeros((len(numbers), self._vectors.shape[1]), dtype=np.float64)
        lengths = np.array([len(text) for text in numbers], dtype=np.int64)
        starts = lengths.cumsum() - lengths
        flat, counted = np.concatenate([*numbers, np.empty(0, np.int64)]), factors.astype(np.float32)[:, None]
        for at in range(int(lengths.max(initial=0))):
            those = starts[: int((lengths > at).sum())] + at
            sums[: len(those)] += self._vectors[flat[those]] * counted[those]
        return sums
