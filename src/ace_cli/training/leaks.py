"""Insights that give away the answer of the example that taught them, or retell it: kept apart, unless they are wanted.

A playbook with the answers of its own training rows looks good on those rows and helps nobody else. Where the facts themselves
are to be learned, that is what is wanted: ``--allow-leaks``.

What counts is whether the words could have come from anywhere else. "No", "B" and "3" stand rightly in lessons, and so does a label:
an answer of several rows, or one that its question names. (A number is a label where the answers are few, as stars from 1 to 5 are.) So an answer is given away

* if it is *telling* (a code such as RV-72, a number of four or more digits that is not round, three or more words), or
* if what the question asks stands beside it: four words of the question in a row, or most of its longer words, or
* if it is a number, and something *is* that, outside of conditions ("When a dog comes along, the fare is 10 crowns").

An example is retold

* if the insight has :data:`RETOLD` words in a row of its question, or :data:`RETOLD_WITH` with a number or a name among them that no
  other question has;
* if, outside of its conditions, it says once more of what size something *is* in its question ("When a dog comes along, the fare is 7 crowns"):
  :data:`GIVEN` words in a row, and the number is not one that half of the questions have;
* if the insight says in no way when it holds, and names somebody whom no other question names, or reckons with numbers of its question,
  or has no word of its own: all that it speaks of stands in the question, and the answer is not among it. (English alone: of other languages it is not
  known what a condition is.)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from ace_cli.data import Example
from ace_cli.playbook import Drop
from ace_cli.sameness.rules.word import stem
from ace_cli.sameness.vacuous import common_words
from ace_cli.stages.admission import CONDITION
from ace_cli.stages.base import Insight, MergeItem

HOLDS_ANSWER = "it holds the answer of its example"
RETELLS = "it retells its example"

RETOLD = 10
RETOLD_WITH = 5
GIVEN = 3
"""Words in a row with a size among them: ``fare is 7``."""
BESIDE = 4
"""Words of the question in a row, beside which its answer gives it away."""

_SHARE = 0.6
_LABEL = 3
"""Rows that have the same answer: a label, a class."""
_FEW_NUMBERS = 4
"""Numbers are labels where so many rows and more share each, on the average."""
_MOST_ROWS = 5000
"""Of a large dataset, the rows that are looked at."""
_MOST_WORDS = 2000
"""Of a long question, the words that are looked at."""

_WORD = re.compile(r"\w+")
_MID_NAME = re.compile(r"(?<=[\w,;:]\s)[A-Z]\w+")
_CAPITALS = re.compile(r"(?<=[a-z,;:]\s)[A-Z]\w*(?:[\s/-][A-Z]\w*)*")
_LONE_NAME = re.compile(r"[A-Z][a-z]+")
"""A name of one word. Several together, and capitals throughout, are as often a term of the trade ("Operating Margin", "EBITDA")."""
_CAPITALISED = re.compile(r"\b[A-Z]\w+")
_ENGLISH = re.compile(r"\b(?:the|is|are)\b", re.IGNORECASE)
_CLAUSE = re.compile(r"[,;:.!?](?:\s|$)")
_IS = frozenset(("is", "are", "was", "were", "costs", "pays"))
_MEASURES = frozenset(map(stem, ("number", "amount", "total", "sum", "value")))
_SUM = re.compile(r"\d[\d.,/()%]*\s*[-+*/x×÷]\s*[($]?\d[^=.;]*=")
"""Numbers reckoned with: ``28 + (3/4) * 28 =``."""


class Leaks:
    """Tells leaks in one run, whose examples are ``examples``."""

    def __init__(self, examples: Iterable[Example]) -> None:
        self._answers: Counter[str] = Counter()
        self._words: Counter[str] = Counter()
        self._rows = 0
        for self._rows, example in enumerate(islice(examples, _MOST_ROWS), 1):
            self._answers[_joined(example.answer)] += 1
            self._words.update(set(_words(example.question)))

    def sifted(self, item: MergeItem, example: Example) -> tuple[MergeItem, tuple[Drop, ...]]:
        """``item`` without what leaks, and that with the reasons."""
        kept: list[Insight] = []
        drops = []
        for insight in item.reflection.insights:
            if reason := self.leak(insight.content, example):
                drops.append(Drop(item.example_id, insight.content, insight.section, reason))
            else:
                kept.append(insight)
        if not drops:
            return item, ()
        return replace(item, reflection=replace(item.reflection, insights=tuple(kept))), tuple(drops)

    def leak(self, content: str, example: Example) -> str:
        """What ``content`` gives away of ``example``, in words that a user reads; empty for a lesson."""
        lesson, question = _words(content), _words(example.question)[:_MOST_WORDS]
        answer = _words(example.answer)
        known = self._is_label(example.answer) or _holds(question, answer)
        if (
            answer
            and not known
            and _holds(lesson, answer)
            and (_is_telling(example.answer) or _asks(lesson, question) or _states(content, answer))
        ):
            return f"{HOLDS_ANSWER} ({' '.join(answer)[:40]})"
        shared = _longest_run(lesson, question)
        own = {w for w in (*_numbers(question), *self._names(example.question)) if self._words[w] <= 1}
        if len(shared) >= RETOLD or (len(shared) >= RETOLD_WITH and not own.isdisjoint(shared)):
            return f"{RETELLS} ({' '.join(shared)[:60]})"
        if told := self._given(content, question) or self._told(content, example, answer):
            return f"{RETELLS} ({told[:60]})"
        return ""

    def _is_label(self, answer: str) -> bool:
        if self._answers[_joined(answer)] < _LABEL:
            return False
        return not _numbers(_words(answer)) or len(self._answers) * _FEW_NUMBERS <= self._rows

    def _given(self, content: str, question: Sequence[str]) -> str:
        """The size of something that ``content`` states outside of its conditions, as the question of its example does."""
        if not _ENGLISH.search(content):
            return ""
        common = max(1, self._rows // 2)
        for words in _outcomes(content):
            for at in range(len(words) - GIVEN + 1):
                run = words[at : at + GIVEN]
                own = any(self._words[word] <= common for word in _numbers(run))
                if own and not _IS.isdisjoint(run) and _holds(question, run):
                    return " ".join(run)
        return ""

    def _told(self, content: str, example: Example, answer: Sequence[str]) -> str:
        """What a sentence without a condition tells of ``example`` alone."""
        if CONDITION.search(content) or not _ENGLISH.search(content):
            return ""
        question = _words(example.question)[:_MOST_WORDS]
        there = {name.casefold() for name in _CAPITALISED.findall(example.question)}
        for name in map(str.casefold, filter(_LONE_NAME.fullmatch, _CAPITALS.findall(content))):
            if name in there and self._words[name] <= 1:
                return name
        if (reckoned := _SUM.search(content)) and len(
            {*_numbers(_words(reckoned[0]))} & {*_numbers(question)}
        ) >= 2:
            return reckoned[0]
        lesson = _words(content)
        spoken_of = {stem(word) for word in lesson} - common_words() - _MEASURES
        if spoken_of and spoken_of <= set(map(stem, question)) and not _holds(lesson, answer):
            return " ".join(word for word in lesson if stem(word) in spoken_of)
        return ""

    def _names(self, question: str) -> list[str]:
        return [name.casefold() for name in _MID_NAME.findall(question)]


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _joined(text: str) -> str:
    return " ".join(_words(text))


def _numbers(words: Sequence[str]) -> list[str]:
    return [word for word in words if any(map(str.isdigit, word))]


def _holds(words: Sequence[str], run: Sequence[str]) -> bool:
    size = len(run)
    return bool(run) and any(list(words[at : at + size]) == list(run) for at in range(len(words) - size + 1))


def _is_telling(answer: str) -> bool:
    """Whether ``answer`` would hardly stand anywhere by chance."""
    words = _words(answer)
    letters, digits = (any(map(test, answer)) for test in (str.isalpha, str.isdigit))
    if letters and digits:
        return sum(map(str.isalnum, answer)) >= 4
    if digits:
        return (
            len("".join(filter(str.isdigit, answer)).strip("0")) >= 3 and sum(map(str.isdigit, answer)) >= 4
        )
    return len(words) >= 3 and sum(map(len, words)) >= 12


def _outcomes(content: str) -> Iterator[list[str]]:
    """The words of each clause, without its condition."""
    for clause in _CLAUSE.split(content):
        yield _words(CONDITION.split(clause, maxsplit=1)[0])


def _states(content: str, answer: Sequence[str]) -> bool:
    """Whether something *is* the answer, a number, outside of conditions: "..., the fare is 10 crowns".

    With another number beside it, it is an example of a rule: "for a fare of 19 it costs 10".
    """
    if not (numbers := _numbers(answer)):
        return False
    alone = (words for words in _outcomes(content) if set(_numbers(words)) == set(numbers))
    return any(_holds(words, (verb, *answer)) for words in alone for verb in _IS)


def _asks(lesson: Sequence[str], question: Sequence[str]) -> bool:
    """Whether the lesson speaks of just what the question asks."""
    if len(_longest_run(lesson, question)) >= BESIDE:
        return True
    longer = {word for word in question if len(word) >= 4}
    return len(longer) >= 3 and len(longer & set(lesson)) >= _SHARE * len(longer)


def _longest_run(one: Sequence[str], other: Sequence[str]) -> Sequence[str]:
    """The longest stretch of words that both have; the first of equals."""
    best, end = 0, 0
    before = [0] * (len(other) + 1)
    for at, word in enumerate(one, 1):
        now = [0] * (len(other) + 1)
        for there, its in enumerate(other, 1):
            if word == its:
                now[there] = before[there - 1] + 1
                if now[there] > best:
                    best, end = now[there], at
        before = now
    return one[end - best : end]
