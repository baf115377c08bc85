"""How a wrong answer differs from the truth, as far as the two texts tell: the right thing in a form that was not counted."""

from __future__ import annotations

import re
from fractions import Fraction

from ace_cli.quantities.quantity import Quantity, read_number
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
        if given is None or given.value is None:
            return None
        return _scaled(given.value, wanted.value) or _rounded(given, wanted)
    if option(truth):
        return "the letter is right, with more around it" if Choice()(answer, truth).correct else None
    if _compact(answer) == _compact(truth):
        return "differs only in case, spaces or punctuation"
    return None


def _scaled(given: Fraction, wanted: Fraction) -> str | None:
    if given == wanted:
        return "the number is right, with another unit or more around it"
    if 0 in (given, wanted):
        return None
    if given / wanted in (100, Fraction(1, 100)):
        return "off by 100: a share for a percentage, or the other way round"
    for scale in _SCALES:
        if given / wanted in (scale, Fraction(1, scale)):
            return f"the digits are right, the number is {scale:,} times too {'large' if given == wanted * scale else 'small'}"
    return None


def _rounded(given: Quantity, wanted: Quantity) -> str | None:
    """Whether the one with fewer decimals, as they are written, is the other one rounded: 12.5 of 12.48, but 6.0 is none of 6.08."""
    if given.value is None or wanted.value is None or 0 in (given.value, wanted.value):
        return None
    places = _places(given), _places(wanted)
    alike = abs(given.value - wanted.value) <= Fraction(1, 2 * 10 ** min(places))
    return "rounded differently" if alike and places[0] != places[1] else None


def _compact(text: str) -> str:
    return re.sub(r"[\W_]+", "", normalised(text))


def _places(number: Quantity) -> int:
    """Decimals as they are written."""
    decimals = re.search(r"\.(\d+)", number.text)
    return len(decimals[1]) if decimals else 0
