"""A playbook from whatever a user points at."""

from __future__ import annotations

from pathlib import Path

from ace_cli.errors import UsageError
from ace_cli.playbook import Playbook
from ace_cli.playbook.formats import read_playbook
from ace_cli.runs.folders import is_run
from ace_cli.runs.reader import RunReader


def load_source(path: Path) -> Playbook:
    """The playbook of a run directory (as it stands now), a checkpoint, or a playbook file of any known form.

    Raises:
        UsageError: there is nothing, or nothing that holds a playbook.
    """
    if is_run(path):
        with RunReader(path) as run:
            return run.playbook()
    if path.is_dir():
        raise UsageError(
            f"{path} is a folder without a run", "Name a playbook file, a checkpoint or a run directory."
        )
    return read_playbook(path)
