"""A lesson, ready to be laid beside others: its words with their weights, and all else that is worked out of it alone.

It is kept, since a lesson is compared with many.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from ace_cli.sameness.rules.wording import Wording, take_apart
from ace_cli.sameness.terms import LEAST_WEIGHT, Term, term

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_WORDS = 200
"""Of a longer lesson only so many words are aligned: the work grows with the product of both."""

_BINDING_WORDS = (
    "if when whenever where while unless before after until once for in during without except only"
)
_BINDING = frozenset(_BINDING_WORDS.split())


@dataclass(frozen=True, eq=False)
class Side:
    """A lesson of n words (at least one; stops are none).

    ``facts``: shape (3, n): what a word weighs, whether it says something, and whether it stands in a condition; 1 or 0.
    ``within``: cosines of the words among each other, (n, n). ``wholes``: shape (3, d): the directions of all that is said, of its
    conditions, and of what it tells to do; of length 1, or 0 where there is nothing.
    """

    wording: Wording
    words: tuple[Term, ...]
    facts: Floats
    within: Floats
    wholes: Floats

    @cached_property
    def turning(self) -> tuple[int, ...]:
        """How many words turn or bound the lesson, by kind."""
        return tuple(map(sum, zip(*(word.turns for word in self.words), strict=True)))

    @cached_property
    def has(self) -> tuple[bool, bool]:
        """Whether there is a condition with a meaning, and anything told with one."""
        return bool(self.wholes[1].any()), bool(self.wholes[2].any())

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(word.stem for word in self.words)

    @cached_property
    def content(self) -> frozenset[str]:
        return frozenset(word.stem for word in self.words if word.says)

    @cached_property
    def neighbours(self) -> frozenset[tuple[str, str]]:
        """Content words in a row."""
        return frozenset(pairwise(word.stem for word in self.words if word.says))


@lru_cache(maxsize=4096)
def side(text: str) -> Side:
    """``text`` taken apart; at least one word long (an empty text has one word without a vector)."""
    import numpy as np

    wording = take_apart(text)
    words, bound = _marked(wording)
    facts = np.array(
        [[word.weight for word in words], [word.says for word in words], bound], dtype=np.float64
    )
    vectors = np.array([word.vector for word in words])
    weights, says, bounds = facts
    said = weights * says
    wholes = np.array([weights - LEAST_WEIGHT, said * bounds, said * (1 - bounds)]) @ vectors
    lengths = np.sqrt((wholes * wholes).sum(axis=1))
    return Side(wording, words, facts, vectors @ vectors.T, wholes / np.maximum(lengths, 1e-9)[:, None])


def _marked(wording: Wording) -> tuple[tuple[Term, ...], list[bool]]:
    """The words without the stops, and whether each stands between a binding word and the end of its clause."""
    words, marks = [], []
    for sentence in wording.sentences:
        bound = False
        for word in sentence.words:
            if word.is_stop:
                bound = False
                continue
            bound = bound or word.text in _BINDING
            words.append(term(word.text))
            marks.append(bound)
    return tuple(words[:MOST_WORDS]) or (term(""),), marks[:MOST_WORDS] or [False]
