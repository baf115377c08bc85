"""Which words of a question tell it from the others: those count when bullets and examples are looked up by it.

The questions of a dataset share most of their words ("Which shelf does this note go to? Shelves: ..."), and so do lessons ("When
..., the shelf is ..."). A mean over all words lies where these lie, whatever the question. So words that many questions hold are
left out, and the others weigh the more, the fewer bullets hold them (inverse document frequency, Spärck Jones 1972).
``benchmarks/learning/bench_retrieval.py`` measures it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import islice
from math import log
from typing import TYPE_CHECKING

from ace_cli.playbook import Playbook

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

COMMON_WORDS = "common_words"

COMMON_SHARE = 0.2
"""A word that stands in so many of the questions says nothing about one of them."""

MOST_QUESTIONS = 1000
"""Questions that are looked at: the first ones."""

MOST_WORDS = 60
"""Common words that are kept, the most common ones: they go along in a playbook's file."""

_FEWEST = 5
"""With fewer questions than this, every word of one would be common."""

_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")

Weight = Callable[[str], float]
"""What a word counts, in 0..1."""


def split_words(text: str) -> list[str]:
    """The words of ``text`` in lower case."""
    return _WORD.findall(text.lower())


def common_words(questions: Iterable[str]) -> tuple[str, ...]:
    """Those that stand in at least a fifth of the first questions, the most common first."""
    looked_at = [set(split_words(question)) for question in islice(questions, MOST_QUESTIONS)]
    if len(looked_at) < _FEWEST:
        return ()
    counts = Counter(word for words in looked_at for word in words)
    common = [word for word, count in counts.items() if count >= COMMON_SHARE * len(looked_at)]
    return tuple(sorted(common, key=lambda word: (-counts[word], word))[:MOST_WORDS])


def common_words_of(playbook: Playbook) -> tuple[str, ...]:
    """Those that the header of a playbook names."""
    words = playbook.training_config.get(COMMON_WORDS)
    return tuple(word for word in words if isinstance(word, str)) if isinstance(words, list) else ()


def weigh(texts: Sequence[str], common: Iterable[str]) -> Weight:
    """What words count among ``texts``: nothing if they are common, all if at most one text holds them."""
    counts = Counter(word for text in texts for word in set(split_words(text)))
    none, most = frozenset(common), log(len(texts) + 1)

    def weight(word: str) -> float:
        count = counts[word]
        if word in none:
            return 0.0
        return 1.0 if count <= 1 else log((len(texts) + 1) / count) / most

    return weight


class WordVectors:
    """Vectors of texts from those of their words; each word is embedded once.

    Args:
        embed: gives vectors of single words, of an embedder whose vector of a text is the mean over its words.
    """

    def __init__(self, embed: Callable[[Sequence[str]], Awaitable[Vectors]]) -> None:
        self._embed = embed
        self._known: dict[str, Vectors] = {}

    async def embed(self, texts: Sequence[str], weight: Weight) -> Vectors:
        """Unit rows in the order of ``texts``, shape (len(texts), d): the weighted mean of each text's words.

        A text of which no word counts gets the plain mean; one without words is zero.
        """
        import numpy as np

        split = [split_words(text) for text in texts]
        if new := sorted({word for words in split for word in words} - self._known.keys()):
            self._known |= dict(zip(new, await self._embed(new), strict=True))
        size = len(next(iter(self._known.values()))) if self._known else 1
        rows = np.zeros((len(texts), size), dtype=np.float64)
        for row, words in zip(rows, split, strict=True):
            weights = [weight(word) for word in words]
            if not any(weights):
                weights = [1.0] * len(words)
            for word, factor in zip(words, weights, strict=True):
                row += factor * self._known[word]
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        unit: Vectors = (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)
        return unit
