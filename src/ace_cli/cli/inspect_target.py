"""What `ace inspect` is pointed at: a playbook file, a checkpoint or a run directory."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ace_cli.errors import UsageError
from ace_cli.playbook import Bullet, Playbook
from ace_cli.playbook.nearest import nearest_ids
from ace_cli.report.text import printable
from ace_cli.runs.history import History, history

if TYPE_CHECKING:
    from ace_cli.runs.reader import RunReader

STORE = "run.sqlite3"


class Target:
    """What was opened; ``run`` is None for a file."""

    def __init__(self, path: Path, source: Playbook | RunReader) -> None:
        self.path = path
        self.run = None if isinstance(source, Playbook) else source
        self._source = source

    @property
    def name(self) -> str:
        """What to call it: the folder's name, or the file's without its ending."""
        return self.path.resolve().name if self.path.is_dir() else self.path.stem

    @cached_property
    def playbook(self) -> Playbook:
        """The file's, or the newest one of the run."""
        if isinstance(self._source, Playbook):
            return self._source
        from ace_cli.training.outputs import trained_playbook

        return trained_playbook(self._source)

    def history(self, wanted: Collection[str] | None = None) -> History:
        """What the run's merges did to these bullets (default: to all); nothing for a file."""
        return history(self.run.merges(), wanted) if self.run is not None else {}

    def bullet(self, bullet_id: str) -> Bullet:
        """The bullet of that id.

        Raises:
            UsageError: there is none; the hint names the nearest ids.
        """
        try:
            return self.playbook.by_id[bullet_id]
        except KeyError:
            near = nearest_ids(bullet_id, self.playbook.by_id)
            hint = f"Nearest: {', '.join(map(printable, near))}." if near else "It has no bullets."
            raise UsageError(f"no bullet {printable(bullet_id)!r} in {self.path}", hint) from None


def open_target(path: Path) -> Target:
    """Read what is at ``path``; a run is opened for reading only, so that its writer goes on undisturbed.

    Raises:
        UsageError: there is nothing, or nothing that `ace` knows.
    """
    if path.name == STORE:
        path = path.parent
    if path.is_dir():
        if not (path / STORE).is_file():
            raise UsageError(f"{path} is a folder, but not of a run (it has no {STORE})", _runs_in(path))
        from ace_cli.runs.reader import RunReader

        return Target(path, RunReader(path))
    from ace_cli.playbook.formats import read_playbook

    return Target(path, read_playbook(path))


def _runs_in(folder: Path) -> str:
    runs = sorted((p.parent for p in folder.glob(f"*/{STORE}")), key=lambda run: run.stat().st_mtime)
    if runs:
        return f"The newest run in it: {runs[-1]}."
    return "Give a playbook file, a checkpoint or a run directory."
