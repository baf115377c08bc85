"""A lesson taken apart: words, numbers, units, names, and what in it is denied.

Shallow on purpose: short imperative sentences of English, no parser, the same on every machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from ace_cli.sameness.rules import vocabulary as v

_TOKEN = re.compile(
    r"(?P<number>[-−]?(?<![\w.])\d[\d,]*(?:\.\d+)?(?=$|[^\w]|[a-zµ°]{1,3}\b|st\b|nd\b|rd\b|th\b))"
    r"|(?P<word>[^\W\d_][\w'’-]*|[\w][\w'’-]+)|(?P<sign>[%$€£¥°µ]+[a-z]*)|(?P<stop>[.;!?:,()])"
)
_QUOTED = re.compile(r"[`\"'‘’“”]([^\s`\"'‘’“”]{2,})[`\"'‘’“”]")
_NAME = re.compile(r"(?<![\w.])[A-Za-z][\w-]*\w")
_END = frozenset(".;!?:")
_SUFFIXES = frozenset({"st", "nd", "rd", "th"})
_MAX_CHARS = 4000
"""Rules read no further: a lesson of this length has no one wording to contradict."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word, a unit's sign or a stop. ``sentence`` counts from 0."""

    text: str
    stem: str
    sentence: int

    @property
    def is_stop(self) -> bool:
        return self.text in ".;!?:,()"

    @property
    def is_content(self) -> bool:
        return not self.is_stop and self.text not in v.STOPWORDS


@dataclass(frozen=True, slots=True)
class Number:
    """``value`` is exact; 15 % is 0.15. ``weak``: written "one", which is often no number; ``noun`` follows it."""

    value: Fraction
    text: str
    noun: str
    weak: bool = False


@dataclass(frozen=True)
class Wording:
    """``denied`` are positions in ``words`` inside of a negation, ``flipped`` sentences whose order words are negated."""

    text: str
    words: tuple[Word, ...]
    numbers: tuple[Number, ...]
    units: frozenset[tuple[int, int]]
    names: frozenset[str]
    denied: frozenset[int]
    flipped: frozenset[int]

    def content(self, *, denied: bool | None = None) -> frozenset[str]:
        """Stems of content words: all, or only those (not) denied."""
        return frozenset(
            word.stem
            for position, word in enumerate(self.words)
            if word.is_content and (denied is None or (position in self.denied) is denied)
        )


@lru_cache(maxsize=20_000)
def take_apart(text: str) -> Wording:
    text = text[:_MAX_CHARS].replace("’", "'").replace("−", "-")
    plain = " ".join(text.lower().split())
    for pattern, replacement in v.IDIOMS:
        plain = re.sub(pattern, replacement, plain)
    words, numbers, units = _read(" ".join(plain.split()))
    denied, flipped = _denied(words)
    return Wording(text, words, numbers, units, _names(text), denied, flipped)


def _read(plain: str) -> tuple[tuple[Word, ...], tuple[Number, ...], frozenset[tuple[int, int]]]:
    words: list[Word] = []
    numbers: list[Number] = []
    units: set[tuple[int, int]] = set()
    sentence = 0
    tokens = [(match.lastgroup or "", match.group()) for match in _TOKEN.finditer(_part_hyphens(plain))]
    position = 0
    while position < len(tokens):
        kind, text = tokens[position]
        value, used, weak = _number(tokens, position)
        if value is not None:
            position += used
            after = [t for _, t in tokens[position : position + 2]]
            if after[:1] and after[0] in ("%", "percent"):
                value /= 100
            if after[:1] and after[0] in _SUFFIXES:
                position += 1
            unit = _UNITS.get(after[0]) if after else None
            if unit:
                units.add(unit)
            numbers.append(Number(value, text, stem(after[0]) if after else "", weak))
            continue
        if kind == "stop":
            words.append(Word(text, text, sentence))
            sentence += text in _END
        else:
            base = text.removesuffix("'s").strip("'-")
            if base:
                words.append(Word(base, stem(base), sentence))
            if ((unit := _UNITS.get(text)) and len(text) > 1) or text in ("%", "$", "€", "£", "¥"):
                units.add(unit or _UNITS[text])
        position += 1
    return tuple(words), tuple(numbers), frozenset(units)


