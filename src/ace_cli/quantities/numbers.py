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

from ace_cli.quantities.units import CURRENCY, SCALES, UNITS
from ace_cli.scoring.text import BOX, plain

MOST_DIGITS = 1000  # a longer numeral, or a larger exponent, is no answer that anybody means


@dataclass(frozen=True, slots=True)
class Quantity:
    """``value`` is None where something stands that is no single number; ``start`` and ``end`` are offsets in the text."""

    value: Fraction | None
    unit: str
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
    if one.value == other.value:
        return True
    for percent, bare in ((one, other), (other, one)):
        if percent.unit == "%" and not bare.unit and bare.value is not None and bare.value.denominator != 1:
            return percent.value == bare.value * 100
    return False


def read_number(text: str) -> Quantity | None:
    """The number that ``text`` is, alone or with a currency and a unit of up to three small words; None if it is more."""
    if len(text) > 2 * MOST_DIGITS:
        return None
    text = plain(text).strip("\"' *").rstrip(".,;:")
    if accounting := _ACCOUNTING.fullmatch(text):
        text = f"-{accounting[1]}"
    found = list(quantities(text))
    if len(found) != 1 or found[0].value is None:
        return None
    before, after = text[: found[0].start], text[found[0].end :]
    if not _ALONE_BEFORE.fullmatch(before) or not _ALONE_AFTER.fullmatch(after) or _MONTH.match(after):
        return None
    return found[0]


_NUMERAL = r"(?:\d++(?:[.,'_]\d++)*+|\.\d++)"
_TOKEN = re.compile(
    rf"(?=[-+±√$€£¥₹₩\d.A-Z])(?P<sign>[-+±√]\s?)?(?:(?P<currency>{CURRENCY})\s?)?(?P<inner>-)?(?P<numeral>{_NUMERAL})"
)
_SPACED_GROUPS = re.compile(r"(?: \d{3}(?!\d))++(?:[.]\d++)?")
_EXPONENT = re.compile(r"[eE]([-+]?\d++)(?![A-Za-z])")
_TIMES_TEN = re.compile(r"\s?[*xX]\s?10\s?(?:\^|\*\*)\s?\(?([-+]?\d++)\)?")
_POWER = re.compile(r"\s?(?:\^|\*\*)\s?\(?([-+]?\d++)\)?")
_MIXED = re.compile(r" (?:and )?(\d{1,9})\s?/\s?(\d{1,9})(?![\d/])")
_OVER = re.compile(rf"\s?/\s?({_NUMERAL})")
_CHAIN = re.compile(rf"(?:[-+:/*^÷x~]\$?{_NUMERAL})++")  # 5-6, 3:30, 1/2/2024, 3*4
_CODE_AFTER = re.compile(r"[A-Za-z]++\d|[-_][A-Z]{2}|_\w")
_IRRATIONAL = re.compile(r"\s?[π√∞]")
_SCALE = re.compile(rf"[\s-]?(?:({'|'.join(SCALES)})\b|[kK](?![\w/]))")
_MONEY_SCALE = re.compile(r"\s?(M|B|T|mn|bn|tn|mil)(?![\w/])")
_UNIT = re.compile(
    r"\s?\$?(?:\s|-)?(%|°\s?[CFcf]?(?!\w)|[€£¥₹]|[A-Za-zµ]++(?:/[A-Za-z]++|\^\d|\s(?:meters?|metres?|feet|foot|inch(?:es)?)\b)?)"
)
_OPERAND = re.compile(r"[\d)%\w]\s?[-+*/÷]\s[$(]?$")
_NEGATIVE_WORD = re.compile(r"\bnegative $|(?:^|[=:>\x02]|\b(?:is|are|of|to|was)) ?minus $", re.IGNORECASE)
_ACCOUNTING = re.compile(rf"\(\s?([$€£¥₹]\s?{_NUMERAL})\s?\)")
_ALONE_BEFORE = re.compile(
    r"(?:[\s(≈~=\x02]|about|approximately|approx\.?|negative |minus |[a-zA-Z]\s?=)*+", re.IGNORECASE
)
_ALONE_AFTER = re.compile(r"(?:[ -]?[a-zµ°%][\w/^%']*+){0,3}[\s).\]$\x03!]*+")
_MONTH = re.compile(
    r"\s?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:\b|[a-z]*?(?:y|ch|il|e|st|er)\b)",
    re.IGNORECASE,
)


def quantities(text: str) -> Iterator[Quantity]:
    """Everything in ``text`` (as :func:`plain` gives it) that looks like a number, in order."""
    at = 0
    while token := _TOKEN.search(text, at):
        quantity, at = _read(text, token)
        if quantity is not None:
            yield quantity


