"""Numbers in English words: twelve, twenty-one, one hundred and five."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

_UNDER_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: number for number, word in enumerate(_UNDER_TWENTY.split())} | {
    word: 10 * number for number, word in enumerate(_TENS.split(), start=2)
}
_ORDINALS = "third fourth fifth sixth seventh eighth ninth tenth"
ORDINALS = {word: number for number, word in enumerate(_ORDINALS.split(), start=3)}
BEGINNINGS = frozenset(_SMALL) | ORDINALS.keys()
"""The words that a number in words may begin with."""
SCALES = {
    "hundred": 10**2,
    "thousand": 10**3,
    "lakh": 10**5,
    "million": 10**6,
    "crore": 10**7,
    "billion": 10**9,
    "trillion": 10**12,
}

_WORD = "|".join(sorted([*_SMALL, *SCALES], key=len, reverse=True))
_PHRASE = re.compile(
    rf"(?<![\w-])(?:(minus|negative) )?((?:{_WORD})(?:(?:[ -]|,? and )(?:{_WORD}))*+)(?![\w-])", re.IGNORECASE
)
_PART_OF_MORE = re.compile(
    r" (?:point|half|halves|thirds?|quarters?|fourths?|fifths?|sixths?|eighths?|tenths?|(?:and )?an? (?:half|quarter|third)|or|to|and a)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(r"(?:\bno|\bnot|n't|\bor)(?: \w+)? $")


def number_in_words(text: str) -> tuple[Fraction, str] | None:
    """The only number that ``text`` names in words, with its wording; None for none, several, or one in doubt."""
    found = list(_PHRASE.finditer(text[:2000]))
    if len(found) != 1:
        return None
    phrase = found[0]
    before = text[max(0, phrase.start() - 12) : phrase.start()].lower()
    if _PART_OF_MORE.match(text, phrase.end()) or _DENIED.search(before):
        return None
    words = re.split(r"[ ,-]+", phrase[2].lower().replace(" and ", " "))
    if words == ["one"] and text[phrase.end() :].strip(" .!*\n") and before.strip():
        return None  # "it is the one that ..." names no number
    value = cardinal(words)
    return None if value is None else (Fraction(-value if phrase[1] else value), phrase[0])


def leading_number(words: Sequence[str]) -> tuple[int, int] | None:
    """The number that ``words`` begin with, and how many of them it takes; None if they begin with something else."""
    value, count = 0, 0
    while count < len(words) and (longer := cardinal(words[: count + 1])) is not None:
        value, count = longer, count + 1
    return (value, count) if count else None


def cardinal(words: Sequence[str]) -> int | None:
    """The number that these words are together; None where they are none (two three, hundred five)."""
    total = group = 0
    for word in words:
        if word == "hundred":
            if not 0 < group < 10:
                return None
            group *= 100
        elif word in SCALES:
            if not group:
                return None
            total, group = total + group * SCALES[word], 0
        else:
            number, tens = _SMALL.get(word), group % 100
            if number is None or (tens and (tens < 20 or tens % 10 or not 0 < number < 10)):
                return None
            group += number
    return total + group
