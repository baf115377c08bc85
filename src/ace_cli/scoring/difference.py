"""How a wrong answer differs from the truth, as far as the two texts tell: the right thing in a form that was not counted."""

from __future__ import annotations

import re
from fractions import Fraction

from ace_cli.quantities.quantity import read_number
from ace_cli.scoring.choice import Choice, option
from ace_cli.scoring.numeric import answered
from ace_cli.scoring.textual import normalised
from ace_cli.scoring.truth import gsm8k_truth

_SCALES = (1_000, 1_000_000, 1_000_000_000, 1_000_000_000_000)
"""Amounts are told in thousands, millions and so on; a factor of ten is as likely a slip."""


def difference(answer: str, truth: str) -> str | None:
    """In what way ``answer`` says ``truth`` (a dataset's) in another form; None where it does not, or the two alone do not tell."""
    truth = gsm8k_truth(truth)
    wanted = read_number(truth)
    if wanted is not None and wanted.value is not None:
        given = answered(answer)
        return None if given is None or given.value is None else _of_numbers(given.value, wanted.value)
    if option(truth):
        return "the letter is right, with more around it" if Choice()(answer, truth).correct else None
    if _compact(answer) == _compact(truth):
        return "differs only in case, spaces or punctuation"
    return None


def _of_numbers(given: Fraction, wanted: Fraction) -> str | None:
    if given == wanted:
        return "the number is right, with another unit or more around it"
    if 0 in (given, wanted):
        return None
    if given / wanted in (100, Fraction(1, 100)):
        return "off by 100: a share for a percentage, or the other way round"
    for scale in _SCALES:
        if given / wanted in (scale, Fraction(1, scale)):
            return f"the digits are right, the number is {scale:,} times too {'large' if given == wanted * scale else 'small'}"
    if _places(given) != _places(wanted) and _rounded_alike(given, wanted):
        return "rounded differently"
    return None


def _compact(text: str) -> str:
    return re.sub(r"[\W_]+", "", normalised(text))


def _places(value: Fraction) -> int:
    """Decimal places, at most 12."""
    return next((places for places in range(12) if (value * 10**places).denominator == 1), 12)


def _rounded_alike(one: Fraction, other: Fraction) -> bool:
    places = min(_places(one), _places(other))
    return abs(one - other) <= Fraction(1, 2 * 10**places)
