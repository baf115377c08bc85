"""What a scorer is, and what it says of an answer."""

from __future__ import annotations

import math
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from ace_cli.text import ValidText


@dataclass(frozen=True, slots=True)
class Verdict(ValidText):
    """A scorer's word.

    Attributes:
        correct: whether the answer is right: what accuracy and votes count.
        expected, got: what was compared, after extraction.
        scorer: the name of the scorer that decided.
        credit: how right it is, from 0 to 1, where a scorer gives partial credit; else 1 if it is correct and 0 if not.

    Raises:
        ValueError: the credit is not between 0 and 1.
    """

    correct: bool
    expected: str
    got: str
    scorer: str
    credit: float = math.nan  # set from ``correct``

    def __post_init__(self) -> None:
        ValidText.__post_init__(self)
        if math.isnan(self.credit):
            object.__setattr__(self, "credit", float(self.correct))
        elif not 0 <= self.credit <= 1:
            raise ValueError(f"the credit of a verdict is from 0 to 1, not {self.credit!r}")


class Scorer(Protocol):
    """Decides whether ``answer`` (a model's text) matches ``truth`` (a dataset's).

    The built-in scorers are pure functions of the two: the same texts give the same verdict, on any machine, and no text
    makes them raise. One that asks a model or a service is an ``async def __call__``; what it raises
    fails that one example. ``name`` stands in every verdict.
    """

    @property
    def name(self) -> str: ...

    def __call__(self, answer: str, truth: str) -> Verdict | Awaitable[Verdict]: ...