def _part_hyphens(plain: str) -> str:
    """``three-digit`` and ``short-term`` as two words each; codes such as ``rv-72`` stay whole."""
    return re.sub(r"(?<=[a-z])-(?=[a-z])", " ", plain)


def _number(tokens: list[tuple[str, str]], position: int) -> tuple[Fraction | None, int, bool]:
    """The number that starts here, how many tokens it takes, and whether it is a mere "one"."""
    kind, text = tokens[position]
    if kind == "number":
        digits = text.replace(",", "").rstrip(".")
        value = Fraction(digits)
        used = 1
    elif text in v.NUMBERS:
        value, used = Fraction(v.NUMBERS[text]), 1
        if value >= 20 and (nxt := _word(tokens, position + 1)) in v.NUMBERS and v.NUMBERS[nxt] < 10:
            value, used = value + v.NUMBERS[nxt], 2
    elif text in v.ORDINALS:
        return Fraction(v.ORDINALS[text]), 1, False
    else:
        return None, 0, False
    weak = text == "one"
    while (scale := v.SCALES.get(_word(tokens, position + used))) is not None:
        value, used, weak = value * scale, used + 1, False
    return value, used, weak


def _word(tokens: list[tuple[str, str]], position: int) -> str:
    return tokens[position][1] if position < len(tokens) else ""


def _denied(words: tuple[Word, ...]) -> tuple[frozenset[int], frozenset[int]]:
    """Positions that a negation covers, sentence by sentence, and sentences whose order is turned round.

    "Never X without Y", "not X until Y", "do not forget X" deny nothing: they demand.
    """
    denied: set[int] = set()
    flipped: set[int] = set()
    start = 0
    while start < len(words):
        end = start
        while end < len(words) and words[end].sentence == words[start].sentence:
            end += 1
        span = range(start, end)
        first = next((p for p in span if _negates(words, p)), None)
        if first is not None:
            rest = [p for p in span if p != first]
            if (
                any(words[p].text in ("before", "after", "until") for p in rest)
                and words[first].text != "insteadof"
            ):
                flipped.add(words[start].sentence)
            elif not any(_undoes(words, p, first) for p in rest):
                for p in span:
                    if _negates(words, p):
                        denied.update(_scope(words, p, end))
        start = end
    return frozenset(denied), frozenset(flipped)


def _negates(words: tuple[Word, ...], position: int) -> bool:
    word = words[position]
    return (
        word.text in v.NEGATORS
        or word.text == "insteadof"
        or word.stem in _AVOID
        or word.stem in _FORGET
        or _is_bad(words, position)
    )


def _is_bad(words: tuple[Word, ...], position: int) -> bool:
    """ "... is a mistake"; not "log the error"."""
    before = {word.text for word in words[max(0, position - 2) : position]}
    return words[position].text in v.BAD and bool(before & {"is", "are", "was", "be"})


def _undoes(words: tuple[Word, ...], position: int, first: int) -> bool:
    word = words[position]
    near = abs(position - first) <= 3
    if word.text in ("without", "unless"):
        return words[first].text != word.text
    if words[first].text in ("without", "unless"):
        return word.text in v.NEGATORS
    return near and (word.stem in _FORGET or _is_bad(words, position)) and words[first].text != "insteadof"


def _scope(words: tuple[Word, ...], position: int, end: int) -> set[int]:
    """What the negator at ``position`` covers.

    The rest of its clause. For "is a mistake" what stands before; for "tablets must not be crushed" both, so that
    it covers what "do not crush tablets" covers.
    """
    start = position
    while (
        start > 0 and not _parts(words[start - 1]) and words[start - 1].sentence == words[position].sentence
    ):
        start -= 1
    stop = position + 1
    while stop < end and not _parts(words[stop]):
        stop += 1
    if _is_bad(words, position):
        return set(range(start, position))
    if position > start and words[position - 1].text in v.AUXILIARIES:
        return set(range(start, stop)) - {position}
    return set(range(position + 1, stop))


def _parts(word: Word) -> bool:
    return word.text in _CLAUSE_ENDS


