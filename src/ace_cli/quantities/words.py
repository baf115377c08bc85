"""Numbers in English words, for answers without a digit: twelve, twenty-one, one hundred and five."""

from __future__ import annotations

import re
from fractions import Fraction

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: number for number, word in enumerate(_ONES.split(" "))} | {
    word: 10 * number for number, word in enumerate(_TENS.split(" "), start=2)
}
_LARGE = {"thousand": 10**3, "million": 10**6, "billion": 10**9}

_WORD = "|".join(sorted([*_SMALL, "hundred", *_LARGE], key=len, reverse=True))
_PHRASE = re.compile(
    rf"(?<![\w-])(?:(minus|negative) )?((?:{_WORD})(?:(?:[ -]|,? and )(?:{_WORD}))*+)(?![\w-])", re.IGNORECASE
)
_PART_OF_MORE = re.compile(
    r" (?:point|half|halves|thirds?|quarters?|fourths?|fifths?|sixths?|eighths?|tenths?|(?:and )?an? (?:half|quarter|third)|or|to|and a)\b",
    re.IGNORECASE,
)


def number_in_words(text: str) -> tuple[Fraction, str] | None:
    """The only number that ``text`` names in words, with its wording; None for none, several, or one in doubt."""
    found = list(_PHRASE.finditer(text[:2000]))
    if len(found) != 1:
        return None
    match = found[0]
    before = text[max(0, match.start() - 12) : match.start()].lower()
    if _PART_OF_MORE.match(text, match.end()) or re.search(r"(?:\bno|\bnot|n't|\bor)(?: \w+)? $", before):
        return None
    if match[2].lower() == "one" and text[match.end() :].strip(" .!*\n") and before.strip():
        return None  # "it is the one that ..." names no number
    value = _cardinal(match[2].lower())
    return None if value is None else (Fraction(-value if match[1] else value), match[0])


def _cardinal(phrase: str) -> int | None:
    total = group = 0
    last = 10**9 + 1  # what may come next must be smaller than what came last
    for word in re.split(r"[ ,-]+", phrase.replace(" and ", " ")):
        if word in _LARGE:
            if not group:
                return None
            total, group, last = total + group * _LARGE[word], 0, _LARGE[word]
        elif word == "hundred":
            if not 0 < group < 10:
                return None
            group, last = group * 100, 100
        else:
            number = _SMALL[word]
            if group and (number >= last or (group % 100 and (group % 100 < 20 or number > 9 or not number))):
                return None
            group, last = group + number, number if number >= 20 else 1
    return total + group
