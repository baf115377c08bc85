"""What comes first: "X before Y", "divide X by Y", "subtract X from Y", "from X to Y", "more than"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from ace_cli.sameness.rules.word import Word, content, stem
from ace_cli.sameness.rules.wording import Sentence, Wording


class Sides(NamedTuple):
    """Two sides, as their content: sides changed over are another lesson."""

    kind: str
    first: frozenset[str]
    second: frozenset[str]


@lru_cache(maxsize=20_000)
def relations(text: Wording) -> Sequence[Sides]:
    """The relations in ``text``, with what stands on one side only."""
    found = (
        Sides(kind, first - second, second - first)
        for sentence in text.sentences
        for kind, first, second in (*_order(sentence), *_operands(sentence))
    )
    return [relation for relation in found if relation.first and relation.second]


def _order(sentence: Sentence) -> Iterator[Sides]:
    """By the first word of order: what is done first, what afterwards."""
    words = sentence.words
    at = _find(words, "before", "after", "until", "then")
    if at is None:
        return
    here, rest = content(words[:at]), words[at + 1 :]
    comma = _find(rest, ",")
    there = content(rest[:comma])
    if not here and words[at].text != "then":  # "before dividing, convert units"
        comma = 1 if comma is None else comma  # without a comma the next word is all we are sure of
        here, there = content(rest[comma:]), content(rest[:comma])
    if (words[at].text == "after") is not sentence.flipped:
        here, there = there, here
    yield Sides("order", here, there)


_MOVING = "from convert turn merge add move attach assign copy pour transfer change"
_MOVES = frozenset(stem(word) for word in _MOVING.split())
_DIVIDE, _SUBTRACT = stem("divide"), stem("subtract")


def _operands(sentence: Sentence) -> Iterator[Sides]:
    for is_stop, words in groupby(sentence.words, lambda word: word.is_stop):
        clause = [] if is_stop else list(words)
        for at, word in enumerate(clause):
            if relation := _relation(word, clause[:at], clause[at + 1 :]):
                yield relation


def _relation(word: Word, before: Sequence[Word], after: Sequence[Word]) -> Sides | None:
    """What ``word`` relates of the words of its clause."""
    if word.stem == _DIVIDE and (by := _find(after, "by")) is not None:
        return Sides("operands", content(after[:by]) or content(before), _object(after[by + 1 :]))
    if word.stem == _SUBTRACT and (source := _find(after, "from")) is not None:
        return Sides("difference", _object(after[source + 1 :]), content(after[:source]) or content(before))
    if word.text == "minus" or (word.text == "less" and _find(after[:1], "than") is None):
        return Sides("difference", content(before), _object(after))
    if word.stem in _MOVES and (goal := _find(after, "to", "into", "onto")) is not None:
        return Sides("direction", content(after[:goal]), _object(after[goal + 1 :]))
    if word.text == "than":
        return Sides("comparison", content(before), _object(after))
    return None


def _object(words: Sequence[Word]) -> frozenset[str]:
    """The content up to where the object ends: "... to get", "... for", "... when"."""
    return content(words[: _find(words, "to", "for", "when", "if", "in", "and", "insteadof")])


def _find(words: Sequence[Word], *texts: str) -> int | None:
    return next((at for at, word in enumerate(words) if word.text in texts), None)
