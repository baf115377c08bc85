"""Two bullets that say the same become one: evidence and sources are added up, and what was added can be taken off again.

The bullet that gives way is kept, set aside with a pointer. Its note (see :mod:`ace_cli.playbook.standing`) holds under ``added`` what the
other one got from it:

    {"helpful_count", "harmful_count", "neutral_count", "activation_count": int, "sources": [example ids]}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ace_cli.playbook.bullet import Bullet, confidence
from ace_cli.playbook.standing import MERGED, NOTE, note_of, set_aside, taken_back

ADDED = "added"
_COUNTS = ("helpful_count", "harmful_count", "neutral_count", "activation_count")


def joined(bullet: Bullet, into: Bullet, reason: str, *, at: str) -> tuple[Bullet, Bullet]:
    """``bullet`` set aside, and ``into`` with its evidence. That it was taught once more is an activation."""
    counts = {name: getattr(bullet, name) for name in _COUNTS}
    counts["activation_count"] += 1
    sources = [source for source in bullet.sources if source not in into.sources]
    aside = set_aside(bullet, MERGED, reason, into.id, at=at)
    if aside is bullet:  # quarantined already: its evidence stays with it
        return bullet, into
    note = {**aside.extra[NOTE], ADDED: {**counts, "sources": sources}}
    return replace(aside, extra={**aside.extra, NOTE: note}), _with(
        into, counts, (*into.sources, *sources), at
    )


def separated(bullets: Mapping[str, Bullet], bullet: Bullet, *, at: str) -> dict[str, Bullet]:
    """``bullet`` taken back into use; of a merged one, also the other one without what it got from it."""
    changed = {bullet.id: taken_back(bullet, at=at)}
    added, other = _given(bullets, bullet)
    counts = {name: _count(added.get(name)) for name in _COUNTS}
    got = _sources(added)
    while other is not None and added and other.id not in changed:
        less = {name: -number for name, number in counts.items()}
        rest = _with(other, less, tuple(source for source in other.sources if source not in got), at)
        passed_on, next_ = _given(bullets, other)
        if passed_on:  # it was merged itself since, and gave away what it had got
            kept = {name: max(0, _count(passed_on.get(name)) - counts[name]) for name in _COUNTS}
            sources = [source for source in _sources(passed_on) if source not in got]
            note = {**other.extra[NOTE], ADDED: {**kept, "sources": sources}}
            rest = replace(rest, extra={**rest.extra, NOTE: note})
            got = [source for source in got if source in _sources(passed_on)]
        changed[other.id] = rest
        added, other = passed_on, next_
    return changed


def _given(bullets: Mapping[str, Bullet], bullet: Bullet) -> tuple[Mapping[str, Any], Bullet | None]:
    """What a merged bullet gave to the one that stands for it, and that one; nothing and None of any other."""
    note = note_of(bullet)
    if note is None or note.cause != MERGED:
        return {}, None
    added = bullet.extra[NOTE].get(ADDED)
    return added if isinstance(added, dict) else {}, bullets.get(note.bullet)


def _sources(added: Mapping[str, Any]) -> list[str]:
    found = added.get("sources")
    return list(map(str, found)) if isinstance(found, list) else []


def survivor(bullets: Mapping[str, Bullet], bullet_id: str) -> str:
    """The id of the bullet that stands for ``bullet_id``: its own, unless it was merged."""
    seen: set[str] = set()
    while bullet_id in bullets and bullet_id not in seen:
        seen.add(bullet_id)
        note = note_of(bullets[bullet_id])
        if note is None or note.cause != MERGED or note.bullet not in bullets:
            break
        bullet_id = note.bullet
    return bullet_id


def _with(bullet: Bullet, counts: Mapping[str, int], sources: tuple[str, ...], at: str) -> Bullet:
    total = {name: max(0, getattr(bullet, name) + counts[name]) for name in _COUNTS}
    share = confidence(total["helpful_count"], total["harmful_count"])
    changed: dict[str, Any] = {**total, "confidence": share, "sources": sources, "updated_at": at}
    return replace(bullet, **changed)


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
