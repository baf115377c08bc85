"""Plain text from small models: what an answer draws on, what a sentence says. Words only, no guessing.

A small model cites no bullets and fills no forms, so the little that training needs is read off its text by
rules that are the same for every run.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+(?:[-.,:'’/][^\W_]+)*")

_COMMON_WORDS = """
a about also an and answer are as at be been being both but by can could did do does for from had has have he her
his how i if in into is it its just may me must my no not of on one only or our please question say says she should
so that the their them then there these they this to under was we were what when where which who whom whose why
will with would yes you your
"""
_COMMON = frozenset(_COMMON_WORDS.split())
"""Words that carry no fact, so an answer that shares them with a bullet draws nothing from it."""


def key_words(text: str) -> frozenset[str]:
    """The words of ``text`` that say something: numbers, names, codes and nouns, in lower case."""
    found = (match[0].casefold() for match in _WORD.finditer(text))
    return frozenset(re.sub(r"['’]s$", "", word) for word in found) - _COMMON


def names(text: str) -> frozenset[str]:
    """What ``text`` is about, by its spelling: words with a capital or a digit, the first of a sentence left out."""
    starts = {match.end() for match in re.finditer(r"(?:^|[.!?:]\s+|\n)[\s\"'(]*", text)}
    found = (m for m in _WORD.finditer(text) if re.search(r"[A-Z]|\d", m[0]))
    return key_words(" ".join(m[0] for m in found if m.start() not in starts or re.search(r"\d", m[0])))


def draws_on(answer: str, question: str, bullet: str) -> bool:
    """Whether ``answer`` takes what is new in it (the question aside) from ``bullet``: at least half of its words."""
    new = key_words(answer) - key_words(question)
    return bool(new) and 2 * len(new & key_words(bullet)) >= len(new)


def speaks_of(bullet: str, question: str) -> bool:
    """Whether ``bullet`` is about what ``question`` is about: its names; if it has none, half of its words."""
    words = key_words(bullet)
    if subject := names(question):
        return subject <= words
    wanted = key_words(question)
    return bool(wanted) and 2 * len(wanted & words) >= len(wanted)


def holds(text: str, part: str) -> bool:
    """Whether ``part`` stands in ``text`` as whole words; ``1,080`` and ``1080`` are the same."""
    return bool(part.strip()) and _whole(part).search(_without_commas(text)) is not None


def blank(text: str, part: str) -> str:
    """``text`` with every occurrence of ``part`` (see :func:`holds`) replaced by ``[...]``."""
    return _whole(part).sub("[...]", _without_commas(text))


def first_sentence(text: str) -> str:
    """The first sentence of the first line that has words, without list marks, labels and quotes."""
    line = next((part for part in text.splitlines() if _WORD.search(part)), "")
    line = re.sub(
        r"^[-*•>#\s]*(?:\d+[.)]\s+|(?:sentence|lesson|fact|answer|note)\s*:\s*)?", "", line, flags=re.I
    )
    # A full stop behind one to three letters with a capital (J., St., Mrs.) ends no sentence.
    end = re.search(r"(?<!\b[A-Z])(?<!\b[A-Z][a-z])(?<!\b[A-Z][a-z]{2})[.!?][\"'”)*`]*(?=\s|$)", line)
    sentence = (line[: end.end()] if end else line).strip().strip("*`")
    quoted = re.fullmatch(r"[\"“*`]+([^\"“”*`]*)[\"”*`]+", sentence)
    return quoted[1].strip() if quoted else sentence


def _whole(part: str) -> re.Pattern[str]:
    words = [re.escape(word) for word in _without_commas(part.strip()).split()]
    # A digit with a dot before or behind it is part of another number; a full stop is not.
    return re.compile(r"(?<![\w])(?<!\d[.,])" + r"\s+".join(words) + r"(?![\w])(?![.,]\d)", re.IGNORECASE)


def _without_commas(text: str) -> str:
    return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
