"""How a bullet stands to the others: fields of its own in the file, which other tools leave alone.

``contradicts`` is a list of ids: bullets of which at most one can be right beside it. ``set_aside`` says why it is quarantined,
and where it came from:

    {"cause": "failing" | "contradicted" | "merged" | "retired", "reason": str, "bullet": id of the bullet that the reason points at or "",
     "stage": the stage that it had, "at": ISO-8601 UTC}

A bullet that is set aside is kept whole, so that it can be taken back. One that a person quarantined has no such note.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ace_cli.playbook.bullet import Bullet, PlaybookStage

NOTE = "set_aside"

FAILING = "failing"
"""Answers that cite it do worse than answers without it."""
CONTRADICTED = "contradicted"
"""A bullet that says the opposite has more evidence."""
MERGED = "merged"
"""Another one says the same and has its evidence, see :mod:`ace_cli.playbook.joining`."""
RETIRED = "retired"
"""The playbook was larger than it may be."""

CONTRADICTS = "contradicts"


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of a bullet that was set aside; ``stage`` is the one that it had."""

    cause: str
    reason: str
    bullet: str
    stage: PlaybookStage
    at: str


def note_of(bullet: Bullet) -> Note | None:
    """The note of a quarantined bullet; None for others, and where another tool's field has the name."""
    found = bullet.extra.get(NOTE)
    if not bullet.is_quarantined or not isinstance(found, dict):
        return None
    try:
        stage = PlaybookStage(str(found.get("stage")))
    except ValueError:
        stage = PlaybookStage.SHADOW
    cause, reason, other, at = (str(found.get(name, "")) for name in ("cause", "reason", "bullet", "at"))
    return Note(cause, reason, other, stage, at)


def is_aside(bullet: Bullet, cause: str) -> bool:
    """Whether it is set aside for that cause."""
    return bool(bullet.extra) and (note := note_of(bullet)) is not None and note.cause == cause


def set_aside(bullet: Bullet, cause: str, reason: str, other: str = "", *, at: str) -> Bullet:
    """``bullet`` in quarantine, with the reason; one that is quarantined already stays as it is."""
    if bullet.is_quarantined:
        return bullet
    note = {"cause": cause, "reason": reason, "bullet": other, "stage": bullet.stage.value, "at": at}
    return replace(bullet, stage=PlaybookStage.QUARANTINED, extra={**bullet.extra, NOTE: note}, updated_at=at)


def taken_back(bullet: Bullet, *, at: str) -> Bullet:
    """``bullet`` in the stage that it had before it was set aside; any other one stays as it is."""
    note = note_of(bullet)
    return bullet if note is None else replace(released(bullet), stage=note.stage, updated_at=at)


def released(bullet: Bullet) -> Bullet:
    """``bullet`` without the note, for a stage that somebody gives it."""
    return replace(bullet, extra={name: value for name, value in bullet.extra.items() if name != NOTE})


def contradicted_by(bullet: Bullet) -> tuple[str, ...]:
    """The ids of bullets that it contradicts, and that contradict it."""
    found = bullet.extra.get(CONTRADICTS)
    return tuple(i for i in found if isinstance(i, str)) if isinstance(found, list) else ()


def linked(bullet: Bullet, other: str) -> Bullet:
    """``bullet`` with the id of one that it contradicts."""
    known = contradicted_by(bullet)
    return bullet if other in known else replace(bullet, extra={**bullet.extra, CONTRADICTS: [*known, other]})


def mark(bullet: Bullet) -> str:
    """A word or two for a list: ``failing``, ``vs B007`` (which it contradicts); mostly empty."""
    words = []
    if bullet.extra and (note := note_of(bullet)) is not None and note.cause != CONTRADICTED:
        words.append(note.cause)
    elif bullet.is_failing and not bullet.is_quarantined:
        words.append(FAILING)
    if bullet.extra and (against := contradicted_by(bullet)):
        words.append(f"vs {', '.join(against)}")
    return " ".join(words)


def standing(bullet: Bullet) -> str:
    """A bullet's standing in a sentence for whoever looks at it; empty where there is nothing to say."""
    if (note := note_of(bullet)) is not None:
        return f"set aside ({note.cause}): {note.reason}"
    if bullet.is_failing and not bullet.is_quarantined:
        wrong = bullet.harmful_count + bullet.neutral_count
        return f"failing: learned again {bullet.repeats} times, but {wrong} of {bullet.citations} answers that cite it are wrong"
    return ""
