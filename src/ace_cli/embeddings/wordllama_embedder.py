"""The default embedder: WordLlama, whose weights come with its wheel. No download, no key, no GPU."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ace_cli.text import single_spaced

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ace_cli.embeddings.base import Vectors

LIFT = 0.53
"""Weight of the constant coordinate that every vector gets: ``cosine = LIFT + (1 - LIFT) * raw cosine``.

WordLlama averages word vectors, so texts that say the same lie at a raw cosine near 0.65 where larger
models give 0.85. One constant coordinate lifts all cosines by the same straight line and leaves their
order alone; the threshold of 0.8 then means "says the same" here as elsewhere (0.8 is a raw 0.574).
Measured by ``benchmarks/bench_merge.py``.
"""

_SHORT = 1_000
"""Characters, all texts together, that are embedded sooner than a thread is woken up and heard."""

_CHUNK = 4096
"""Tokens pooled at once: a text of 1 MB needs a few MB, not hundreds."""


class WordLlamaEmbedder:
    """Mean of word-piece vectors, 256 dimensions and the constant one; letter case is ignored.

    Loads at the first use (about 0.3 s). Texts are embedded one by one: nothing is padded, so a vector
    depends on its text alone, to the last bit.
    """

    name = "wordllama"

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """See :class:`ace_cli.embeddings.base.Embedder`; shape (len(texts), 257). Never raises ModelError."""
        return await _embedded(list(texts))

    @staticmethod
    async def embed_words(words: Sequence[str]) -> Vectors:
        """Without the constant coordinate, so that a weighted mean of words is one of their meanings alone: shape (len(words), 256)."""
        rows: Vectors = (await _embedded(list(words)))[:, :-1]
        return rows


async def _embedded(texts: list[str]) -> Vectors:
    if _model.cache_info().currsize and sum(map(len, texts)) <= _SHORT:
        return _embed(texts)
    return await asyncio.to_thread(_embed, texts)


def _embed(texts: list[str]) -> Vectors:
    import numpy as np

    with _LOCK:
        tokenizer, weights = _model()
    rows = np.zeros((len(texts), weights.shape[1] + 1), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        ids = tokenizer.encode(single_spaced(text.lower()), add_special_tokens=False).ids
        pooled = np.zeros(weights.shape[1], dtype=np.float64)
        for start in range(0, len(ids), _CHUNK):
            pooled += weights[ids[start : start + _CHUNK]].sum(axis=0, dtype=np.float64)
        length = float(np.linalg.norm(pooled))
        if length > 0:  # an empty text stays zero, and is near nothing
            row[:-1] = pooled / length * (1 - LIFT) ** 0.5
            row[-1] = LIFT**0.5
    return rows


def word_vectors(words: Sequence[str]) -> NDArray[np.float64]:
    """The vectors of single words as the model holds them, shape (len(words), 256): not normalised, rare words are longer.

    A word of several pieces is their sum.
    """
    import numpy as np

    with _LOCK:
        weights = _model()[1]
    rows = np.zeros((len(words), weights.shape[1]), dtype=np.float64)
    for row, word in zip(rows, words, strict=True):
        row += weights[_pieces(word)].sum(axis=0, dtype=np.float64)
    return rows


@lru_cache(maxsize=50_000)
def _pieces(word: str) -> list[int]:
    ids: list[int] = _model()[0].encode(f" {word}", add_special_tokens=False).ids
    return ids


_LOCK = threading.Lock()


@cache
def _model() -> tuple[Any, Vectors]:
    """The tokenizer and the weights, shape (vocabulary, 256), float32; once a process."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    try:
        import wordllama

        # Its loader looks for the tokenizer in a cache folder first: the package itself is laid out like one.
        model = wordllama.WordLlama.load(
            cache_dir=Path(wordllama.__file__).parent,
            disable_download=True,
        )
    finally:  # importing it configures the root logger, which is the program's business
        root.setLevel(level)
        root.handlers[:] = handlers
    model.tokenizer.no_padding()
    return model.tokenizer, model.embedding
