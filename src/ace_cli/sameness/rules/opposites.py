"""Words that exclude each other: increase and decrease, safe and unsafe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from ace_cli.sameness.rules.vocabulary import OPPOSITES
from ace_cli.sameness.rules.word import stem
from ace_cli.sameness.rules.wording import Wording

# For each group the number of the alternative that a stem speaks for, and whether its words have many uses.
_GROUPS = [
    (
        {stem(w): side for side, words in enumerate(row.removeprefix("~").split("|")) for w in words.split()},
        row.startswith("~"),
    )
    for row in OPPOSITES
]


def opposite(a: Wording, b: Wording) -> str | None:
    """Increase the dose, decrease the dose."""
    for one, other in opposites(a, b):
        return f"opposite: {one} vs {other}" if stem(one) != stem(other) else "negation"
    return None


def opposites(a: Wording, b: Wording, *, only_two: bool = False) -> Iterator[tuple[str, str]]:
    """The words in which the two exclude each other, one pair a group of such words.

    ``only_two``: of groups alone that have two sides, each with one meaning.
    """
    groups_a, groups_b = _groups_of(a), _groups_of(b)
    for number in sorted(groups_a.keys() & groups_b.keys()):  # most groups have no word in a text
        sides, many_uses = _GROUPS[number]
        if only_two and (many_uses or max(sides.values()) > 1):
            continue
        in_a, in_b = groups_a[number], groups_b[number]
        if not in_a or not in_b or in_a.keys() & in_b.keys():
            continue
        left, right = a.content - sides.keys(), b.content - sides.keys()
        if many_uses and len(left & right) / max(1, min(len(left), len(right))) < 0.6:
            continue  # they share too little beside these words
        yield next(iter(in_a.values())), next(iter(in_b.values()))


@lru_cache(maxsize=20_000)
def _groups_of(text: Wording) -> Mapping[int, Mapping[int, str]]:
    """By the number of the group what the text says of each that it has a word of."""
    return {
        number: _said(text, sides, many_uses)
        for number, (sides, many_uses) in enumerate(_GROUPS)
        if not text.stems.isdisjoint(sides)
    }


def _said(text: Wording, sides: Mapping[str, int], many_uses: bool) -> dict[int, str]:
    """The alternatives that the text speaks for, with the word. A denied one of two speaks for the other."""
    found: dict[int, str] = {}
    for word in text.words:
        side = sides.get(word.stem)
        if side is not None and word.denied and not many_uses:
            side = 1 - side if max(sides.values()) <= 1 else None
        if side is not None:
            found.setdefault(side, word.text)
    return found


_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non", "de")
_NO_PREFIX = frozenset(
    {"discount", "indat", "invest", "intak", "input", "import", "impos", "detail", "defin"}
)


def prefixed(a: Wording, b: Wording) -> str | None:
    """It is safe, it is unsafe; mutable and immutable, direct and indirect."""
    words_a, words_b = _by_stem(a), _by_stem(b)
    for one, other in ((words_a, words_b), (words_b, words_a)):
        for word in sorted(one.keys() - other.keys() - _NO_PREFIX):
            for prefix in _PREFIXES:
                base = word.removeprefix(prefix)
                if base != word and len(base) >= 3 and base in other and base not in one:
                    return f"negation: {one[word]} vs {other[base]}"
    return None


@lru_cache(maxsize=20_000)
def _by_stem(text: Wording) -> Mapping[str, str]:
    return {word.stem: word.text for word in text.content_words}
