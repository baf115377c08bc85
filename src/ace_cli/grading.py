"""Judges: does this answer match the truth?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judge's word: ``expected`` and ``got`` are what was compared, after extraction."""

    correct: bool
    expected: str
    got: str
    judge: str
