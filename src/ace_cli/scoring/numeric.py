"""The numeric scorer: which of the numbers in an answer is its answer, compared exactly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from ace_cli.quantities.normalize import normalize
from ace_cli.quantities.quantity import Quantity, equal, quantities, read_number
from ace_cli.quantities.words import number_in_words
from ace_cli.scoring.base import Verdict
from ace_cli.scoring.marked import Mark, MarkKind, marks, sentence_end
from ace_cli.scoring.truth import gsm8k_truth


class Numeric:
    """Right if the answer's number is exactly the truth's; there is no tolerance.

    The answer's number is the one at the last mark (``#### 18``, ``\\boxed{18}``, "the answer is 18", ``Answer: 18``,
    ``A: 18``), otherwise the last number of the text. "12, not 15" gives 12; "5 or 6", "5-6", "between 3 and 4", ``3:30``,
    dates, and sums that are not worked out give no number, and so are wrong. Words (twelve) count where there is no digit.
    Units and percent signs may be left out; see :func:`ace_cli.quantities.quantity.equal`. A truth that
    is no number (see :func:`is_number`) matches nothing.
    """

    name = "numeric"

    def __call__(self, answer: str, truth: str) -> Verdict:
        expected = gsm8k_truth(truth)
        wanted, given = answered(expected), answered(answer)
        correct = wanted is not None and given is not None and equal(wanted, given)
        return Verdict(correct, wanted.text if wanted else expected, given.text if given else "", self.name)


def is_number(truth: str) -> bool:
    """Whether ``truth`` is one number, alone or with a currency, a percent sign or a unit of up to three small words."""
    return read_number(gsm8k_truth(truth)) is not None


def answered(answer: str) -> Quantity | None:
    """The quantity that ``answer`` gives as its answer; one without a value where it is in doubt; None without any."""
    if alone := read_number(answer):
        return alone
    text = normalize(answer)
    return next(_readings(text, _joined(text)), None)


def _readings(text: str, found: list[Quantity]) -> Iterator[Quantity | None]:
    """What ``text`` may be taken to answer, the surest reading first; None where it says that there is no answer."""
    for mark in marks(text):
        yield from _at_mark(text, found, mark)
    if stated := _STATED.search(text):  # "18 is the answer"
        earlier = [quantity for quantity in found if quantity.end <= stated.start() + 1]
        if earlier and earlier[-1].end >= stated.start() - 1:
            yield earlier[-1]
    if len(found) == 2 and _LEAD.fullmatch(text[: found[0].start]):
        pair = _first(text, found)
        if pair.value is None:  # "12 and 13", "3 x 4"
            yield pair
    if found:
        aside = _ASIDE.search(text, max(0, len(text) - 200))
        end = aside.start() + 1 if aside else len(text)
        yield _last(text, [quantity for quantity in found if quantity.end <= end] or found)
    elif len(text.split()) <= 40:
        yield from _in_words(text, 0, len(text))


_LEAD = re.compile(
    r"""(?:[\s*_"':=≈~>(\[→$\x02—]
        | (?:that|just|simply|exactly|about|approximately|roughly|around|only|a\ total\ of|equal\ to|equals|is|now|actually|therefore|thus|indeed|at|it's|it\ is|negative|minus)(?![A-Za-z])
        | [A-Za-z]\w{0,12}\s?=
        )*+""",
    re.IGNORECASE | re.VERBOSE,
)
"""What may stand between a mark and the number that it marks."""
_HEADING = re.compile(r"[.):]\s*\**[A-Za-z]")  # "#### 2. Total cost" is a heading, not an answer
_UNKNOWN = re.compile(
    r"[\s:*]*(?:unknown|undetermined|unclear|not |cannot|can't|impossible|n/a|none\b|undefined)",
    re.IGNORECASE,
)


def _at_mark(text: str, found: list[Quantity], mark: Mark) -> Iterator[Quantity | None]:
    """What the mark points at, if it is anything."""
    inside = [quantity for quantity in found if mark.start <= quantity.start <= mark.end]
    lead = text[mark.start : inside[0].start] if inside else ""
    heading = inside and mark.kind is MarkKind.HASHES and _HEADING.match(text, inside[0].end)
    if inside and len(lead) <= 80 and _LEAD.fullmatch(lead) and not heading:
        yield _first(text, inside)
    end = min(mark.end, sentence_end(text, _LEAD.match(text, mark.start).end()))  # type: ignore[union-attr]  # matches nothing as well
    if not inside or inside[0].start >= end:
        yield from _in_words(text, mark.start, end)
    if mark.kind is MarkKind.BOX:
        alone = len(inside) == 1 and "√" not in lead
        yield inside[0] if alone else _in_doubt(text[mark.start : mark.end])
    if mark.kind is MarkKind.IS:
        end = sentence_end(text, mark.start)
        inside = [quantity for quantity in inside if quantity.start < end]
    if inside and mark.kind is not MarkKind.HASHES:
        yield _last(text, inside)
    if not inside and _UNKNOWN.match(text, mark.start):
        yield None


_STATED = re.compile(r" ?is (?:the|my) (?:final |correct |right )?answer(?![A-Za-z])", re.IGNORECASE)

_ASIDE = re.compile(r"(?<=[\w%]) \([^()\n]*\d\s?[-+*/÷=][^()\n]*\)[\s.!*]*$")
"""A last remark that shows how the answer was worked out: 18 dollars (9 * 2)."""


def _in_words(text: str, start: int, end: int) -> Iterator[Quantity]:
    if word := number_in_words(text[start:end]):
        yield Quantity(word[0], None, start, end, word[1])


_UNIT_WORDS = r"(?:[\s-]?[A-Za-z%$°/²]+){0,3}?"
_OR = re.compile(
    rf"{_UNIT_WORDS}\s?(?:,?\s?(?:or|to|and|versus|vs\.?)\s+(?:about\s)?|[,;/&~]\s?)$", re.IGNORECASE
)
_OPERATOR = re.compile(rf"{_UNIT_WORDS}\)?\s?[-+*/÷x]\s?[$(]?$", re.IGNORECASE)
_EQUALS = re.compile(r"[=≈]\s?[$(]?$")


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


_NOT = re.compile(
    r"(?:(?:\bnot|n't|\brather than|\binstead of|\bnor)(?: (?!but)[a-z]+){0,2}|≠|!=) ?$", re.IGNORECASE
)


def _last(text: str, found: list[Quantity]) -> Quantity | None:
    """The last quantity that is not denied ("12, not 15"); one of two is in doubt ("between 3 and 4", "5 or 6")."""
    for before, quantity in zip([*found[-2::-1], None], reversed(found), strict=True):
        if _NOT.search(text, max(0, quantity.start - 40), quantity.start):
            continue
        if before and not equal(before, quantity):
            between, lead = text[before.end : quantity.start], text[max(0, before.start - 12) : before.start]
            if len(between) <= 40 and any(two.fullmatch(between) and at.search(lead) for two, at in _TWO):
                return _in_doubt(text[before.start : quantity.end])
        return quantity
    return None


_TWO = [  # what stands between the two, and what before them; a change from 3 to 4 ends with 4
    (re.compile(pattern, re.IGNORECASE), re.compile(lead, re.IGNORECASE))
    for pattern, lead in [
        (rf"{_UNIT_WORDS}\s?,?\s?or\s+(?:about\s)?(?:[a-z]\s?=\s?)?", ""),
        (rf"{_UNIT_WORDS}\s?(?:to|and)\s+", r"\b(?:between|either|both) ?[$]?$"),
        (r"\s*(?-i:to)\s*", r"^(?!(?s:.*)\bfrom $)"),
    ]
]


def _joined(text: str) -> list[Quantity]:
    """The quantities of ``text``; parts of one (2 hours and 30 minutes, 5 feet 3 inches) are together one without a value."""
    result: list[Quantity] = []
    for quantity in quantities(text):
        earlier = result[-1] if result else quantity
        one, other = earlier.unit, quantity.unit
        parts = one and other and one != other and one.system == other.system
        if parts and _JOINT.fullmatch(text, earlier.end, quantity.start):
            result[-1] = Quantity(None, None, earlier.start, quantity.end, text[earlier.start : quantity.end])
        else:
            result.append(quantity)
    return result


_JOINT = re.compile(r",? ?(?:and )?")


def _in_doubt(text: str) -> Quantity:
    return Quantity(None, None, 0, 0, text[:200].strip())
