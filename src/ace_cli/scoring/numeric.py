"""The numeric scorer: the number that an answer gives, compared exactly."""

from __future__ import annotations

from ace_cli.quantities.quantity import equal, read_number
from ace_cli.scoring.answered import answered
from ace_cli.scoring.base import Verdict
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
