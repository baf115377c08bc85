"""Do two lessons say the same? What is asked, what is answered, and the Protocol that a replacement must fit.

What an implementer may rely on:

* A Sameness is used for a whole run, from one event loop, never concurrently.
* ``compare`` is called at most once a merge, with every pair that the merge needs to know about: each insight beside
  the nearest bullets of its domain and beside the earlier insights of its batch. So a model needs one call a batch.
* An insight with the very words of a bullet repeats it unasked. Nor are two texts asked about whose cosine is below
  ``reach``.
* The same pairs must get the same judgements: a run that is resumed merges again and must come to the same
  playbook. A model is called through ``ask``, which has every reply on record before it returns it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ace_cli.replies import Ask


class Relation(StrEnum):
    """How one lesson stands to another. Only ``SAME`` merges; in doubt, an insight becomes a bullet."""

    SAME = "same"
    CONTRADICTS = "contradicts"
    DIFFERENT = "different"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Pair:
    """An insight and a lesson that it may repeat, of one domain; ``similarity`` is their cosine, in -1..1."""

    new: str
    known: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """How ``new`` stands to ``known``; ``reason`` says in a few words why not the same (a user reads it).

    ``sure``: no model need be asked, not even by a curator that asks about whatever is near.
    """

    relation: Relation
    reason: str = ""
    sure: bool = False


class Sameness(Protocol):
    reach: float
    """The cosine below which two texts are different without asking."""

    async def compare(self, pairs: Sequence[Pair], ask: Ask | None) -> Sequence[Judgement]:
        """One judgement a pair, in their order. ``ask`` is the curator's model; None where none is set."""
        ...
