"""What one merge changes, as data.

A playbook version is its predecessor plus one :class:`Delta`. The run store keeps the deltas, so the
history of every bullet can be read back: who taught it, who cited it, what was merged into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeGuard

from ace_cli.playbook.bullet import Bullet, Section, Tag
from ace_cli.text import ValidText


class Credit(StrEnum):
    """What the counts of a bullet stand for. A run keeps one meaning for life."""

    OUTCOME = "outcome"
    """The verdicts of answers that cited the bullet."""
    OPINION = "opinion"
    """The Reflector's votes, and a helpful one for each insight that repeats the bullet (all runs before there were others)."""


@dataclass(frozen=True, slots=True)
class Add(ValidText):
    """A new bullet, already holding its id. ``reason`` says why it is new although a near one exists."""

    bullet: Bullet
    example_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Confirm(ValidText):
    """An insight that repeats a bullet: the lesson is asked for once more, which says nothing on whether it works.

    Its wording is kept here. In a delta of :attr:`Credit.OPINION` it is a helpful vote as well.
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
    """What one answer that cited a bullet says of it: helpful (it was right), harmful (wrong), neutral (wrong, but the bullet was
    not to blame). In a delta of :attr:`Credit.OPINION`, the Reflector's tag.
    """

    bullet_id: str
    example_id: str
    tag: Tag


@dataclass(frozen=True, slots=True)
class Drop(ValidText):
    """An insight that was not taken up, with the reason (so nothing vanishes without a word).

    ``kind`` is what it is counted under, where that is not the reason: ``vote`` (no insight), ``curator`` (a model's decision).
    """

    example_id: str
    content: str
    section: Section
    reason: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Answers(ValidText):
    """How the batch's answers of one domain did; changes no bullet, but :class:`~ace_cli.playbook.outcomes.Outcomes`.

    ``cited_right`` and ``cited_wrong`` hold the id of a bullet once for each right or wrong answer that cited it.
    """

    domain: str
    right: int
    wrong: int
    cited_right: tuple[str, ...] = ()
    cited_wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetAside(ValidText):
    """A bullet is quarantined for ``cause`` (see :mod:`ace_cli.playbook.standing`); ``other`` is a bullet that the reason points at."""

    bullet_id: str
    cause: str
    reason: str
    other: str = ""


@dataclass(frozen=True, slots=True)
class TakeBack(ValidText):
    """A bullet that was set aside is used again, for ``reason``; ``other`` as in :class:`SetAside`."""

    bullet_id: str
    reason: str
    other: str = ""


@dataclass(frozen=True, slots=True)
class Join(ValidText):
    """A bullet that says the same as ``into``, which takes over its evidence; it is set aside with a pointer."""

    bullet_id: str
    into: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Refined(ValidText):
    """The playbook was gone through for bullets that say the same; ``bullets`` are those that it had."""

    bullets: int


@dataclass(frozen=True, slots=True)
class Link(ValidText):
    """Two bullets contradict each other; ``reason`` says in what. Both keep the other's id."""

    bullet_id: str
    other: str
    reason: str = ""


def refuses(change: Change) -> TypeGuard[Drop]:
    """Whether ``change`` is an insight that was not taken up."""
    return isinstance(change, Drop) and change.kind != "vote"


def refused_for(drop: Drop) -> str:
    """What refusals are counted by: the reason, without what is particular to the one."""
    return {"curator": "the curator dropped it"}.get(drop.kind) or drop.reason.partition(" (")[0]


Change = Add | Confirm | Vote | Drop | Answers | SetAside | TakeBack | Link | Join | Refined


@dataclass(frozen=True, slots=True)
class Delta(ValidText):
    """The changes of one merge, in the order in which they are applied.

    ``at`` is the ISO-8601 time of the merge: the only clock that reaches a bullet. ``credit`` says what its votes mean.
    """

    at: str
    changes: tuple[Change, ...] = ()
    credit: Credit = Credit.OUTCOME
