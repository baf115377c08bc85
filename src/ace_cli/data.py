"""Examples and where they come from."""

from __future__ import annotations

from dataclasses import dataclass

from ace_cli.playbook import GENERAL


@dataclass(frozen=True, slots=True)
class Example:
    """One row of a dataset: a question with its known answer."""

    id: str
    question: str
    answer: str
    domain: str = GENERAL
    context: str = ""
