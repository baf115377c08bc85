"""The playbook: an immutable list of bullets with its file header."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from ace_cli.errors import UsageError
from ace_cli.playbook.bullet import GENERAL, Bullet, Section
from ace_cli.playbook.delta import Add, Confirm, Credit, Delta, Join, Link, SetAside, TakeBack, Vote
from ace_cli.playbook.joining import joined, separated
from ace_cli.playbook.standing import linked, set_aside
from ace_cli.text import valid_tree

FORMAT_VERSION = "v1.0.0"


@dataclass(frozen=True)
class Playbook:
    """Bullets in the order in which they were added; ids are unique.

    ``training_config`` says where it came from; ``extra`` holds unknown top-level fields of a file.
    """

    bullets: tuple[Bullet, ...] = ()
    version: str = FORMAT_VERSION
    created_at: str = ""
    training_config: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("created_at", "training_config", "extra"):
            object.__setattr__(self, name, valid_tree(getattr(self, name)))

    def __len__(self) -> int:
        return len(self.bullets)

    @cached_property
    def by_id(self) -> Mapping[str, Bullet]:
        return {bullet.id: bullet for bullet in self.bullets}

    def for_domain(self, domain: str) -> tuple[Bullet, ...]:
        """What an example of ``domain`` may see: its bullets and the general ones, none quarantined."""
        if domain not in self._of_domain:
            wanted = {domain, GENERAL}
            found = (b for b in self.bullets if b.domain_id in wanted and not b.is_quarantined)
            self._of_domain[domain] = tuple(found)
        return self._of_domain[domain]

    @cached_property
    def _of_domain(self) -> dict[str, tuple[Bullet, ...]]:
        """What was found before: every example of a batch asks, and gets the same tuple."""
        return {}

    def next_id_number(self) -> int:
        """The number of the next new bullet: one above the highest ``B<number>`` in use."""
        return 1 + self._highest

    @cached_property
    def _highest(self) -> int:
        return max((id_number(bullet.id) or 0 for bullet in self.bullets), default=0)

    def apply(self, delta: Delta, *, quarantine_min_votes: int = 0) -> Playbook:
        """The next version. Content of a bullet is never rewritten by a merge.

        ``quarantine_min_votes`` is for deltas of :attr:`Credit.OPINION`; in others every quarantine is a change of its own.

        Raises:
            KeyError: the delta names a bullet that is not there (a curator's bug).
            UsageError: it adds an id that is taken.
        """
        growing = GrowingPlaybook(self, quarantine_min_votes)
        growing.apply(delta)
        return growing.playbook()

    def prompt(
        self,
        question: str = "",
        domain: str = GENERAL,
        *,
        model: str = "",
        context_budget: int | None = None,
        max_bullets: int | None = None,
        prompts: Path | None = None,
    ) -> str:
        """What the Generator's system message says of this playbook, to the letter: heading, and the bullets for ``question``.

        So a program of yours can give its model what was trained and measured. Empty where no bullet is for ``domain``.

        Args:
            question: needed where the bullets are more than a prompt gets: the nearest are chosen.
            model: by default the one that the playbook was trained with; it decides wording and limits.
            context_budget, max_bullets: as the settings of that name; by default as in training.
            prompts: a folder with prompt texts of your own.

        Raises:
            UsageError: the question is needed and not there, or something is not available here.
        """
        # A convenience of the value. What it takes (tokenizers, embeddings) stands above it, and is found by name.
        made: str = import_module("ace_cli.stages.prompting").playbook_prompt(
            self,
            question,
            domain,
            model=model,
            context_budget=context_budget,
            max_bullets=max_bullets,
            prompts=prompts,
        )
        return made

    def with_bullets(self, bullets: Iterable[Bullet]) -> Playbook:
        return replace(self, bullets=tuple(bullets))


class GrowingPlaybook:
    """A playbook that many deltas are applied to, one after the other, without a copy for each."""

    def __init__(self, start: Playbook, quarantine_min_votes: int = 0) -> None:
        self._start = start
        self._minimum = quarantine_min_votes
        self._bullets = dict(start.by_id)
        self._highest = start._highest
        self._is_shared = False

    def playbook(self) -> Playbook:
        """As it is now. It takes over what is known by id, so that no version counts all bullets anew."""
        made = self._start.with_bullets(self._bullets.values())
        vars(made).update(by_id=self._bullets, _highest=self._highest)  # its cached properties
        self._is_shared = True
        return made

    def apply(self, delta: Delta) -> None:
        """See :meth:`Playbook.apply`. After an error, part of the delta is applied."""
        if self._is_shared:
            self._bullets, self._is_shared = dict(self._bullets), False
        bullets = self._bullets
        by_opinion = delta.credit is Credit.OPINION
        minimum = self._minimum if by_opinion else 0
        for change in delta.changes:
            match change:
                case Add(bullet):
                    if bullet.id in bullets:
                        raise UsageError(f"the curator added bullet {bullet.id} twice")
                    bullets[bullet.id] = bullet
                    self._highest = max(self._highest, id_number(bullet.id) or 0)
                case Confirm(bullet_id, example_id) if not by_opinion:
                    bullets[bullet_id] = self._known(bullet_id).repeated(at=delta.at, source=example_id)
                case Confirm(bullet_id, example_id):
                    bullets[bullet_id] = self._known(bullet_id).voted(
                        Section.HELPFUL, at=delta.at, source=example_id, quarantine_min_votes=minimum
                    )
                case Vote(bullet_id, _, tag):
                    bullets[bullet_id] = self._known(bullet_id).voted(
                        tag, at=delta.at, quarantine_min_votes=minimum
                    )
                case SetAside(bullet_id, cause, reason, other):
                    bullet = self._known(bullet_id)
                    bullets[bullet_id] = set_aside(bullet, cause, reason, other, at=delta.at)
                case TakeBack(bullet_id):
                    bullets.update(separated(bullets, self._known(bullet_id), at=delta.at))
                case Join(bullet_id, into, reason):
                    pair = joined(self._known(bullet_id), self._known(into), reason, at=delta.at)
                    bullets.update({bullet.id: bullet for bullet in pair})
                case Link(one, other):
                    bullets[one] = linked(self._known(one), other)
                    bullets[other] = linked(self._known(other), one)
                case _:
                    pass  # a Drop is history, and Answers count for decisions to come

    def _known(self, bullet_id: str) -> Bullet:
        if bullet_id not in self._bullets:
            raise UsageError(f"the curator changed bullet {bullet_id}, which is not in the playbook")
        return self._bullets[bullet_id]


def make_id(number: int) -> str:
    """``B001``, ``B002`` ... ``B1000``: sorted by number, not by text, beyond 999."""
    return f"B{number:03d}"


def id_number(bullet_id: str) -> int | None:
    digits = bullet_id[1:]
    if bullet_id[:1] == "B" and digits.isascii() and digits.isdigit():
        return int(digits)
    return None
