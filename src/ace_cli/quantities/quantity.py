"""Numbers in running text, read exactly.

A *quantity* is a number with what is written around it: sign, currency, percent sign, unit. What only looks
like a number (a range, a time, a date, a sum that is not worked out, ``1,5``) is a quantity without a value: it
equals nothing, and it also keeps its parts from being taken for the answer. A code such as ``RV-72`` is no quantity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from ace_cli.quantities.normalize import BOX, normalize
from ace_cli.quantities.numerals import EXPONENT, MOST_DIGITS, NUMERAL, value_at
from ace_cli.quantities.units import BEHIND_NUMBERS, CURRENCY, DOLLAR, PERCENT, Unit
from ace_cli.quantities.words import SCALES


@dataclass(frozen=True, slots=True)
class Quantity:
    """``value`` is None where something stands that is no single number; ``start`` and ``end`` are offsets in the text."""

    value: Fraction | None
    unit: Unit | None
    start: int
    end: int
    text: str


def equal(one: Quantity, other: Quantity) -> bool:
    """The same number, exactly, and no two known units that differ (nothing is converted: 5 km is not 5000 m).

    A percent sign is a unit that may be left out: 50% is 50. Where only one side has it and the other is no whole
    number, 50% is 0.5 as well.
    """
    if one.value is None or other.value is None or (one.unit and other.unit and one.unit != other.unit):
        return False
    if one.unit is PERCENT and not other.unit and other.value.denominator != 1:
        return one.value in (other.value, 100 * other.value)
    if other.unit is PERCENT and not one.unit and one.value.denominator != 1:
        return other.value in (one.value, 100 * one.value)
    return one.value == other.value


_ACCOUNTING = re.compile(rf"\(\s?([$€£¥₹]\s?{NUMERAL})\s?\)")
_ALONE_BEFORE = re.compile(
    r"(?:[\s(≈~=\x02]|about|approximately|approx\.?|negative |minus |[a-zA-Z]\s?=)*+", re.IGNORECASE
)
_ALONE_AFTER = re.compile(r"(?:[ -]?[a-zµ°%][\w/^%']*+){0,3}[\s).\]$\x03!]*+")
_MONTH = re.compile(
    r"\s?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:\b|[a-z]*?(?:y|ch|il|e|st|er)\b)",
    re.IGNORECASE,
)


def read_number(text: str) -> Quantity | None:
    """The number that ``text`` is, alone or with a currency and a unit of up to three small words; None if it is more."""
    if len(text) > 2 * MOST_DIGITS:
        return None
    text = normalize(text).strip("\"' *").rstrip(".,;:")
    if accounting := _ACCOUNTING.fullmatch(text):
        text = f"-{accounting[1]}"
    found = list(quantities(text))
    if len(found) != 1 or found[0].value is None:
        return None
    before, after = text[: found[0].start], text[found[0].end :]
    if not _ALONE_BEFORE.fullmatch(before) or not _ALONE_AFTER.fullmatch(after) or _MONTH.match(after):
        return None
    return found[0]


_START = re.compile(
    rf"(?=[-+±√$€£¥₹₩\d.A-Z])(?P<sign>[-+±√]\s?)?(?:(?P<currency>{CURRENCY})\s?)?(?P<inner>-)?(?P<numeral>{NUMERAL})"
)


def quantities(text: str) -> Iterator[Quantity]:
    """Everything in ``text`` (as :func:`normalize` gives it) that looks like a number, in order."""
    at = 0
    while start := _START.search(text, at):
        if code_end := _code_end(text, start):
            at = code_end
            continue
        quantity = _quantity(text, start)
        at = quantity.end
        yield quantity


_CODE_AFTER = re.compile(r"[A-Za-z]++\d|[-_][A-Z]{2}|_\w")


def _code_end(text: str, start: re.Match[str]) -> int | None:
    """Where the code ends that this numeral is a part of: RV-72, B12, item_7, 72-RV, 0x1F. None if it is of none."""
    at, end = start.start(), start.end()
    sign, before = (start["sign"] or "").strip(), text[max(0, at - 2) : at]
    if not sign and not start["currency"]:
        before = before.removesuffix("_")
    elif sign != "-":
        before = ""
    if before[-1:].isalpha():
        return end
    after = _CODE_AFTER.match(text, end)
    return after.end() if after and not EXPONENT.match(text, end) else None


_CHAIN = re.compile(rf"(?:[-+:/*^÷x~]\$?{NUMERAL})++")  # 5-6, 3:30, 1/2/2024, 3*4


def _quantity(text: str, match: re.Match[str]) -> Quantity:
    sign, start = _sign(text, match)
    value, end = value_at(text, match.start("numeral"), match.end())
    if chain := _CHAIN.match(text, end):
        value, end = None, chain.end()
    if value is not None and _is_part(text, start, end, sign):
        value = None
    in_words = _MINUS_IN_WORDS.search(text, max(0, start - 12), start)
    if value is not None and (sign == "-") != bool(match["inner"] or in_words):
        value = -value
    currency = BEHIND_NUMBERS.get((match["currency"] or "").strip().lower())
    scale = _SCALE.match(text, end)  # 5 million, $5k
    factor, end = (_SCALES.get(scale[1], 1000), scale.end()) if scale else (1, end)
    unit, end = _unit(text, end, currency)
    return Quantity(None if value is None else value * factor, unit, start, end, text[start:end].strip())


_LEADS_TO_SIGN = ("=", ":", "#", BOX, ">", "(")


def _sign(text: str, match: re.Match[str]) -> tuple[str, int]:
    """The number's sign and where the number begins.

    "- 5", with a space, is minus five only at the start and behind a mark, not where it may be a dash or the bullet of a list.
    """
    start, written = match.start(), match["sign"] or ""
    sign = written.rstrip()
    if sign == written or sign in ("±", "√") or (sign == "-" and _is_taken_away(text, start)):
        return sign, start
    if not start or text[max(0, start - 3) : start].rstrip(" ").endswith(_LEADS_TO_SIGN):
        return sign, start
    return "", start + len(written)


_OPERAND = re.compile(r"[\d)%\w]\s?[-+*/÷]\s[$(]?$")
_IRRATIONAL = re.compile(r"\s?[π√∞]")


def _is_part(text: str, start: int, end: int, sign: str) -> bool:
    """Whether the number is only a part of one (2π, √16, ±5) or of a sum that is not worked out (3 + 4, 5 -3)."""
    if sign in ("±", "√") or _IRRATIONAL.match(text, end) or (sign == "-" and _is_taken_away(text, start)):
        return True
    return not sign and _OPERAND.search(text, max(0, start - 4), start) is not None


def _is_taken_away(text: str, minus: int) -> bool:
    return minus > 0 and (text[minus - 1].isdigit() or text[minus - 1] in ")]%")


_MINUS_IN_WORDS = re.compile(r"\bnegative $|(?:^|[=:>\x02]|\b(?:is|are|of|to|was)) ?minus $", re.IGNORECASE)


_SCALES = SCALES | {"mil": 10**6, "mn": 10**6, "bn": 10**9, "tn": 10**12, "M": 10**6, "B": 10**9, "T": 10**12}
_SCALE = re.compile(rf"[\s-]?(?:({'|'.join(_SCALES)})\b|[kK](?![\w/]))")


_UNIT = re.compile(
    r"\s?\$?(?:\s|-)?(%|°\s?[CFcf]?(?!\w)|[€£¥₹]|[A-Za-zµ]++(?:/[A-Za-z]++|\^\d|\s(?:meters?|metres?|feet|foot|inch(?:es)?)\b)?)"
)


def _unit(text: str, end: int, currency: Unit | None) -> tuple[Unit | None, int]:
    """The unit behind the number, else the currency before it; and where the quantity ends."""
    behind = _UNIT.match(text, end)
    if behind and (unit := BEHIND_NUMBERS.get(behind[1].replace(" ", "").lower())):
        return unit, behind.end()
    if text[end : end + 1] == "$":  # 5$ are dollars, $5$ is LaTeX
        return None if currency is DOLLAR else DOLLAR, end if behind else end + 1
    return currency, end
