"""Of lessons that are not the same: does one say the opposite of the other, so that only one of them can be right?

Most that :mod:`ace_cli.sameness.rules.contradiction` keeps apart stand well beside each other: another name or number is
another fact, and the two sides of a rule ("over 50 round up", "under 50 round down") belong together. Opposed are two lessons with the same
condition, or none, that tell to do the reverse of each other. In doubt they are not: a lesson that is set aside for another is
out of the prompts, and two that disagree are still weighed by what answers that cite them are worth.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ace_cli.sameness.rules.contradiction import contradiction
from ace_cli.sameness.rules.opposites import opposites
from ace_cli.sameness.rules.word import stem
from ace_cli.sameness.rules.wording import Wording, take_apart
from ace_cli.text import single_spaced

_KINDS = ("negation", "opposite", "other order", "other operands", "other difference", "other direction")
_SHARED = 0.6
"""Of the content words of the shorter text, those that stand in the other one as well."""

_COMPARING = frozenset(
    [
        "over",
        "under",
        "above",
        "below",
        "more",
        "less",
        "most",
        "least",
        "fewer",
        "greater",
        "smaller",
        "beyond",
        "within",
        "up",
        "down",
    ]
)

_FIRST = re.compile(
    r"^(?:when(?:ever)?|if|unless|for|in|on|with|where|while|once)\b([^,:]*)[,:]\s*(.+)$", re.I
)
_LAST = re.compile(r"^(.+?),?\s+\b(?:when(?:ever)?|if|unless|except|where|while|once)\b(.*)$", re.I)


def opposed(a: str, b: str) -> bool:
    """Whether ``a`` and ``b`` tell to do the reverse of each other under the same condition. Symmetric."""
    (condition_a, action_a), (condition_b, action_b) = condition_and_action(a), condition_and_action(b)
    if bool(condition_a) != bool(condition_b):
        return False  # an exception to a rule does not make it wrong
    if condition_a and (
        contradiction(condition_a, condition_b)
        or _shared(take_apart(condition_a), take_apart(condition_b)) < _SHARED
    ):
        return False
    reason = contradiction(action_a, action_b) or ""
    left, right = take_apart(action_a), take_apart(action_b)
    apart = list(opposites(left, right))
    if not reason.startswith(_KINDS) or len(apart) > 1 or (_compared(left) ^ _compared(right)) - set(*apart):
        return False  # the other side of a rule
    only_left, only_right = _beyond(left, right)
    return not (only_left and only_right) and _shared(left, right) >= _SHARED


@lru_cache(maxsize=20_000)
def condition_and_action(text: str) -> tuple[str, str]:
    """Condition and action of a lesson; the condition is empty where none is told from the rest."""
    bare = single_spaced(text).rstrip(" .!")
    if match := _FIRST.match(bare):
        return match[1].strip(), match[2]
    if match := _LAST.match(bare):
        return match[2].strip(), match[1]
    return "", bare


def _shared(a: Wording, b: Wording) -> float:
    """The share of content words of the shorter one in the other, but for those that the two are opposed in."""
    only_a, only_b = _beyond(a, b)
    smaller = min(len(only_a), len(only_b)) + len(a.content & b.content)
    return len(a.content & b.content) / smaller if smaller else 1.0


def _beyond(a: Wording, b: Wording) -> tuple[frozenset[str], frozenset[str]]:
    """The content that only the one has, and only the other, but for the words in which they exclude each other."""
    apart = {stem(word) for pair in opposites(a, b) for word in pair}
    return a.content - b.content - apart, b.content - a.content - apart


def _compared(text: Wording) -> frozenset[str]:
    return frozenset(word.text for word in text.words) & _COMPARING