def _read(text: str, token: re.Match[str]) -> tuple[Quantity | None, int]:
    """The quantity at ``token``, or None for a code; and where to go on."""
    start, end = token.start(), token.end()
    sign = (token["sign"] or "").strip()
    before = text[start - 1 : start] if start else ""
    if sign == "-" and before.isalpha():  # RV-72
        return None, end
    if (
        not sign
        and not token["currency"]
        and (before.isalpha() or (before == "_" and text[start - 2 : start - 1].isalpha()))
    ):
        return None, end  # B12, item_7
    if (code := _CODE_AFTER.match(text, end)) and not _EXPONENT.match(text, end):
        return None, code.end()

    value, end = _value(text, token["numeral"], end)
    if chain := _CHAIN.match(text, end):
        value, end = None, chain.end()
    if sign in ("±", "√") or _IRRATIONAL.match(text, end):
        value = None
    if sign == "-" and (before.isdigit() or before in (")", "]", "%")):
        value = None  # what is taken away, in a sum that is not worked out
    elif sign in ("-", "+") and token["sign"] != sign and not _sign_expected(text, start):
        sign, start = "", start + len(token["sign"])
    if not sign and _OPERAND.search(text, max(0, start - 4), start):
        value = None
    if value is not None:
        negative = (sign == "-") != bool(token["inner"]) or bool(
            _NEGATIVE_WORD.search(text, max(0, start - 12), start)
        )
        value = -value if negative else value

    unit = UNITS.get((token["currency"] or "").strip().lower(), "")
    if scale := _SCALE.match(text, end):
        value = None if value is None else value * SCALES.get(scale[1] or "", 1000)
        end = scale.end()
    elif unit and (scale := _MONEY_SCALE.match(text, end)):
        value = None if value is None else value * SCALES[scale[1]]
        end = scale.end()
    if after := _UNIT.match(text, end):
        if text[end : end + 1] == "$":  # $5$ is LaTeX, not dollars
            unit = "" if unit == "usd" else "usd"
        known = UNITS.get(after[1].replace(" ", "").lower(), "")
        if known:
            unit, end = known, after.end()
    elif text[end : end + 1] == "$":
        unit = "" if unit == "usd" else "usd"
        end += 1
    return Quantity(value, unit, start, end, text[start:end].strip()), end


def _sign_expected(text: str, start: int) -> bool:
    """Whether "- 5", with a space, is minus five here, and not a dash, the bullet of a list or a part of a sum."""
    return not start or text[max(0, start - 3) : start].rstrip(" ").endswith(("=", ":", "#", BOX, ">", "("))


def _value(text: str, numeral: str, end: int) -> tuple[Fraction | None, int]:
    """The number that begins with ``numeral``, which ends at ``end``: with powers of ten, fractions, mixed numbers."""
    if (
        numeral.isdigit()
        and len(numeral) <= 3
        and numeral[0] != "0"
        and (groups := _SPACED_GROUPS.match(text, end))
    ):
        numeral, end = numeral + groups[0].replace(" ", ""), groups.end()
    value = parse_numeral(numeral)
    if match := _EXPONENT.match(text, end) or _TIMES_TEN.match(text, end):
        return _scaled(value, match[1]), match.end()
    if match := _POWER.match(text, end):
        return _power(value, match[1]), match.end()
    whole = value is not None and value.denominator == 1
    if whole and (match := _MIXED.match(text, end)) and 0 < int(match[1]) < int(match[2]):
        assert value is not None
        return value + Fraction(int(match[1]), int(match[2])), match.end()
    if match := _OVER.match(text, end):
        below = parse_numeral(match[1])
        fraction = value / below if value is not None and below else None
        return fraction, match.end()
    return value, end


_PLAIN = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_GROUPED = re.compile(
    r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|[1-9]\d{0,2}(?:'\d{3})+(?:\.\d+)?|[1-9]\d{0,2}(?:_\d{3})+(?:\.\d+)?"
)
_INDIAN = re.compile(r"[1-9]\d?(?:,\d{2})+,\d{3}(?:\.\d+)?")
_CONTINENTAL = re.compile(r"[1-9]\d{0,2}(?:\.\d{3}){2,}(?:,\d+)?|[1-9]\d{0,2}(?:\.\d{3})+,\d+")


def parse_numeral(text: str) -> Fraction | None:
    """``1,080.50``, ``1,00,000``, ``1.000.000``, ``1'000`` and plain decimals; None for what has two readings, like ``1,5``."""
    if len(text) > MOST_DIGITS:
        text = text.rstrip("0").rstrip(".") if "." in text else text
        if len(text) > MOST_DIGITS:
            return None
    if _PLAIN.fullmatch(text):
        return Fraction(text)
    if _GROUPED.fullmatch(text) or _INDIAN.fullmatch(text):
        return Fraction(re.sub("[,'_]", "", text))
    if _CONTINENTAL.fullmatch(text):
        return Fraction(text.replace(".", "").replace(",", "."))
    return None


def _scaled(value: Fraction | None, exponent: str) -> Fraction | None:
    power = _small(exponent)
    return None if value is None or power is None else value * Fraction(10) ** power


def _power(value: Fraction | None, exponent: str) -> Fraction | None:
    power = _small(exponent)
    if value is None or power is None or (value == 0 and power <= 0):
        return None
    digits = max(len(str(value.numerator)), len(str(value.denominator)))
    return value**power if digits * abs(power) <= MOST_DIGITS else None


def _small(exponent: str) -> int | None:
    digits = exponent.lstrip("+-").lstrip("0")
    if len(digits) > 4:
        return None
    power = int(exponent)
    return power if abs(power) <= MOST_DIGITS else None
