"""Words that exclude each other: increase and decrease, safe and unsafe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
_GROUPS_WITH: defaultdict[str, list[int]] = defaultdict(list)
for _number, (_sides, _) in enumerate(_GROUPS):
    for _stem in _sides:
        _GROUPS_WITH[_stem].append(_number)


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
    spoken_of = {number for base in text.stems for number in _GROUPS_WITH.get(base, ())}
    return {number: _said(text, *_GROUPS[number]) for number in spoken_of}


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
    for one, other in ((a, b), (b, a)):
        for word, base in _with_prefix(one):
            if base in other.content and word not in other.content:
                return f"negation: {_by_stem(one)[word]} vs {_by_stem(other)[base]}"
    return None


@lru_cache(maxsize=20_000)
def _with_prefix(text: Wording) -> Sequence[tuple[str, str]]:
    """The stems that may begin with a prefix that denies, with what is left without it; not where the text says that as well."""
    words = (word for word in sorted(text.content - _NO_PREFIX) if word.startswith(_PREFIXES))
    bases = ((word, word.removeprefix(prefix)) for word in words for prefix in _PREFIXES)
    return [
        (word, base) for word, base in bases if base != word and len(base) >= 3 and base not in text.content
    ]


def _by_stem(text: Wording) -> Mapping[str, str]:
    return {word.stem: word.text for word in text.content_words}
