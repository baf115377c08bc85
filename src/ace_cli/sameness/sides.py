"""What stands on either side of a word that binds two parts of a lesson: "X before Y", "if X, Y", "X, not Y", "X is Y".

Read word by word, without a parser. Positions are those of :attr:`ace_cli.sameness.side.Side.words`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from ace_cli.sameness.side import Side

_NEAR = 7
"""Words beside a binding word that may belong to it."""
_LEAST = 1e-3
"""What the words of a part weigh at least, together."""
_ORDER = frozenset(["before", "after", "until", "then", "ahead", "once", "followed"])
_TURNED = frozenset(["after", "once"])
_CONDITION = frozenset(["if", "when", "whenever", "where", "while", "for", "with", "in", "on"])
_FIRST_ONLY = frozenset(["for", "with", "in", "on"])
"""Of these only what opens a lesson is taken for a condition."""
_EXCEPTION = frozenset(["unless", "except"])
_LINKS = {word: word for word in ("by", "from", "to", "over", "than", "minus", "times", "as", "is", "at", "of")} | {
    "into": "to", "are": "is", "means": "is", "mean": "is",
    "contain": "contain", "contains": "contain", "include": "include", "includes": "include",
}  # fmt: skip

Token = tuple[str, int | None]
"""A word with its position, a stop with None."""


class Parts(NamedTuple):
    """Two parts of a lesson and what binds them: ``group`` is the kind of bond, ``by`` the word in one form."""

    group: str
    by: str
    first: list[int]
    second: list[int]


GROUPS = ("order", "choice", "cond", "link")


@lru_cache(maxsize=4096)
def parts(side: Side) -> Sequence[Parts]:
    """What is bound to what in the lesson, in the order of its words; without parts that say nothing."""
    found: list[Parts] = []
    position = 0
    for sentence in side.wording.sentences:
        tokens: list[Token] = []
        for word in sentence.words:
            if word.is_stop or position >= len(side.words):
                tokens.append((word.text, None))
            else:
                tokens.append((word.text, position))
                position += 1
        found += _of_sentence(tokens)
    telling = (side.facts[0] * side.facts[1]).tolist()
    return [
        each
        for each in found
        if all(sum(telling[at] for at in part) > _LEAST for part in (each.first, each.second))
    ]


def _of_sentence(tokens: Sequence[Token]) -> Iterator[Parts]:
    for at, (word, _) in enumerate(tokens):
        before, behind = tokens[:at], tokens[at + 1 :]
        if word in _ORDER:
            yield from _order(word, before, behind)
        elif word in ("insteadof", "not"):
            joined = word == "insteadof" or (at and tokens[at - 1][0] in (",", "and", "but"))
            if joined and _at(before) and _at(behind):
                yield Parts("choice", word, _at(before[-6:]), _at(_clause(behind)))
        elif word in _EXCEPTION:
            yield from _condition("unless", before, behind)
        elif word in _CONDITION and (at == 0 or word not in _FIRST_ONLY):
            yield from _condition("if", before, behind)
        elif word in _LINKS:
            yield Parts("link", _LINKS[word], _at(before[-_NEAR:]), _at(_clause(behind)[:_NEAR]))


def _order(word: str, before: Sequence[Token], behind: Sequence[Token]) -> Iterator[Parts]:
    if word == "once" and behind and behind[0][0] in ("a", "per", "every"):
        return
    earlier, later = before, behind
    if word not in ("then", "followed"):
        if _at(before):
            earlier, later = before, _clause(behind)
        else:  # "before dividing, convert units"
            later = _clause(behind)
            earlier = behind[len(later) + 1 :]
            if not earlier:
                later, earlier = behind[:1], behind[1:]
        if word in _TURNED:
            earlier, later = later, earlier
    yield Parts("order", "order", _at(earlier), _at(later))


def _condition(by: str, before: Sequence[Token], behind: Sequence[Token]) -> Iterator[Parts]:
    clause = _clause(behind)
    rest = before if _at(before) else behind[len(clause) + 1 :]
    if _at(rest):
        yield Parts("cond", by, _at(clause), _at(rest))


def _clause(tokens: Sequence[Token]) -> Sequence[Token]:
    """Up to the next comma or the like."""
    return tokens[: next((at for at, (word, _) in enumerate(tokens) if word in ",;:"), None)]


def _at(tokens: Sequence[Token]) -> list[int]:
    return [position for _, position in tokens if position is not None]
