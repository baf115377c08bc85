"""What differs between two lessons that a likeness calls the same, and makes that doubtful.

The networks weigh how much is left over; a few small differences turn a lesson into another one however little is left over.
A pair in doubt is unsure: it becomes a bullet, and a model or refining may join it later. Each rule was kept because, of the
pairs that would have been merged otherwise on topics left out of the teaching, it finds more that differ than that say the same,
or about as many.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise

from ace_cli.sameness.rules.vocabulary import rows_of
from ace_cli.sameness.rules.wording import Wording, take_apart


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


def _changed_places(a: Wording, b: Wording) -> str:
    """Files for five years, prints for one; prints for five years, files for one: the same words, built alike, in another order."""
    (frame_a, said_a), (frame_b, said_b) = _built(a), _built(b)
    if said_a == said_b or sorted(said_a) != sorted(said_b) or frame_a != frame_b:
        return ""
    moved = next(x for x, y in zip(said_a, said_b, strict=True) if x != y)
    return f"other order of the same words: {moved}"


@lru_cache(maxsize=20_000)
def _built(text: Wording) -> tuple[list[str], list[str]]:
    """The small words that hold a lesson together, sorted, and the stems of the others, in order."""
    frame, said = [], []
    for word in text.words:
        if word.is_stop or word.text in _NOTHING:
            continue
        if word.is_content or word.text in _SLOTS:
            said.append(word.stem)
        else:
            frame.append(_ONE_FORM.get(word.text, word.text))
    return sorted(frame), said


_EVEN = frozenset(
    ["even", "although", "though", "regardless", "whatever", "matter", "despite", "whichever", "however"]
)
_CAUSE = frozenset(["because", "since"])
_IF = frozenset(["if", "when", "unless"])
_UNLESS = frozenset(["unless", "except"])
_LIMITS = _UNLESS | {"only", "exception", "save"}


def _turned(a: Wording, b: Wording) -> str:
    """Even if it rains, unless it rains; because it returns, if it returns."""
    one, other = _words(a), _words(b)
    for x, y in ((one, other), (other, one)):
        if (even := x & _EVEN) and (limit := y & _LIMITS) and not x & _LIMITS and not y & _EVEN:
            return f"{min(even)} vs {min(limit)}"
        if (cause := x & _CAUSE) and (condition := y & _IF) and not x & _IF and not y & _CAUSE:
            return f"{min(cause)} vs {min(condition)}"
    return ""


def _exception(a: Wording, b: Wording) -> str:
    """Convert miles, convert miles unless it is a contract."""
    one, other = _words(a), _words(b)
    for x, y in ((one, other), (other, one)):
        if (limit := x & _UNLESS) and not y & _LIMITS:
            return f"only one has an exception ({min(limit)})"
    return ""


_PAIR = frozenset(["both", "half", "halve", "twice", "double", "second", "mean", "average"])


def _count(a: Wording, b: Wording) -> str:
    """Draw a card, draw two cards: a number above one stands on one side alone, and no number on the other."""
    for x, y in ((a, b), (b, a)):
        counted = [number for number in x.numbers if number.value > 1]
        if counted and not y.numbers and not _words(y) & _PAIR:
            return f"only one has a number ({counted[0].text})"
    return ""


def _single(a: Wording, b: Wording) -> str:
    """A draw gives one point, a level score is a draw: one counts a single thing of which the other does not speak."""
    for x, y in ((a, b), (b, a)):
        if _words(y) & _ONCE or any(number.value == 1 for number in y.numbers):
            continue
        counted = [(n.text, n.noun) for n in x.numbers if n.text in ("one", "1")]
        counted += [(one.text, noun.stem) for one, noun in pairwise(x.words) if one.text == "single"]
        for one, noun in counted:
            if noun in x.content and noun != "time" and noun not in y.stems:
                return f"only one has a number ({one})"
    return ""


_ONCE = frozenset(["single", "once", "only"])
_DENYING = re.compile(
    r"\b(?:nicht|nichts|kein\w*|nie|niemals|ohne|pas|jamais|sans|aucune?|nunca|jamás|ning[uú]na?|nada)\b"
)


def _denial(a: Wording, b: Wording) -> str:
    """Words that deny in German, French and Spanish; the networks and the rules know those of English."""
    one, other = _DENYING.search(a.text), _DENYING.search(b.text)
    found = one or other
    return f"only one denies ({found[0]})" if found and not (one and other) else ""


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
    said = _words(text)
    found = {
        number: {n: min(forms & said) for n, forms in enumerate(kind) if forms & said}
        for number, kind in enumerate(_kinds())
    }
    return {number: words for number, words in found.items() if words}


@cache
def _kinds() -> list[list[frozenset[str]]]:
    return [[frozenset(forms.split("/")) for forms in row.split()] for row in rows_of("kinds.txt")]


@lru_cache(maxsize=20_000)
def _words(text: Wording) -> frozenset[str]:
    return frozenset(word.text for word in text.words if not word.is_stop)
