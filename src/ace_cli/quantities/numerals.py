"""The value of a number in digits, exactly: 1,080.50 and 1e3, 10^6, 1 1/2 and 3/4."""

from __future__ import annotations

import re
from fractions import Fraction

MOST_DIGITS = 1000  # a longer numeral, or a larger exponent, is no answer that anybody means

NUMERAL = r"(?:\d++(?:[.,'_]\d++)*+|\.\d++)"

_PLAIN = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_GROUPED = re.compile(
    r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|[1-9]\d{0,2}(?:'\d{3})+(?:\.\d+)?|[1-9]\d{0,2}(?:_\d{3})+(?:\.\d+)?"
    r"|[1-9]\d?(?:,\d{2})+,\d{3}(?:\.\d+)?"  # as in India: 1,00,000
)
_CONTINENTAL = re.compile(r"[1-9]\d{0,2}(?:\.\d{3}){2,}(?:,\d+)?|[1-9]\d{0,2}(?:\.\d{3})+,\d+")


def parse_numeral(text: str) -> Fraction | None:
    """``1,080.50``, ``1,00,000``, ``1.000.000``, ``1'000`` and plain decimals; None for what has two readings, like ``1,5``."""
    if len(text) > MOST_DIGITS and "." in text:
        text = text.rstrip("0").rstrip(".")
    if len(text) > MOST_DIGITS:
        return None
    if _PLAIN.fullmatch(text):
        return Fraction(text)
    if _GROUPED.fullmatch(text):
        return Fraction(re.sub("[,'_]", "", text))
    if _CONTINENTAL.fullmatch(text):
        return Fraction(text.replace(".", "").replace(",", "."))
    return None


_GROUPABLE = re.compile(r"[1-9]\d{0,2}")
_SPACED_GROUPS = re.compile(r"(?: \d{3}(?!\d))++(?:[.]\d++)?")
EXPONENT = re.compile(r"[eE]([-+]?\d++)(?![A-Za-z])")
_TIMES_TEN = re.compile(r"\s?[*xX]\s?10\s?(?:\^|\*\*)\s?\(?([-+]?\d++)\)?")
_POWER = re.compile(r"\s?(?:\^|\*\*)\s?\(?([-+]?\d++)\)?")
_MIXED = re.compile(r" (?:and )?(\d{1,9})\s?/\s?(\d{1,9})(?![\d/])")
_OVER = re.compile(rf"\s?/\s?({NUMERAL})")


def value_at(text: str, start: int, end: int) -> tuple[Fraction | None, int]:
    """The number that begins with the numeral ``text[start:end]``, and where it ends: with groups parted by spaces,
    powers of ten, fractions and mixed numbers. None where it is none, or too large."""
    numeral = text[start:end]
    if _GROUPABLE.fullmatch(numeral) and (groups := _SPACED_GROUPS.match(text, end)):
        numeral, end = numeral + groups[0].replace(" ", ""), groups.end()
    value = parse_numeral(numeral)
    if scale := EXPONENT.match(text, end) or _TIMES_TEN.match(text, end):
        power = _small(scale[1])
        return None if value is None or power is None else value * Fraction(10) ** power, scale.end()
    if power_sign := _POWER.match(text, end):
        return _power(value, _small(power_sign[1])), power_sign.end()
    part = _MIXED.match(text, end)
    if part and value is not None and value.denominator == 1 and 0 < int(part[1]) < int(part[2]):
        return value + Fraction(int(part[1]), int(part[2])), part.end()
    if over := _OVER.match(text, end):
        divisor = parse_numeral(over[1])
        return value / divisor if value is not None and divisor else None, over.end()
    return value, end


def _power(base: Fraction | None, exponent: int | None) -> Fraction | None:
    if base is None or exponent is None or (base == 0 and exponent <= 0):
        return None
    digits = max(len(str(base.numerator)), len(str(base.denominator)))
    return base**exponent if digits * abs(exponent) <= MOST_DIGITS else None


def _small(exponent: str) -> int | None:
    """None for an exponent that would take forever."""
    digits = exponent.lstrip("+-").lstrip("0") or "0"
    if len(digits) > 4 or int(digits) > MOST_DIGITS:
        return None
    return -int(digits) if exponent.startswith("-") else int(digits)
