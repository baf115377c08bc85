"""What a user points at: a playbook file, a checkpoint or a run directory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from ace_cli.errors import UsageError
from ace_cli.playbook import Bullet, Playbook
from ace_cli.playbook.formats import read_playbook
from ace_cli.playbook.nearest import nearest_ids
from ace_cli.playbook.playbook import id_number
from ace_cli.runs.folders import runs_called
from ace_cli.runs.history import History, history
from ace_cli.runs.opening import FILE
from ace_cli.runs.reader import RunReader
from ace_cli.runs.validated import kept_version
from ace_cli.settings import DEFINITIONS
from ace_cli.stages.salience import COMMON_WORDS, MOST_QUESTIONS, common_words


class Target:
    """What was opened; ``run`` is None for a file."""

    def __init__(self, path: Path, source: Playbook | RunReader) -> None:
        self.path = path
        self.run = source if isinstance(source, RunReader) else None
        self._source = source

    @property
    def name(self) -> str:
        """What to call it: the folder's name, or the file's without its ending."""
        return self.path.resolve().name if self.run is not None else self.path.stem

    @cached_property
    def playbook(self) -> Playbook:
        """The file's, or that of the run as it stands now."""
        return trained_playbook(self._source) if isinstance(self._source, RunReader) else self._source

    def history(self, wanted: Collection[str] | None = None) -> History:
        """What the run's merges did to these bullets (default: to all); nothing for a file."""
        return history(self.run.merges(), wanted) if self.run is not None else {}

    def bullet(self, bullet_id: str) -> Bullet:
        """The bullet of that id; ``b12`` is ``B012`` where no other bullet can be meant.

        Raises:
            UsageError: there is none; the hint names the nearest ids.
        """
        known = self.playbook.by_id
        number = id_number(bullet_id.upper())
        alike = [i for i in known if i.casefold() == bullet_id.casefold()]
        alike += [i for i in known if number is not None and id_number(i) == number and i not in alike]
        try:
            return known[bullet_id if bullet_id in known or len(alike) != 1 else alike[0]]
        except KeyError:
            near = nearest_ids(bullet_id, self.playbook.by_id)
            hint = f"Nearest: {', '.join(near)}." if near else "It has no bullets."
            raise UsageError(f"no bullet {bullet_id!r} in {self.path}", hint) from None


def open_target(path: Path) -> Target:
    """Read what is at ``path``; a run is opened for reading only, so that its writer goes on undisturbed.

    Where nothing of that name is, it may be the end of the name of a run.

    Raises:
        UsageError: there is nothing, or nothing that `ace` knows.
    """
    if path.name == FILE:
        path = path.parent
    if len(path.parts) == 1 and not path.exists() and len(called := runs_called(str(path))) == 1:
        path = called[0]
    if (path / FILE).is_file():
        return Target(path, RunReader(path))
    if path.is_dir():
        raise UsageError(f"{path} is a folder, but not of a run (it has no {FILE})", _runs_in(path))
    return Target(path, read_playbook(path))


def load_source(path: Path) -> Playbook:
    """The playbook of what is at ``path``.

    Raises:
        UsageError: there is nothing, or nothing that holds a playbook.
    """
    target = open_target(path)
    try:
        return target.playbook
    finally:
        if target.run is not None:
            target.run.close()


def trained_playbook(run: RunReader, playbook: Playbook | None = None) -> Playbook:
    """The run's playbook (as it stands, or the one given) with the header that its file gets; of an evaluation, what it measures."""
    header = run.header()
    if run.evaluation() is not None:
        return header.base_playbook
    return replace(
        run.playbook(kept_version(run)) if playbook is None else playbook,
        created_at=header.created_at,
        training_config=training_config(run),
    )


RETRIEVAL = "training.retrieval"

_ALWAYS = 15
"""Settings of later places stand in a header only where they were changed: files of older versions stay what they are."""


def training_config(run: RunReader) -> dict[str, Any]:
    """Where a playbook came from: identity settings only, so that it does not depend on how it was run."""
    header = run.header()
    listed = sorted((d.in_header, d.path) for d in DEFINITIONS.values() if d.in_header is not None)
    config = {
        DEFINITIONS[path].name: header.identity.get(path)
        for place, path in listed
        if place < _ALWAYS
        or header.identity.get(path, DEFINITIONS[path].default) != DEFINITIONS[path].default
    }
    return {
        "num_examples": run.example_count(),
        **config,
        "dataset_hash": header.dataset_hash,
        "ace_version": header.ace_version,
        **({COMMON_WORDS: list(common)} if (common := question_words(run)) else {}),
    }


def question_words(run: RunReader) -> tuple[str, ...]:
    """What many questions of the run hold, of its first examples, so that an extension changes nothing; none where it looks at whole texts."""
    if run.header().identity.get(RETRIEVAL, DEFINITIONS[RETRIEVAL].earlier) != "words":
        return ()
    return _common_words_of(run)


@lru_cache(maxsize=1)
def _common_words_of(run: RunReader) -> tuple[str, ...]:
    """Read once: whoever trains asks for them at the start, for its checkpoints and at the end."""
    start, stop = run.segments()[0]
    return common_words(
        run.example(index).question for index in range(start, min(stop, start + MOST_QUESTIONS))
    )


def _runs_in(folder: Path) -> str:
    runs = sorted((p.parent for p in folder.glob(f"*/{FILE}")), key=lambda run: run.stat().st_mtime)
    if runs:
        return f"The newest run in it: {runs[-1]}."
    return "Give a playbook file, a checkpoint or a run directory."
