"""A word with what is known of it wherever it stands: its vector, what it weighs, and which words are its kin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from ace_cli.embeddings import word_vectors
from ace_cli.sameness.rules.contradiction import synonym_rows
from ace_cli.sameness.rules.vocabulary import rows_of
from ace_cli.sameness.rules.word import stem, word_of
from ace_cli.sameness.vacuous import preaching

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TURNING = {
    "not": "not no never without lack miss avoid nothing none neither nor cannot refuse deny",
    "unless": "unless except exclude instead insteadof rather but",
    "even": "even although though also despite regardless whether",
    "only": "only alone exclusively just solely nothing",
}
"""Words that turn or bound a lesson, by kind."""

_STOP_WEIGHT = 0.15
LEAST_WEIGHT = 1e-6
"""Of a word without a vector: a lesson always weighs something."""

ONE_ROOT = 0.9
"""How much two words with one root are like each other; forms of a word and synonyms are by 1."""

_ROOT = 5
"""Letters that words with one root begin with, at least."""

_TELLING_WORDS = (
    "before after until first last more less most least only over under up down out not never no without "
    "all each every other"
)
_TELLING = frozenset(_TELLING_WORDS.split())
"""Stop words of the rules that may be all that two lessons differ in."""


@dataclass(frozen=True, eq=False, slots=True)
class Term:
    """``vector``: of length 1, or 0 for a word without one; rare words have a longer one, and ``weight`` goes by its length.

    ``says``: whether it says something. ``turns``: of which kinds of :data:`TURNING` it is. ``meanings``: terms with one of these in common are forms of one word or synonyms.
    ``root``: its first letters; empty for a short one.
    """

    stem: str
    vector: Floats
    weight: float
    says: bool
    turns: tuple[bool, ...]
    meanings: tuple[str, ...]
    root: str


@lru_cache(maxsize=16_384)
def term(text: str) -> Term:
    """What is known of a word; kept, 3 kB each, since the same words come again and again."""
    import numpy as np

    word = word_of(text)
    vectors = word_vectors([text])
    vector, length = vectors[0], float(np.linalg.norm(vectors, axis=1)[0])
    says = text in _TELLING or (word.is_content and word.stem not in preaching())
    synonyms = (f"synonym {row}" for row in synonym_rows(word.stem))
    alike = (f"alike {row}" for row in _alike_rows().get(word.stem, ()))
    return Term(
        word.stem,
        vector / max(length, 1e-9),
        (length if says else _STOP_WEIGHT * length) + LEAST_WEIGHT,
        says,
        tuple(text in kind or word.stem in kind for kind in map(str.split, TURNING.values())),
        (word.stem, *synonyms, *alike),
        word.stem[:_ROOT] if len(word.stem) >= _ROOT else "",
    )


@lru_cache(maxsize=200_000)
def of_one_root(stem_a: str, stem_b: str) -> bool:
    """Of two stems that begin alike: whether they do for most of their length."""
    shorter = min(len(stem_a), len(stem_b))
    same = next((at for at in range(shorter) if stem_a[at] != stem_b[at]), shorter)
    return same >= _ROOT and same >= 0.7 * shorter


@cache
def _alike_rows() -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, row in enumerate(rows_of("alike.txt")):
        for word in row.split():
            found.setdefault(stem(word), set()).add(number)
    return {word: frozenset(rows) for word, rows in found.items()}
