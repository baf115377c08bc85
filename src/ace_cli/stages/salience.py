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
from functools import cache, lru_cache
from itertools import chain, islice
from math import log
from threading import Lock
from typing import TYPE_CHECKING

from ace_cli.embeddings.wordllama_embedder import WordLlamaEmbedder
from ace_cli.playbook import Playbook

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
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
    none, factors = frozenset(common), factors_by_count(len(texts))
    return lambda word: 0.0 if word in none else factors[counts[word]]


@lru_cache(maxsize=32)
def factors_by_count(texts: int) -> tuple[float, ...]:
    """What a word counts that stands in 0, 1, 2 ... of so many texts."""
    most = log(texts + 1)
    return (1.0, 1.0, *(log((texts + 1) / count) / most for count in range(2, texts + 1)))


class WordVectors:
    """Vectors of texts from those of their words; each word is embedded once, as long as it is not forgotten.

    Args:
        embed: gives vectors of single words, of an embedder whose vector of a text is the mean over its words.
    """

    def __init__(self, embed: Callable[[Sequence[str]], Awaitable[Vectors]]) -> None:
        self._words = _Vocabulary(embed)

    async def embed(self, texts: Sequence[str], weight: Weight) -> Vectors:
        """Unit rows in the order of ``texts``, shape (len(texts), d): the weighted mean of each text's words.

        A text of which no word counts gets the plain mean; one without words is zero. A row depends on its text and the weights
        alone, to the last bit.
        """
        import numpy as np

        split = [split_words(text) for text in texts]
        distinct = {word: place for place, word in enumerate(dict.fromkeys(chain.from_iterable(split)))}
        vectors = await self.of_words(list(distinct))
        counts = {word: weight(word) for word in distinct}
        rows = np.zeros((len(texts), vectors.shape[1]), dtype=np.float64)
        for row, words in zip(rows, split, strict=True):
            weights = [counts[word] for word in words]
            if words:
                factors = np.array(weights if any(weights) else [1.0] * len(words), dtype=np.float32)
                terms = vectors[[distinct[word] for word in words]] * factors[:, None]
                row += terms.astype(np.float64).sum(axis=0)  # one after the other
        return unit(rows)

    async def of_words(self, words: Sequence[str]) -> Vectors:
        """Vectors of distinct words, as they are: shape (len(words), d)."""
        return await self._words.vectors(words)


def unit(rows: Floats) -> Vectors:
    """``rows`` with length 1; zero stays zero."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    made: Vectors = (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return made


_MOST_KEPT = 20_000
"""Words whose vectors are kept, each of them some 1 KB. A run that meets more begins anew: numbers and names never end."""


class _Vocabulary:
    """Vectors of words. May be asked from several threads."""

    def __init__(self, embed: Callable[[Sequence[str]], Awaitable[Vectors]]) -> None:
        self._embed = embed
        self._lock = Lock()
        self._places: dict[str, int] = {}
        self._vectors: Vectors | None = None

    async def vectors(self, words: Sequence[str]) -> Vectors:
        """Of distinct words, in their order: shape (len(words), d)."""
        import numpy as np

        with self._lock:
            if len(self._places) > _MOST_KEPT:
                self._places, self._vectors = {}, None
            new = sorted(word for word in words if word not in self._places)
            is_empty = self._vectors is None
        made = await self._embed(new) if new or is_empty else None
        with self._lock:
            if made is not None:
                self._keep(new, made)
            if self._vectors is not None and all(word in self._places for word in words):
                return self._vectors[np.array([self._places[word] for word in words], dtype=np.int64)]
        return await self.vectors(words)  # forgotten meanwhile

    def _keep(self, words: Sequence[str], vectors: Vectors) -> None:
        """Add those that nobody else has added meanwhile."""
        import numpy as np

        new = [at for at, word in enumerate(words) if word not in self._places]
        count, size = len(self._places), len(self._places) + len(new)
        if self._vectors is None:
            self._vectors = np.empty((1024, vectors.shape[1]), dtype=np.float32)
        if size > len(self._vectors):
            room = np.empty((max(size, 2 * count), vectors.shape[1]), dtype=np.float32)
            room[:count] = self._vectors[:count]
            self._vectors = room
        self._vectors[count:size] = vectors[new]
        self._places |= {words[at]: place for place, at in enumerate(new, count)}


@cache
def built_in() -> WordVectors:
    """Those of the built-in embedder: one vocabulary for all that look things up."""
    return WordVectors(WordLlamaEmbedder.embed_words)
