"""Do two lessons tell to do the reverse of each other? Found by turning one of them round: if it then says the same, they do.

What is turned is one denial ("never count", "count") or one word with its opposite ("round up", "round down"), and only in what a lesson
tells to do: under the reverse condition both sides of a rule may hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ace_cli.sameness.doubt import apart_in_kind, chooses
from ace_cli.sameness.rules.opposites import opposites
from ace_cli.sameness.rules.opposition import condition_and_action
from ace_cli.sameness.rules.word import stem
from ace_cli.sameness.rules.wording import Wording, simplified, take_apart

_DENIALS = (
    (re.compile(r"\bnever\s+", re.I), ""),
    (re.compile(r"\b(?:do|does|did)(?: not|n't)\s+", re.I), ""),
    (re.compile(r"\b(must|may|should|is|are)(?: not|n't)\b", re.I), r"\1"),
    (re.compile(r"(?<=[\w,] )no\s+(?=\w)", re.I), ""),
    (re.compile(r"\b(?:left out|omitted|excluded|dropped)\b", re.I), "included"),
    (re.compile(r"\b(?:leave|leaves) ((?:\w+ ){1,4})out\b", re.I), r"include \1"),
    (re.compile(r"\b(?:leave out|omit|exclude|drop)\b", re.I), "include"),
)
_DENYING = re.compile(
    r"\b(?:never|not|no|cannot|without|unless|except|nothing|nobody|none|neither|nor|instead|rather|whatever|only|later|longer|more"
    r"|out|off|away|free|avoid\w*|exclud\w+|omit\w*|drop\w*|skip\w*|lack\w*|forb\w+|refus\w+|stop\w*|still|empty|stays?)\b|n't\b",
    re.I,
)
"""Words that may deny something: only of a lesson with a single one is it known what the reverse is."""


_IDIOMS = frozenset(["roundup", "rounddown", "atleast", "atmost"])
"""What the rules make of "round ... up", "at least": words that stand in a text only when it is simplified."""


def reversals(a: str, b: str) -> Iterator[tuple[str, str, str]]:
    """Pairs of texts of which one was turned round, and why the lessons contradict each other if such a pair says the same."""
    for one, other in ((a, b), (b, a)):
        if not _denies(other) and (said := _affirmed(one)):
            yield said, other, "negation"
    if _denies(a) or _denies(b):
        return
    apart = _apart(take_apart(a), take_apart(b))
    if len(apart) == 1:
        (one, other) = apart[0]
        if _is_told(a, one) and _is_told(b, other):
            yield _put(a, one, other), b, f"opposite: {one} vs {other}"
            yield a, _put(b, other, one), f"opposite: {one} vs {other}"


def _apart(a: Wording, b: Wording) -> list[tuple[str, str]]:
    """The words with one opposite alone in which the two are opposed."""
    found = list(opposites(a, b, only_two=True))
    known = {stem(word) for pair in found for word in pair}
    of_kinds = ((one, other) for one, other in apart_in_kind(a, b) if chooses(one) and chooses(other))
    return found + [pair for pair in of_kinds if known.isdisjoint(map(stem, pair))]


def exchanged(a: str, b: str) -> Iterator[tuple[str, str]]:
    """The two with a word in which they exclude each other put into the other one's form; once for each side and pair of words."""
    for one, other in opposites(take_apart(a), take_apart(b)):
        yield _put(a, one, other), b
        yield a, _put(b, other, one)


@lru_cache(maxsize=20_000)
def _denies(text: str) -> bool:
    return _DENYING.search(text) is not None


@lru_cache(maxsize=20_000)
def _affirmed(text: str) -> str:
    """``text`` without its only denial; empty where there is none, there are more, or it stands in a condition."""
    if not _denies(text):
        return ""
    condition, action = condition_and_action(text)
    if _DENYING.search(condition) or len(_DENYING.findall(action)) != 1:
        return ""
    for pattern, form in _DENIALS:
        if pattern.search(text):
            return pattern.sub(form, text, count=1)
    return ""


def _is_told(text: str, word: str) -> bool:
    """Whether ``word`` stands in what the lesson tells to do, and not in its condition."""
    condition, action = condition_and_action(text)
    if word in _IDIOMS:
        condition, action = simplified(condition), simplified(action)
    return _found(word, action) is not None and _found(word, condition) is None


def _put(text: str, word: str, other: str) -> str:
    if word in _IDIOMS:
        text = simplified(text)
    return re.sub(rf"\b{re.escape(word)}\b", other, text, count=1, flags=re.I)


def _found(word: str, text: str) -> re.Match[str] | None:
    return re.search(rf"\b{re.escape(word)}\b", text, re.I)
