"""What a judge says, and what a judge is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ace_cli.text import ValidText


@dataclass(frozen=True, slots=True)
class Verdict(ValidText):
    """A judge's word: ``expected`` and ``got`` are what was compared, after extraction."""

    correct: bool
    expected: str
    got: str
    judge: str


class Scorer(Protocol):
    """Decides whether ``answer`` (a model's text) matches ``truth`` (a dataset's).

    A judge is a pure function of the two: the same texts give the same verdict, on any machine, and no
    text makes it raise. ``name`` stands in every verdict.
    """

    @property
    def name(self) -> str: ...

    def __call__(self, answer: str, truth: str) -> Verdict: ...
