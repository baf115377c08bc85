"""What a negation covers: in every sentence for itself, by its words alone."""

from __future__ import annotations

from collections.abc import Sequence

from ace_cli.sameness.rules.vocabulary import AUXILIARIES, BAD, FORGET, NEGATORS
from ace_cli.sameness.rules.word import STOPS, Word, stem

_FORGET = frozenset(map(stem, FORGET))
_NEGATING = _FORGET | frozenset(map(stem, ("avoid", "refrain", "insteadof")))
_ORDER = ("before", "after", "until")
_CLAUSE_ENDS = STOPS | {"but", "because", "since", "if", "when", "instead", "insteadof", "unless", "so"}


def denial(words: Sequence[Word]) -> tuple[frozenset[int], bool]:
    """The positions in a sentence that are denied, and whether the order it speaks of is turned round.

    "Not X until Y" turns round an order; "never X without Y" and "do not forget X" deny nothing: they demand.
    """
    negators = [
        position
        for position, word in enumerate(words)
        if word.text in NEGATORS or word.stem in _NEGATING or _is_bad(words, position)
    ]
    if not negators:
        return frozenset(), False
    first = negators[0]
    if words[first].text != "insteadof" and any(word.text in _ORDER for word in words):
        return frozenset(), True
    if any(_demands(words, first, position) for position in range(len(words)) if position != first):
        return frozenset(), False
    return frozenset().union(*(_scope(words, position) for position in negators)), False


def _is_bad(words: Sequence[Word], position: int) -> bool:
    """ "... is a mistake"; not "log the error"."""
    return words[position].text in BAD and any(
        word.text in ("is", "are", "was", "be") for word in words[max(0, position - 2) : position]
    )


def _demands(words: Sequence[Word], first: int, position: int) -> bool:
    """Whether the word at ``position`` makes a demand of the negation at ``first``."""
    negator, word = words[first].text, words[position]
    if word.text in ("without", "unless"):
        return negator != word.text
    if negator == "without":
        return word.text in NEGATORS
    near = abs(position - first) <= 3
    return near and negator != "insteadof" and (word.stem in _FORGET or _is_bad(words, position))


def _scope(words: Sequence[Word], position: int) -> set[int]:
    """What the negator at ``position`` covers.

    The rest of its clause. For "is a mistake" what stands before; for "tablets must not be crushed" both, so that
    it covers what "do not crush tablets" covers.
    """
    ends = [at for at, word in enumerate(words) if word.text in _CLAUSE_ENDS]
    start = max((at + 1 for at in ends if at < position), default=0)
    end = min((at for at in ends if at > position), default=len(words))
    if _is_bad(words, position):
        return set(range(start, position))
    if position > start and words[position - 1].text in AUXILIARIES:
        return set(range(start, end)) - {position}
    return set(range(position + 1, end))
