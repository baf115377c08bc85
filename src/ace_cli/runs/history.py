"""What happened to each bullet: taught, merged into and cited in a run, edited by hand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ace_cli.playbook import Add, Change, Confirm, Join, Link, Playbook, SetAside, TakeBack, Vote
from ace_cli.playbook.edit import recorded_edits
from ace_cli.runs.records import Merge


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened to a bullet.

    ``kind`` is ``taught``, ``merged``, ``cited``, ``contradicts``, ``joined`` (another bullet was merged into it), ``set aside``, ``taken back`` or ``edited``. ``text`` is the bullet's or a merged insight's wording, the vote
    of a citation, the other bullet, why it was set aside or taken back, or what an editor did. ``batch`` counts from 0 and is None for edits by hand; ``similarity`` is the
    cosine of a merged insight to the bullet, in -1..1.
    """

    kind: str
    at: str
    text: str
    example_id: str = ""
    batch: int | None = None
    section: str = ""
    similarity: float | None = None
    reason: str = ""


History = Mapping[str, Sequence[Moment]]
"""By bullet id, the oldest moment first."""


def history(merges: Iterable[Merge], wanted: Collection[str] | None = None) -> dict[str, list[Moment]]:
    """What a run's merges did, to the bullets of the ids ``wanted`` (default: to all)."""
    found: dict[str, list[Moment]] = {}
    for merge in merges:
        for change in merge.delta.changes:
            for bullet_id, moment in _moments(change, merge.delta.at, merge.batch):
                if wanted is None or bullet_id in wanted:
                    found.setdefault(bullet_id, []).append(moment)
    return found


def _moments(change: Change, at: str, batch: int) -> Iterator[tuple[str, Moment]]:
    """What a change means to a bullet; a dropped insight belongs to none."""
    match change:
        case Add(bullet, example_id):
            yield bullet.id, Moment("taught", at, bullet.content, example_id, batch, bullet.section.value)
        case Confirm(bullet_id, example_id, content, section, similarity, reason):
            yield (
                bullet_id,
                Moment("merged", at, content, example_id, batch, section.value, similarity, reason),
            )
        case Vote(bullet_id, example_id, tag):
            yield bullet_id, Moment("cited", at, tag.value, example_id, batch)
        case Link(one, other, reason):
            yield one, Moment("contradicts", at, other, batch=batch, reason=reason)
            yield other, Moment("contradicts", at, one, batch=batch, reason=reason)
        case SetAside(bullet_id, cause, reason):
            yield bullet_id, Moment("set aside", at, reason, batch=batch, reason=cause)
        case Join(bullet_id, into, reason):
            yield bullet_id, Moment("set aside", at, reason, batch=batch, reason="merged")
            yield into, Moment("joined", at, bullet_id, batch=batch, reason=reason)
        case TakeBack(bullet_id, reason):
            yield bullet_id, Moment("taken back", at, reason, batch=batch)


def edits(bullet_id: str, playbook: Playbook) -> list[Moment]:
    """What people did to a bullet by hand, as its file says."""
    notes = (note for note in recorded_edits(playbook) if note.get("id") == bullet_id)
    return [Moment("edited", str(note.get("at", "")), _told(note)) for note in notes]


def _told(note: Mapping[str, Any]) -> str:
    """``alice: stage shadow -> production``."""
    by, action = note.get("by", "unknown"), note.get("action", "edit")
    if action == "delete":
        return f"{by}: deleted"
    if action == "reword":
        return f"{by}: reworded, was: {note.get('before')}"
    return f"{by}: {action} {note.get('before')} -> {note.get('after')}"
