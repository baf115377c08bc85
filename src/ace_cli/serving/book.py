"""A playbook as it stands on disk at every moment, and the bullets of it that a question needs.

Which ones is decided as in training: with the same settings and the same selection (:mod:`ace_cli.stages.retrieval`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ace_cli.errors import UsageError
from ace_cli.playbook import GENERAL, Bullet, Playbook
from ace_cli.playbook.filters import check_domain
from ace_cli.playbook.render import lines
from ace_cli.playbook.standing import note_of
from ace_cli.runs.opening import FILE
from ace_cli.runs.target import Target, open_target
from ace_cli.settings import Settings
from ace_cli.stages.prompting import fits, limit_of
from ace_cli.stages.retrieval import BulletSelector, Shown, make_selector
from ace_cli.stages.salience import common_words_of

if TYPE_CHECKING:
    from ace_cli.embeddings import Embedder

SettingsFor = Callable[[Playbook], Settings]
_Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class _Loaded:
    """What was on disk, and the selectors of it by the most bullets that are wanted."""

    playbook: Playbook
    settings: Settings
    selectors: dict[int | None, BulletSelector] = field(default_factory=dict)


class Book:
    """The playbook of a file or a run, for reading. It is read again whenever what is on disk has changed.

    Args:
        path: a playbook file, a checkpoint or a run directory.
        settings_for: with which settings a playbook is searched; called whenever it was read.
        everything: quarantined bullets too.

    Raises:
        UsageError: there is none; so do all methods where it is gone or broken by then.
    """

    def __init__(self, path: Path, settings_for: SettingsFor, *, everything: bool = False) -> None:
        target = open_target(path)
        self.path = target.path
        self._settings_for = settings_for
        self._everything = everything
        self._stamp = _stamp(self.path)
        self._loaded = self._load(target)

    @property
    def playbook(self) -> Playbook:
        """The bullets in use, as they stand now."""
        return self._now().playbook

    @property
    def domains(self) -> list[str]:
        return sorted({bullet.domain_id for bullet in self.playbook.bullets})

    async def find(self, question: str, domain: str | None = None, limit: int | None = None) -> Shown:
        """What the Generator would be handed for ``question``; without a domain, of all of them.

        Args:
            limit: at most so many, the nearest ones; by default as in training.

        Raises:
            UsageError: no question, or no such domain.
            ModelError: a provider's embedding model does not answer.
        """
        if not question.strip():
            raise UsageError("the question is empty", "It decides which bullets are handed out.")
        now = self._now()
        bullets = now.playbook.bullets
        if domain is not None:
            if domain != GENERAL:
                check_domain(domain, bullets)
            bullets = tuple(bullet for bullet in bullets if bullet.domain_id in (domain, GENERAL))
        if not bullets:
            return Shown()
        if limit not in now.selectors:
            now.selectors[limit] = _selector(now, limit)
        return await now.selectors[limit].show(bullets, question)

    def bullet(self, bullet_id: str) -> Bullet:
        """The bullet of that id.

        Raises:
            UsageError: there is none, or it is not in use.
        """
        self._now()
        bullet = Target(self.path, self._whole).bullet(bullet_id)
        if bullet.is_quarantined and not self._everything:
            note = note_of(bullet)
            why = f": {note.reason}" if note and note.reason else ""
            raise UsageError(f"bullet {bullet.id} is quarantined{why}", "It is not to be used.")
        return bullet

    def _now(self) -> _Loaded:
        stamp = _stamp(self.path)
        if stamp != self._stamp:
            self._loaded = self._load(open_target(self.path))
            self._stamp = stamp  # that of before: what changes meanwhile is read the next time
        return self._loaded

    def _load(self, target: Target) -> _Loaded:
        try:
            self._whole = target.playbook
        finally:
            if target.run is not None:
                target.run.close()
        playbook = self._whole
        if not self._everything:
            playbook = playbook.with_bullets(b for b in playbook.bullets if not b.is_quarantined)
        return _Loaded(playbook, self._settings_for(playbook))


def _selector(loaded: _Loaded, limit: int | None) -> BulletSelector:
    from ace_cli.embeddings import make_embedder
    from ace_cli.llm.factory import make_embedding_model

    models, training = loaded.settings.models, loaded.settings.training
    most = limit or limit_of(loaded.settings)
    embedder: Embedder = make_embedder(
        models.embedding, make_embedding_model(models.embedding, models).embed, models.embedder_args
    )
    counter = _counter(loaded.playbook.bullets, loaded.settings)
    return make_selector(training, embedder, common_words_of(loaded.playbook), counter, most)


def _counter(bullets: Sequence[Bullet], settings: Settings) -> Callable[[str], int]:
    """Of tokens; of bytes where even these are within the budget, so that no tokenizer is loaded to learn that all fits."""
    if fits(bullets, None, settings.training.context_budget):
        return lambda text: len(text.encode())
    from ace_cli.llm.factory import make_model

    return make_model(settings.models.generator.model).count_tokens


def _stamp(path: Path) -> _Stamp:
    """What tells one state on disk from the next."""
    files = [path / FILE, path / f"{FILE}-wal"] if path.is_dir() else [path]
    stamps = []
    for file in files:
        try:
            found = file.stat()
        except OSError:
            stamps.append((0, 0, 0))
        else:
            stamps.append((found.st_mtime_ns, found.st_size, found.st_ino))
    return tuple(stamps)


def said(shown: Shown) -> str:
    """The bullets as a model reads them."""
    if not shown.bullets:
        return "There is no bullet for this."
    near = ", ".join(bullet.id for bullet in shown.near)
    return lines(shown.bullets) + (f"\nNearest to the question: {near}" if near else "")


def whole_text(playbook: Playbook) -> str:
    """All of it as the Generator reads it; of several domains a labelled text each."""
    from ace_cli.report.formats import FORMATS, Content

    return FORMATS["prompt"].render(Content(playbook, "")).decode()