_CLAUSE_ENDS = frozenset(".;!?:,()") | {
    "but",
    "because",
    "since",
    "if",
    "when",
    "instead",
    "insteadof",
    "unless",
    "so",
}


def _names(text: str) -> frozenset[str]:
    """Codes, identifiers, quoted words, and capitalised words that do not begin a sentence; as written, lower-cased."""
    names = {match[1].lower().strip(".,;:") for match in _QUOTED.finditer(text)}
    for match in _NAME.finditer(text):
        word = match.group()
        begins = (
            not text[: match.start()].rstrip(" \"'`([-")
            or text[: match.start()].rstrip(" \"'`([")[-1:] in ".!?:"
        )
        code = (
            any(c.isdigit() for c in word)
            or "_" in word
            or re.search(r"[a-z][A-Z]", word)
            or (len(word) > 1 and word.isupper())
        )
        if code or (word[0].isupper() and not begins):
            name = word.lower().removesuffix("'s")
            if name not in _UNITS and stem(name) not in _UNIT_STEMS and name not in v.STOPWORDS:
                names.add(name)
    return frozenset(names)


_IRREGULAR = {
    "given": "give", "gave": "give", "taken": "take", "took": "take", "written": "write", "wrote": "write",
    "sold": "sell", "bought": "buy", "found": "find", "fell": "fall", "fallen": "fall", "rose": "rise", "risen": "rise",
    "grew": "grow", "grown": "grow", "chosen": "choose", "chose": "choose", "kept": "keep", "left": "left",
    "lost": "lose", "paid": "pay", "sent": "send", "shown": "show", "made": "make", "forgot": "forget",
    "forgotten": "forget", "feet": "foot", "children": "child", "halves": "half", "division": "divide",
    "multiplication": "multiply", "addition": "add", "subtraction": "subtract", "conversion": "convert",
    "calculation": "calculate", "computation": "calculate", "compute": "calculate", "verification": "verify",
    "multiplied": "multiply", "multiplies": "multiply", "multiplying": "multiply", "applied": "apply", "applies": "apply",
    "applying": "apply", "supplied": "supply", "strings": "string", "things": "thing", "hid": "hide", "written-off": "write", "said": "say", "used": "use", "using": "use",
    "caught": "catch", "brought": "bring", "built": "build", "held": "hold", "told": "tell", "spent": "spend", "met": "meet",
    "ran": "run", "began": "begin", "begun": "begin", "broken": "break", "broke": "break", "driven": "drive", "known": "know",
    "drawn": "draw", "drew": "draw", "split": "split", "thrown": "throw", "worn": "wear", "frozen": "frozen", "purchased": "purchase", "during": "during", "building": "building",
}  # fmt: skip


_WHOLE = frozenset(
    {"multiply", "apply", "supply", "reply", "imply", "comply", "assembly", "anomaly", "thing", "string"}
)


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A rough stem, equal for the common endings of a word; not a word itself."""
    word = _IRREGULAR.get(word, word)
    if word in _WHOLE:
        return word
    for ending in ("ing", "ed", "es", "s", "ly"):
        base = word.removesuffix(ending)
        if base != word and len(base) >= 3 and not (ending == "s" and base[-1] in "su") and _vowel(base):
            word = base
            break
    if word.endswith("i"):
        word = word[:-1] + "y"
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "sl":
        word = word[:-1]
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    return word


def _vowel(text: str) -> bool:
    return any(c in "aeiouy" for c in text)


def _unit_table() -> dict[str, tuple[int, int]]:
    """Word -> (dimension, unit)."""
    table: dict[str, tuple[int, int]] = {}
    for dimension, row in enumerate(v.UNITS.splitlines()):
        for unit, names in enumerate(row.split("|")):
            for name in names.split():
                table[name] = (dimension, unit)
                if len(name) > 2 and not name.endswith("s"):
                    table[f"{name}es" if name == "inch" else f"{name}s"] = (dimension, unit)
    return table


_UNITS = _unit_table()
_UNIT_STEMS = frozenset(stem(name) for name in _UNITS if len(name) > 2)
_FORGET = frozenset(stem(word) for word in v.FORGET)
_AVOID = frozenset(stem(word) for word in ("avoid", "refrain"))
