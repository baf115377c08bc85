"""A lesson taken apart: words, numbers, units, names, and what in it is denied.

Shallow on purpose: short imperative sentences of English, no parser, the same on every machine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import groupby

from ace_cli.quantities.units import AMONG_WORDS, Unit
from ace_cli.quantities.words import BEGINNINGS, ORDINALS, SCALES, leading_number
from ace_cli.sameness.rules.denial import denial
from ace_cli.sameness.rules.vocabulary import IDIOMS, STOPWORDS
from ace_cli.sameness.rules.word import SENTENCE_ENDS, Word, content, stem, word_of

_MOST_CHARS = 4000
"""Rules read no further: a lesson of this length has no one wording to contradict."""


@dataclass(frozen=True, slots=True)
class Number:
    """``value`` is exact; 15 % is 0.15. ``weak``: written "one", which is often no number; ``noun`` follows it."""

    value: Fraction
    text: str
    noun: str
    weak: bool


@dataclass(frozen=True, slots=True)
class Sentence:
    """``flipped``: what it says of an order is negated."""

    words: tuple[Word, ...]
    flipped: bool


@dataclass(frozen=True, eq=False)
class Wording:
    """A text of one or more sentences, in lower case. Content are the stems of words that carry some.

    What is worked out of a text is kept with it: a lesson is compared with many.
    """

    text: str
    sentences: tuple[Sentence, ...]
    numbers: tuple[Number, ...]
    units: frozenset[Unit]
    names: frozenset[str]

    @cached_property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for sentence in self.sentences for word in sentence.words)

    @cached_property
    def initials(self) -> tuple[str, str]:
        """Those of all words, and those of the words that carry content."""
        words = [word for word in self.words if word.text[0].isalpha()]
        return "".join(w.text[0] for w in words), "".join(w.text[0] for w in self.words if w.is_content)

    @cached_property
    def content(self) -> frozenset[str]:
        return frozenset(self.content_stems)

    @cached_property
    def content_words(self) -> tuple[Word, ...]:
        return tuple(word for word in self.words if word.is_content)

    @cached_property
    def content_stems(self) -> tuple[str, ...]:
        """In order."""
        return tuple(word.stem for word in self.content_words)

    @cached_property
    def stems(self) -> frozenset[str]:
        """Of all words, stops too."""
        return frozenset(word.stem for word in self.words)

    @cached_property
    def stems_in_order(self) -> tuple[str, ...]:
        """Without stops."""
        return tuple(word.stem for word in self.words if not word.is_stop)

    @cached_property
    def values(self) -> frozenset[Fraction]:
        return frozenset(number.value for number in self.numbers)

    @cached_property
    def stated(self) -> frozenset[str]:
        """The content that is not denied."""
        return content(word for word in self.words if not word.denied)

    @cached_property
    def denied(self) -> tuple[frozenset[str], ...]:
        """The content of each unbroken stretch of denied words."""
        stretches = (
            content(stretch) for denied, stretch in groupby(self.words, lambda w: w.denied) if denied
        )
        return tuple(stretch for stretch in stretches if stretch)

    @cached_property
    def denied_anywhere(self) -> frozenset[str]:
        return frozenset().union(*self.denied)


@lru_cache(maxsize=20_000)
def take_apart(text: str) -> Wording:
    text = text[:_MOST_CHARS].replace("’", "'").replace("−", "-")
    words, numbers, units = _read(simplified(text))
    return Wording(text.lower(), _sentences(words), numbers, units, _names(text))


def simplified(text: str) -> str:
    """Lower case, idioms in one form; ``three-digit`` and ``short-term`` as two words, codes such as ``rv-72`` whole."""
    lower = " ".join(text.lower().split())
    for pattern, form in IDIOMS:
        lower = pattern.sub(form, lower)
    return re.sub(r"(?<=[a-z])-(?=[a-z])", " ", " ".join(lower.split()))


_TOKEN = re.compile(
    r"(?P<number>[-−]?(?<![\w.])\d[\d,]*(?:\.\d+)?(?=$|[^\w]|[a-zµ°]{1,3}\b|st\b|nd\b|rd\b|th\b))"
    r"|(?P<word>[^\W\d_][\w'’-]*|[\w][\w'’-]+)|(?P<sign>[%$€£¥°µ]+[a-z]*)|(?P<stop>[.;!?:,()])"
)
_SIGNS = frozenset("%$€£¥")
_NUMBER_ENDINGS = frozenset({"st", "nd", "rd", "th"})


def _read(simple: str) -> tuple[list[Word], tuple[Number, ...], frozenset[Unit]]:
    words: list[Word] = []
    numbers: list[Number] = []
    units: set[Unit] = set()
    tokens = list(_TOKEN.finditer(simple))
    texts = [token[0] for token in tokens]
    at = 0
    while at < len(tokens):
        text = texts[at]
        may_begin = tokens[at]["number"] or text in BEGINNINGS
        if may_begin and (found := _value(tokens[at], texts[at:])):
            value, used = found
            at += used
            behind = texts[at] if at < len(texts) else ""
            if behind in ("%", "percent"):
                value /= 100
            if behind in _NUMBER_ENDINGS:
                at += 1
            if behind in AMONG_WORDS:
                units.add(AMONG_WORDS[behind])
            numbers.append(Number(value, text, stem(behind), weak=text == "one" and used == 1))
            continue
        at += 1
        if tokens[at - 1]["stop"]:
            words.append(Word(text, text))
        elif base := text.removesuffix("'s").strip("'-"):
            words.append(word_of(base))
        if text in AMONG_WORDS and (len(text) > 1 or text in _SIGNS):
            units.add(AMONG_WORDS[text])
    return words, tuple(numbers), frozenset(units)


def _value(token: re.Match[str], texts: Sequence[str]) -> tuple[Fraction, int] | None:
    """The number that ``texts`` begin with (5, 5 million, twenty one, third), and how many of them it takes."""
    if not token["number"]:
        ordinal = ORDINALS.get(texts[0])
        found = (ordinal, 1) if ordinal else leading_number(texts)
        return (Fraction(found[0]), found[1]) if found else None
    value, used = Fraction(texts[0].replace(",", "")), 1
    while used < len(texts) and (scale := SCALES.get(texts[used])):
        value, used = value * scale, used + 1
    return value, used


def _sentences(words: list[Word]) -> tuple[Sentence, ...]:
    sentences: list[Sentence] = []
    start = 0
    for end, word in enumerate(words, start=1):
        if word.text in SENTENCE_ENDS or end == len(words):
            denied, flipped = denial(words[start:end])
            marked = (
                replace(word, denied=True) if at in denied else word
                for at, word in enumerate(words[start:end])
            )
            sentences.append(Sentence(tuple(marked), flipped))
            start = end
    return tuple(sentences)


_QUOTED = re.compile(r"[`\"'‘’“”]([^\s`\"'‘’“”]{2,})[`\"'‘’“”]")
_NAME = re.compile(r"(?<![\w.])[A-Za-z][\w-]*\w")
_CASE_INSIDE = re.compile(r"[a-z][A-Z]")
_UNIT_STEMS = frozenset(stem(name) for name in AMONG_WORDS if len(name) > 2)


def _names(text: str) -> frozenset[str]:
    """Codes, identifiers, quoted words, and capitalised words that do not begin a sentence; as written, lower-cased."""
    names = {match[1].lower().strip(".,;:") for match in _QUOTED.finditer(text)}
    for match in _NAME.finditer(text):
        word = match[0]
        code = word.isupper() or "_" in word or _CASE_INSIDE.search(word) or any(map(str.isdigit, word))
        if code or (word[0].isupper() and not _begins_sentence(text, match.start())):
            name = word.lower().removesuffix("'s")
            if name not in AMONG_WORDS and stem(name) not in _UNIT_STEMS and name not in STOPWORDS:
                names.add(name)
    return frozenset(names)


def _begins_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \"'`([-")
    return not before or before[-1] in ".!?:"
