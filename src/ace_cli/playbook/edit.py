"""Changing a playbook by hand, with undo and with a note in the file of who changed what.

The note is the list ``edits`` at the top level of the playbook file, oldest first; each entry is

    {"at": ISO-8601 UTC, "by": login name, "id": bullet id, "action": "stage" | "reword" | "delete",
     "before": ..., "after": ...}

``before`` and ``after`` are stages for ``stage``, wordings for ``reword``; for ``delete`` the whole bullet and null.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from ace_cli.clock import now as utc_now
from ace_cli.errors import UsageError
from ace_cli.playbook.bullet import Bullet, PlaybookStage
from ace_cli.playbook.joining import separated
from ace_cli.playbook.playbook import Playbook
from ace_cli.playbook.standing import released

EDITS = "edits"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change by hand, as it stands in the file."""

    at: str
    by: str
    id: str
    action: str
    before: Any
    after: Any


def login_name() -> str:
    """The user's login name; ``unknown`` where the system has none."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"


def recorded_edits(playbook: Playbook) -> list[dict[str, Any]]:
    """The notes in a playbook file, oldest first; what is not a note of ours is left out."""
    notes = playbook.extra.get(EDITS)
    return [note for note in notes if isinstance(note, dict)] if isinstance(notes, list) else []


class EditSession:
    """A playbook under the editor's hands. Nothing is written before :meth:`result` is saved."""

    def __init__(
        self, playbook: Playbook, *, by: str | None = None, now: Callable[[], str] = utc_now
    ) -> None:
        self.by = by or login_name()
        self._now = now
        self._versions: list[tuple[Playbook, tuple[Edit, ...]]] = [(playbook, ())]
        self._saved = self._versions[0]

    @property
    def playbook(self) -> Playbook:
        return self._versions[-1][0]

    @property
    def edits(self) -> tuple[Edit, ...]:
        """What was changed since the playbook was opened, oldest first."""
        return self._versions[-1][1]

    @property
    def is_dirty(self) -> bool:
        """Whether there is anything that was not saved."""
        return self._versions[-1] is not self._saved

    @property
    def unsaved(self) -> tuple[tuple[Edit, ...], tuple[Edit, ...]]:
        """What was done since the last save, and what was saved then but is taken back now."""
        saved, now = self._saved[1], self.edits
        same = 0
        while same < min(len(saved), len(now)) and saved[same] is now[same]:
            same += 1
        return now[same:], saved[same:]

    def set_stage(self, bullet_id: str, stage: PlaybookStage) -> bool:
        """Move a bullet to ``stage``; False if it is there already. What it was set aside for no longer counts.

        One that was merged takes its evidence back.
        """
        return self._change(bullet_id, "stage", "stage", stage)

    def reword(self, bullet_id: str, content: str) -> bool:
        """Give a bullet another wording; False if it is the same.

        Raises:
            UsageError: the new wording is empty.
        """
        if not content.strip():
            raise UsageError(f"{bullet_id} would have no wording", "Delete the bullet instead.")
        return self._change(bullet_id, "reword", "content", content.strip())

    def delete(self, bullet_id: str) -> None:
        bullet = self.playbook.by_id[bullet_id]
        rest = tuple(b for b in self.playbook.bullets if b is not bullet)
        self._add(rest, Edit(self._now(), self.by, bullet_id, "delete", bullet.to_dict(), None))

    def undo(self) -> Edit | None:
        """Take back the newest edit and return it; None if there is none."""
        if len(self._versions) == 1:
            return None
        return self._versions.pop()[1][-1]

    def result(self) -> Playbook:
        """The edited playbook with the new notes behind those of earlier sessions."""
        if not self.edits:
            return self.playbook
        earlier = self.playbook.extra.get(EDITS, [])
        if not isinstance(earlier, list):  # another tool's field of that name: kept, as the first entry
            earlier = [earlier]
        notes = [*earlier, *(asdict(edit) for edit in self.edits)]
        return replace(self.playbook, extra={**self.playbook.extra, EDITS: notes})

    def mark_saved(self) -> None:
        self._saved = self._versions[-1]

    def _change(self, bullet_id: str, action: str, field: str, value: str) -> bool:
        bullet, at = self.playbook.by_id[bullet_id], self._now()
        before = getattr(bullet, field)
        if before == value:
            return False
        others = separated(self.playbook.by_id, bullet, at=at) if field == "stage" else {}
        kept = released(bullet) if field == "stage" else bullet
        changed = {**others, bullet_id: replace(kept, **{field: value}, updated_at=at)}  # type: ignore[arg-type]
        bullets = tuple(changed.get(b.id, b) for b in self.playbook.bullets)
        self._add(bullets, Edit(at, self.by, bullet_id, action, str(before), str(value)))
        return True

    def _add(self, bullets: tuple[Bullet, ...], edit: Edit) -> None:
        self._versions.append((self.playbook.with_bullets(bullets), (*self.edits, edit)))
