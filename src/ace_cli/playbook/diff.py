"""What changed between two playbooks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ace_cli.playbook.bullet import Bullet
from ace_cli.playbook.playbook import Playbook

FIELDS = (
    "id",
    "content",
    "domain_id",
    "section",
    "stage",
    "helpful_count",
    "harmful_count",
    "neutral_count",
    "activation_count",
    "confidence",
    "sources",
    "extra",
)
"""What is compared. Times are not: a bullet that differs in nothing else has not changed."""


@dataclass(frozen=True, slots=True)
class BulletChange:
    """One bullet before and after; ``fields`` names what differs, in the order of ``FIELDS``."""

    before: Bullet
    after: Bullet
    fields: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """``{"id", "fields": {name: {"before", "after"}}}``, ``id`` as it is now."""
        before, after = (
            bullet.to_dict() | {"extra": dict(bullet.extra)} for bullet in (self.before, self.after)
        )
        values = {name: {"before": before[name], "after": after[name]} for name in self.fields}
        return {"id": self.after.id, "fields": values}


@dataclass(frozen=True, slots=True)
class PlaybookDiff:
    """Added and changed bullets in the order of the newer playbook, removed ones in that of the older."""

    added: tuple[Bullet, ...]
    removed: tuple[Bullet, ...]
    changed: tuple[BulletChange, ...]
    unchanged: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "added": [bullet.to_dict() for bullet in self.added],
            "removed": [bullet.to_dict() for bullet in self.removed],
            "changed": [change.to_dict() for change in self.changed],
            "unchanged": self.unchanged,
        }


def diff(before: Playbook, after: Playbook) -> PlaybookDiff:
    """Pair the bullets of two playbooks and compare the pairs.

    A bullet is the same one if its id and wording are, else if its wording is (a renumbered bullet),
    else if its id is (a reworded one).
    """
    old = list(before.bullets)
    new_to_old: dict[int, Bullet] = {}
    left = dict(enumerate(after.bullets))

    for key in _PAIRINGS:
        # The first of equals is paired first, so order decides between bullets of the same wording.
        waiting: dict[object, list[int]] = {}
        for position, bullet in reversed(left.items()):
            waiting.setdefault(key(bullet), []).append(position)
        unpaired = []
        for bullet in old:
            if positions := waiting.get(key(bullet)):
                position = positions.pop()
                new_to_old[position] = bullet
                del left[position]
            else:
                unpaired.append(bullet)
        old = unpaired

    changed = []
    for position, earlier in sorted(new_to_old.items()):
        bullet = after.bullets[position]
        if fields := tuple(name for name in FIELDS if getattr(earlier, name) != getattr(bullet, name)):
            changed.append(BulletChange(earlier, bullet, fields))
    return PlaybookDiff(
        added=tuple(left.values()),
        removed=tuple(old),
        changed=tuple(changed),
        unchanged=len(new_to_old) - len(changed),
    )


_PAIRINGS: tuple[Callable[[Bullet], object], ...] = (
    lambda bullet: (bullet.id, bullet.content),
    lambda bullet: (bullet.domain_id, bullet.content),
    lambda bullet: bullet.id,
)
