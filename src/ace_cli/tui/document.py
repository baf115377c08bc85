"""The playbook that the browser has open: where it came from, what is known of it, how it is saved."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from ace_cli.errors import AceError, UsageError
from ace_cli.files import write_atomic
from ace_cli.playbook import Bullet, Playbook
from ace_cli.playbook.edit import EditSession
from ace_cli.playbook.formats import dump_playbook, is_playbook_file
from ace_cli.report.terminal.bullet_view import Story
from ace_cli.runs.history import History, edits


@dataclass
class Document:
    """``history`` is what a run's merges did to each bullet (empty for a file).

    ``in_place`` is False for what is not a playbook file of our own form (a run, a checkpoint, another tool's file):
    it can be saved only as a new file.
    """

    path: Path
    playbook: Playbook
    history: History = field(default_factory=dict)
    in_place: bool = True
    session: EditSession = field(init=False)
    _digest: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.session = EditSession(self.playbook)
        self.in_place = self.in_place and is_playbook_file(self.path)
        self._digest = _digest(self.path)

    def suggested_path(self) -> Path:
        """In place where that is possible, else a new file in the working folder."""
        return self.path if self.in_place else Path(f"{self.path.stem}-edited.json")

    def story(self, bullet: Bullet) -> Story:
        past = [*self.history.get(bullet.id, ()), *edits(bullet.id, self.session.result())]
        return Story(bullet, tuple(past))

    def save(self, path: Path) -> None:
        """Write the edited playbook, whole or not at all.

        Raises:
            UsageError: ``path`` may not be replaced. AceError: it cannot be written.
        """
        if self.is_own(path):
            if not self.in_place:
                raise UsageError(f"{path} is not a playbook file of ace's own form", "Save as a new file.")
            if _digest(self.path) != self._digest:
                raise AceError(f"{path} was changed by someone else meanwhile", "Save as a new file.")
        elif path.is_dir():
            raise UsageError(f"{path} is a folder", "Give the name of a file in it.")
        write_atomic(path, dump_playbook(self.session.result()))
        if self.is_own(path):
            self._digest = _digest(self.path)
        self.session.mark_saved()

    def is_own(self, path: Path) -> bool:
        """Whether ``path`` is what was opened."""
        return path.resolve() == self.path.resolve()


def _digest(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:  # a run directory, or gone: compared only with itself
        return b""
