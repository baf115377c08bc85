"""Which bullets, in which order: one filter for ``ace inspect``, its browser and ``ace export``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ace_cli.errors import UsageError
from ace_cli.playbook.bullet import GENERAL, Bullet, PlaybookStage, Section
from ace_cli.playbook.playbook import id_number
from ace_cli.text import visible_line

_Key = Callable[[Bullet], Any]


def by_id(bullet: Bullet) -> tuple[bool, int, str]:
    """``B2`` before ``B10``; other ids after those, by text."""
    number = id_number(bullet.id)
    return number is None, number or 0, bullet.id


def best_first(bullet: Bullet) -> tuple[float, int, int]:
    """The order of merit: confidence, then activations, then helpful votes."""
    return -bullet.confidence, -bullet.activation_count, -bullet.helpful_count


SORT_KEYS: dict[str, _Key] = {
    "id": by_id,
    "best": best_first,
    "confidence": lambda b: -b.confidence,
    "activations": lambda b: -b.activation_count,
    "helpful": lambda b: -b.helpful_count,
    "harmful": lambda b: -b.harmful_count,
    "domain": lambda b: b.domain_id,
    "section": lambda b: b.section.value,
    "stage": lambda b: b.stage.value,
    "created": lambda b: b.created_at,
    "updated": lambda b: b.updated_at,
    "length": lambda b: -len(b.content),
}
"""What ``--sort`` takes. Numbers sort largest first, texts and times in their natural order."""


@dataclass(frozen=True, slots=True)
class BulletFilter:
    """What a user asks of a list of bullets; the default asks for nothing.

    ``and_general`` lets the general bullets stay beside those of ``domain``, as in the Generator's prompt. ``search`` holds words that must all occur in the id, the content or the domain, whatever their case.
    ``include_quarantined=False`` leaves quarantined bullets out, unless ``stage`` asks for just those.
    ``top`` keeps the best bullets, in the order that they have; ``sort`` is a name in :data:`SORT_KEYS`
    ("" keeps the file's order); ``limit`` cuts the list at the very end.

    Raises:
        UsageError: an unknown sort key, or a number out of its range.
    """

    domain: str | None = None
    and_general: bool = False
    section: Section | None = None
    stage: PlaybookStage | None = None
    min_confidence: float = 0.0
    min_activations: int = 0
    search: str = ""
    include_quarantined: bool = True
    top: int | None = None
    sort: str = ""
    reverse: bool = False
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.sort and self.sort not in SORT_KEYS:
            raise UsageError(f"cannot sort by {self.sort!r:.60}", f"Allowed: {', '.join(SORT_KEYS)}.")
        if not 0 <= self.min_confidence <= 1:
            raise UsageError(f"the least confidence is {self.min_confidence}, not between 0 and 1")
        for name in ("min_activations", "top", "limit"):
            number = getattr(self, name)
            if number is not None and number < 0:
                raise UsageError(f"{name.replace('_', '-')} is {number}: it cannot be negative")

    def apply(
        self, bullets: Iterable[Bullet], *, text: Callable[[Bullet], str] | None = None
    ) -> tuple[Bullet, ...]:
        """The bullets that pass, in the order asked for.

        ``text`` is what the words of a search are looked for in, for callers that have it at hand; see :func:`haystack`.
        """
        found = list(bullets)
        for test in self._tests(text or haystack):
            found = list(filter(test, found))
        if self.top is not None:
            best = sorted(range(len(found)), key=lambda i: best_first(found[i]))[: self.top]
            found = [found[i] for i in sorted(best)]
        if self.sort:
            found.sort(key=SORT_KEYS[self.sort])
        if self.reverse:
            found.reverse()
        return tuple(found[: self.limit])

    def _tests(self, text: Callable[[Bullet], str]) -> Iterator[Callable[[Bullet], bool]]:
        if self.domain is not None:
            domains = {self.domain, GENERAL} if self.and_general else {self.domain}
            yield lambda b: b.domain_id in domains
        if self.section is not None:
            yield lambda b: b.section is self.section
        if self.stage is not None:
            yield lambda b: b.stage is self.stage
        elif not self.include_quarantined:
            yield lambda b: not b.is_quarantined
        if self.min_confidence:
            yield lambda b: b.confidence >= self.min_confidence
        if self.min_activations:
            yield lambda b: b.activation_count >= self.min_activations
        if words := self.search.casefold().split():
            yield lambda b: all(map(text(b).__contains__, words))


def check_domain(domain: str, bullets: Sequence[Bullet]) -> None:
    """A filter by a domain that no bullet has is a typo.

    Raises:
        UsageError: the hint names the nearest domain, and all of them.
    """
    known = sorted({bullet.domain_id for bullet in bullets})
    if not bullets or domain in known:
        return
    near = get_close_matches(domain, known, n=1)
    meant = f"Did you mean {visible_line(near[0])}? " if near else ""
    named = ", ".join(map(visible_line, known[:_DOMAINS_NAMED]))
    more = f" and {len(known) - _DOMAINS_NAMED:,} more" if len(known) > _DOMAINS_NAMED else ""
    raise UsageError(f"no bullet has the domain {visible_line(domain)!r}", f"{meant}There is: {named}{more}.")


_DOMAINS_NAMED = 50


def haystack(bullet: Bullet) -> str:
    """What the words of a search are looked for in, whatever their case."""
    return f"{bullet.id}\n{bullet.domain_id}\n{bullet.content}".casefold()
