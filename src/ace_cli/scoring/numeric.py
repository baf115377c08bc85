"""The numeric judge: the number that an answer gives, compared exactly."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from itertools import pairwise

from ace_cli.quantities.numbers import Quantity, equal, quantities, read_number
from ace_cli.quantities.units import FAMILIES
from ace_cli.quantities.words import number_in_words
from ace_cli.scoring.marked import Kind, marks, sentence_end
from ace_cli.scoring.text import plain
from ace_cli.scoring.verdict import Verdict
from ace_cli.truth import gsm8k_truth


@dataclass(frozen=True, slots=True)
class Numeric:
    """Right if the answer's number is exactly the truth's; there is no tolerance.

    The answer's number is the one at the last mark (``#### 18``, ``\\boxed{18}``, "the answer is 18", ``Answer: 18``,
    ``A: 18``), otherwise the last number of the text. "12, not 15" gives 12; "5 or 6", "5-6", "between 3 and 4", ``3:30``,
    dates, and sums that are not worked out give no number, and so are wrong. Words (twelve) count where there is no digit.
    Units and percent signs may be left out; see :func:`ace_cli.quantities.numbers.equal`. A truth that
    is no number (see :func:`is_number`) matches nothing.
    """

    name: str = field(default="numeric", init=False)

    def __call__(self, answer: str, truth: str) -> Verdict:
        expected = gsm8k_truth(truth)
        wanted, given = read_number(expected) or answered(expected), answered(answer)
        correct = wanted is not None and given is not None and equal(wanted, given)
        return Verdict(correct, wanted.text if wanted else expected, given.text if given else "", self.name)


def is_number(truth: str) -> bool:
    """Whether ``truth`` is one number, alone or with a currency, a percent sign or a unit of up to three small words."""
    return read_number(gsm8k_truth(truth)) is not None


def answered(answer: str) -> Quantity | None:
    """The quantity that ``answer`` gives as its answer; one without a value where it is in doubt; None without any."""
    if alone := read_number(answer):
        return alone
    text = plain(answer)
    found = _resolved(text, list(quantities(text)))
    starts = [quantity.start for quantity in found]
    for mark in marks(text):
        first, last = bisect_left(starts, mark.start), bisect_right(starts, mark.end)
        inside = found[first:last]
        lead = text[mark.start : inside[0].start] if inside else None
        heading = bool(inside) and mark.kind is Kind.HASHES and _HEADING.match(text, inside[0].end)
        if lead is not None and len(lead) <= 80 and _LEAD.fullmatch(lead) and not heading:
            return _first(text, inside)
        over = min(mark.end, sentence_end(text, _skip(text, mark.start)))
        if (not inside or inside[0].start >= over) and (word := number_in_words(text[mark.start : over])):
            return Quantity(word[0], "", mark.start, over, word[1])
        if mark.kind is Kind.BOX:
            return (
                inside[-1]
                if len(inside) == 1 and "√" not in (lead or "")
                else _in_doubt(text[mark.start : mark.end])
            )
        if mark.kind is Kind.IS:
            inside = found[first : bisect_left(starts, sentence_end(text, mark.start))]
        if inside and mark.kind is not Kind.HASHES:
            return _last(text, inside)
        if not inside and _UNKNOWN.match(text, mark.start):
            return None
    if stated := _STATED.search(text):
        earlier = [quantity for quantity in found if quantity.end <= stated.start() + 1]
        if earlier and earlier[-1].end >= stated.start() - 1:
            return earlier[-1]
    if (
        len(found) == 2
        and _LEAD.fullmatch(text[: found[0].start])
        and (pair := _first(text, found)).value is None
    ):
        return pair  # "12 and 13", "3 x 4"
    if found and (aside := _ASIDE.search(text, max(0, len(text) - 200))) and found[0].end <= aside.start():
        found = [quantity for quantity in found if quantity.end <= aside.start() + 1]  # 18 dollars (9 * 2)
    if found:
        return _last(text, found)
    word = number_in_words(text) if len(text.split()) <= 40 else None
    return Quantity(word[0], "", 0, len(text), word[1]) if word else None


_LEAD = re.compile(
    r"""(?:[\s*_"':=≈~>(\[→$\x02—]
        | (?:that|just|simply|exactly|about|approximately|roughly|around|only|a\ total\ of|equal\ to|equals|is|now|actually|therefore|thus|indeed|at|it's|it\ is|negative|minus)(?![A-Za-z])
        | [A-Za-z]\w{0,12}\s?=
        )*+""",
    re.IGNORECASE | re.VERBOSE,
)
_STATED = re.compile(r" ?is (?:the|my) (?:final |correct |right )?answer(?![A-Za-z])", re.IGNORECASE)
_ASIDE = re.compile(r"(?<=[\w%]) \([^()\n]*\d\s?[-+*/÷=][^()\n]*\)[\s.!*]*$")
_HEADING = re.compile(r"[.):]\s*\**[A-Za-z]")  # "#### 2. Total cost" is a heading, not an answer
_UNKNOWN = re.compile(
    r"[\s:*]*(?:unknown|undetermined|unclear|not |cannot|can't|impossible|n/a|none\b|undefined)",
    re.IGNORECASE,
)
_UNIT_WORDS = r"(?:[\s-]?[A-Za-z%$°/²]+){0,3}?"
_OR = re.compile(
    rf"{_UNIT_WORDS}\s?(?:,?\s?(?:or|to|and|versus|vs\.?)\s+(?:about\s)?|[,;/&~]\s?)$", re.IGNORECASE
)
_OPERATOR = re.compile(rf"{_UNIT_WORDS}\)?\s?[-+*/÷x]\s?[$(]?$", re.IGNORECASE)
_EQUALS = re.compile(r"[=≈]\s?[$(]?$")
_NOT = re.compile(
    r"(?:(?:\bnot|n't|\brather than|\binstead of|\bnor)(?: (?!but)[a-z]+){0,2}|≠|!=) ?$", re.IGNORECASE
)


def _first(text: str, inside: list[Quantity]) -> Quantity:
    """The quantity right after a mark, unless it goes on: "3 + 4 = 7" is 7, "5 or 6" is in doubt."""
    line_end = text.find("\n", inside[0].start)
    line = [quantity for quantity in inside if line_end < 0 or quantity.start < line_end]
    answer = line[0]
    for before, after in pairwise(line):
        between = text[before.end : after.start]
        if len(between) > 40:
            break
        if _EQUALS.search(between) and len(between.split()) <= 4:
            answer = after
        elif _OPERATOR.fullmatch(between):
            answer = _in_doubt(text[answer.start : after.end])
        elif before is line[0] and _OR.fullmatch(between) and not equal(before, after):
            return _in_doubt(text[before.start : after.end])
        else:
            break
    return answer


def _last(text: str, found: list[Quantity]) -> Quantity | None:
    """The last quantity that is not denied ("12, not 15") and not one of two ("between 3 and 4", "5 or 6")."""
    for index in range(len(found) - 1, -1, -1):
        quantity = found[index]
        if _NOT.search(text, max(0, quantity.start - 40), quantity.start):
            continue
        if index:
            between = text[found[index - 1].end : quantity.start]
            lead = text[max(0, found[index - 1].start - 12) : found[index - 1].start]
            either = (
                re.fullmatch(
                    rf"{_UNIT_WORDS}\s?,?\s?or\s+(?:about\s)?(?:[a-z]\s?=\s?)?", between, re.IGNORECASE
                )
                if len(between) <= 40
                else None
            )
            span = (
                re.fullmatch(rf"{_UNIT_WORDS}\s?(?:to|and)\s+", between, re.IGNORECASE)
                if len(between) <= 40
                else None
            )
            if not equal(found[index - 1], quantity) and (
                either
                or (span and re.search(r"\b(?:between|either|both) ?[$]?$", lead, re.IGNORECASE))
                or (between.strip() == "to" and not re.search(r"\bfrom $", lead, re.IGNORECASE))
            ):
                return _in_doubt(text[found[index - 1].start : quantity.end])
        return quantity
    return None


def _resolved(text: str, found: list[Quantity]) -> list[Quantity]:
    """Parts of one quantity (2 hours and 30 minutes, 5 feet 3 inches) put together: it is neither of the two."""
    result: list[Quantity] = []
    for quantity in found:
        earlier = result[-1] if result else None
        if (
            earlier
            and earlier.unit != quantity.unit
            and any(earlier.unit in family and quantity.unit in family for family in FAMILIES)
            and re.fullmatch(r",? ?(?:and )?", text[earlier.end : quantity.start][:8])
        ):
            result[-1] = Quantity(None, "", earlier.start, quantity.end, text[earlier.start : quantity.end])
        else:
            result.append(quantity)
    return result


def _skip(text: str, start: int) -> int:
    match = _LEAD.match(text, start)
    return match.end() if match else start


def _in_doubt(text: str) -> Quantity:
    return Quantity(None, "", 0, 0, text[:200].strip())
