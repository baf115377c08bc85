"""Why a bullet is set aside, and where it came from: a note in its file, beside stage ``quarantined``.

The note is the field ``set_aside`` of the bullet, which other tools leave alone:

    {"cause": "failing", "reason": str, "bullet": id of the bullet that the reason points at or "",
     "stage": the stage that it had, "at": ISO-8601 UTC}

A bullet that is set aside is kept whole, so that it can be taken back. One that a person quarantined has no note.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ace_cli.playbook.bullet import Bullet, PlaybookStage

NOTE = "set_aside"

FAILING = "failing"
"""Answers that cite it do worse than answers without it."""


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


def set_aside(bullet: Bullet, cause: str, reason: str, other: str = "", *, at: str) -> Bullet:
    """``bullet`` in quarantine, with the reason; one that is quarantined already stays as it is."""
    if bullet.is_quarantined:
        return bullet
    note = {"cause": cause, "reason": reason, "bullet": other, "stage": bullet.stage.value, "at": at}
    return replace(bullet, stage=PlaybookStage.QUARANTINED, extra={**bullet.extra, NOTE: note}, updated_at=at)


def without_note(extra: dict[str, Any]) -> dict[str, Any]:
    """The extra fields of a bullet that is taken back."""
    return {name: value for name, value in extra.items() if name != NOTE}


def standing(bullet: Bullet) -> str:
    """A bullet's standing in a sentence for whoever looks at it; empty where there is nothing to say."""
    if (note := note_of(bullet)) is not None:
        return f"set aside ({note.cause}): {note.reason}"
    if bullet.is_failing and not bullet.is_quarantined:
        wrong = bullet.harmful_count + bullet.neutral_count
        return f"failing: learned again {bullet.repeats} times, but {wrong} of {bullet.citations} answers that cite it are wrong"
    return ""
