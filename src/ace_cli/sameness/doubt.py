"""What differs between two lessons that a likeness calls the same, and makes that doubtful.

The networks weigh how much is left over; a few small differences turn a lesson into another one however little is left over.
A pair in doubt is unsure: it becomes a bullet, and a model or refining may join it later. Each rule was kept because, of the
pairs that would have been merged otherwise on topics left out of the teaching, it finds more that differ than that say the same,
or about as many.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import NamedTuple

from ace_cli.sameness.rules.vocabulary import rows_of
from ace_cli.sameness.rules.wording import Wording, take_apart


@lru_cache(maxsize=256)
def doubt(a: str, b: str) -> str:
    """Why ``a`` and ``b`` may not say the same, in a few words that a user reads; empty where nothing speaks against it."""
    left, right = take_apart(a), take_apart(b)
    for rule in (_changed_places, _turned, _exception, _count, _single, _denial, _of_one_kind):
        if reason := rule(left, right):
            return reason
    return ""


_ONE_FORM = {"are": "is", "was": "is", "were": "is", "be": "is", "been": "is", "being": "is"}
_NOTHING = frozenset(["the", "a", "an", "its", "their", "his", "her", "also", "too", "has", "have", "had"])
_SLOTS = frozenset(["first", "last", "before", "after", "not", "more", "less"])
"""Stop words of the rules that may have changed places."""

_CONDITIONS = frozenset(["if", "when", "whenever"])
"""What a condition begins with that may stand in front or at the end."""


def _changed_places(a: Wording, b: Wording) -> str:
    """Files for five years, prints for one; prints for five years, files for one: the same words, built alike, in another order."""
    one, other = _built(a), _built(b)
    if one.words != other.words or one.said == other.said:
        return ""
    if one.condition_first == other.said or other.condition_first == one.said:
        return ""  # "when it rains, stay in"; "stay in when it rains"
    moved = next(x for x, y in zip(one.said, other.said, strict=True) if x != y)
    return f"other order of the same words: {moved}"


class _Built(NamedTuple):
    """The stems of a lesson and the small words that hold it together, both sorted; the stems in order; and these with the
    condition moved from the end to the beginning (empty where none stands at the end).
    """

    words: tuple[list[str], list[str]]
    said: list[str]
    condition_first: list[str]


@lru_cache(maxsize=20_000)
def _built(text: Wording) -> _Built:
    frame: list[str] = []
    said: list[str] = []
    before: list[str] = []
    has_one = sum(word.text in _CONDITIONS for word in text.words) == 1
    for word in text.words:
        if has_one and word.text in _CONDITIONS:
            before = said.copy()
        if word.is_stop or word.text in _NOTHING:
            continue
        if word.is_content or word.text in _SLOTS:
            said.append(word.stem)
        else:
            frame.append(_ONE_FORM.get(word.text, word.text))
    return _Built((sorted(said), sorted(frame)), said, said[len(before) :] + before if before else [])


_EVEN = frozenset(
    ["even", "although", "though", "regardless", "whatever", "matter", "despite", "whichever", "however"]
)
_CAUSE = frozenset(["because", "since"])
_IF = frozenset(["if", "when", "unless"])
_UNLESS = frozenset(["unless", "except"])
_LIMITS = _UNLESS | {"only", "exception", "save"}


class _Limits(NamedTuple):
    """The words of a lesson that say how far it holds."""

    even: frozenset[str]
    limits: frozenset[str]
    unless: frozenset[str]
    causes: frozenset[str]
    conditions: frozenset[str]


@lru_cache(maxsize=20_000)
def _limits(text: Wording) -> _Limits:
    said = _words(text)
    return _Limits(said & _EVEN, said & _LIMITS, said & _UNLESS, said & _CAUSE, said & _IF)


def _turned(a: Wording, b: Wording) -> str:
    """Even if it rains, unless it rains; because it returns, if it returns."""
    one, other = _limits(a), _limits(b)
    for x, y in ((one, other), (other, one)):
        if x.even and y.limits and not x.limits and not y.even:
            return f"{min(x.even)} vs {min(y.limits)}"
        if x.causes and y.conditions and not x.conditions and not y.causes:
            return f"{min(x.causes)} vs {min(y.conditions)}"
    return ""


def _exception(a: Wording, b: Wording) -> str:
    """Convert miles, convert miles unless it is a contract."""
    one, other = _limits(a), _limits(b)
    for x, y in ((one, other), (other, one)):
        if x.unless and not y.limits:
            return f"only one has an exception ({min(x.unless)})"
    return ""


_PAIR = frozenset(["both", "half", "halve", "twice", "double", "second", "mean", "average"])
_ONCE = frozenset(["single", "once", "only"])


class _Counts(NamedTuple):
    """What a lesson counts: its first number above one (empty for none), whether it counts at all, and once; and single things,
    each with the word for one.
    """

    above_one: str
    any: bool
    once: bool
    singles: Sequence[tuple[str, str]]


@lru_cache(maxsize=20_000)
def _counts(text: Wording) -> _Counts:
    said = _words(text)
    singles = [(n.text, n.noun) for n in text.numbers if n.text in ("one", "1")]
    singles += [(one.text, noun.stem) for one, noun in pairwise(text.words) if one.text == "single"]
    return _Counts(
        next((number.text for number in text.numbers if number.value > 1), ""),
        bool(text.numbers or said & _PAIR),
        bool(said & _ONCE) or any(number.value == 1 for number in text.numbers),
        [(one, noun) for one, noun in singles if noun in text.content and noun != "time"],
    )


def _count(a: Wording, b: Wording) -> str:
    """Draw a card, draw two cards: a number above one stands on one side alone, and no number on the other."""
    one, other = _counts(a), _counts(b)
    for x, y in ((one, other), (other, one)):
        if x.above_one and not y.any:
            return f"only one has a number ({x.above_one})"
    return ""


def _single(a: Wording, b: Wording) -> str:
    """A draw gives one point, a level score is a draw: one counts a single thing of which the other does not speak."""
    for x, y in ((a, b), (b, a)):
        for one, noun in () if _counts(y).once else _counts(x).singles:
            if noun not in y.stems:
                return f"only one has a number ({one})"
    return ""


_DENYING = re.compile(
    r"\b(?:nicht|nichts|kein\w*|nie|niemals|ohne|pas|jamais|sans|aucune?|nunca|jamás|ning[uú]na?|nada)\b"
)


def _denial(a: Wording, b: Wording) -> str:
    """Words that deny in German, French and Spanish; the networks and the rules know those of English."""
    one, other = _denying(a), _denying(b)
    return f"only one denies ({one or other})" if bool(one) != bool(other) else ""


@lru_cache(maxsize=20_000)
def _denying(text: Wording) -> str:
    found = _DENYING.search(text.text)
    return found[0] if found else ""


def _of_one_kind(a: Wording, b: Wording) -> str:
    """The mother's name, the father's name: each has another word of a kind."""
    return next((f"{one} vs {other}" for one, other in apart_in_kind(a, b)), "")


def apart_in_kind(a: Wording, b: Wording) -> Iterator[tuple[str, str]]:
    """Words of one kind of which each has another one, as they stand there."""
    one, other = _of_kinds(a), _of_kinds(b)
    for kind in sorted(one.keys() & other.keys()):
        ours, its = one[kind], other[kind]
        if not ours.keys() & its.keys():
            yield next(iter(ours.values())), next(iter(its.values()))


@cache
def chooses(word: str) -> bool:
    """Whether ``word`` tells one of two or more from the others ("the faster", "the next"), and does not just name it ("the upper")."""
    forms = (row.split("/") for row in " ".join(rows_of("kinds.txt")).split())
    return word in _NEXT or any(
        word in rest and word.endswith(("er", "est")) and word[:3] == first[:3] for first, *rest in forms
    )


_NEXT = frozenset(["next", "following", "previous", "preceding"])


@lru_cache(maxsize=20_000)
def _of_kinds(text: Wording) -> dict[int, dict[int, str]]:
    """By kind, the words of it that are in the text: by which of its words it is, the form that stands there."""
    found: defaultdict[int, dict[int, str]] = defaultdict(dict)
    kinds = _kinds()
    for kind, n, form in sorted((*place, word) for word in _words(text) for place in kinds.get(word, ())):
        found[kind].setdefault(n, form)
    return dict(found)


@cache
def _kinds() -> Mapping[str, Sequence[tuple[int, int]]]:
    """For each form of a word of a kind: the number of the kind, and that of the word in it."""
    found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for kind, row in enumerate(rows_of("kinds.txt")):
        for n, forms in enumerate(row.split()):
            for form in dict.fromkeys(forms.split("/")):
                found[form].append((kind, n))
    return dict(found)


@lru_cache(maxsize=20_000)
def _words(text: Wording) -> frozenset[str]:
    return frozenset(word.text for word in text.words if not word.is_stop)
