"""What one merge changes, as data.

A playbook version is its predecessor plus one :class:`Delta`. The run store keeps the deltas, so the
history of every bullet can be read back: who taught it, who cited it, what was merged into it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ace_cli.playbook.bullet import Bullet, Section, Tag
from ace_cli.text import ValidText


@dataclass(frozen=True, slots=True)
class Add(ValidText):
    """A new bullet, already holding its id. ``reason`` says why it is new although a near one exists."""

    bullet: Bullet
    example_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Confirm(ValidText):
    """An insight that repeats a bullet: one more helpful vote for it, its wording is kept here.

    ``similarity`` is the cosine to the bullet, in -1..1. ``reason`` is what an LLM curator said.
    """

    bullet_id: str
    example_id: str
    content: str
    section: Section
    similarity: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Vote(ValidText):
    """The Reflector's tag on a bullet that the answer cited."""

    bullet_id: str
    example_id: str
    tag: Tag


@dataclass(frozen=True, slots=True)
class Drop(ValidText):
    """An insight that was not taken up, with the reason (so nothing vanishes without a word)."""

    example_id: str
    content: str
    section: Section
    reason: str


Change = Add | Confirm | Vote | Drop


@dataclass(frozen=True, slots=True)
class Delta(ValidText):
    """The changes of one merge, in the order in which they are applied.

    ``at`` is the ISO-8601 time of the merge: the only clock that reaches a bullet.
    """

    at: str
    changes: tuple[Change, ...] = ()
