"""The browser's filter line: words, and ``domain:``, ``section:``, ``stage:`` and ``conf:`` anywhere among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar

from ace_cli.playbook import Bullet, PlaybookStage, Section
from ace_cli.playbook.filters import BulletFilter, haystack

_Kind = TypeVar("_Kind", bound=StrEnum)

HELP = "words  domain:NAME  section:harmful  stage:shadow  conf:0.8"


def parse_query(text: str, *, sort: str = "") -> BulletFilter:
    """What is typed so far as a filter. The start of a value is enough (``stage:prod``); what fits no field
    is searched for as a word, so that no key press is an error.
    """
    fields: dict[str, Any] = {}
    words = []
    for part in text.split():
        name, _, value = part.partition(":")
        found = _field(name.casefold(), value)
        if found is None:
            words.append(part)
        else:
            fields[found[0]] = found[1]
    return BulletFilter(search=" ".join(words), sort=sort, **fields)


class Finder:
    """Filters the same bullets again and again, within a key press: their text is folded only once."""

    def __init__(self) -> None:
        self._bullets: Sequence[Bullet] = ()
        self._folded: dict[str, str] = {}
        self._domains: set[str] = set()

    def find(self, bullets: Sequence[Bullet], text: str, *, sort: str = "") -> tuple[Bullet, ...]:
        """What :func:`parse_query` asks for of ``bullets``; the start of a domain's name is enough."""
        if bullets is not self._bullets:
            self._bullets = bullets
            self._folded = {bullet.id: haystack(bullet) for bullet in bullets}
            self._domains = {bullet.domain_id for bullet in bullets}
        wanted = parse_query(text, sort=sort)
        if (start := wanted.domain) is not None and start not in self._domains:  # still being typed
            bullets = [bullet for bullet in bullets if bullet.domain_id.startswith(start)]
            wanted = replace(wanted, domain=None)
        return wanted.apply(bullets, text=lambda bullet: self._folded[bullet.id])


def _field(name: str, value: str) -> tuple[str, Any] | None:
    match name:
        case "domain" if value:
            return "domain", value
        case "section" if section := _starting(Section, value):
            return "section", section
        case "stage" if stage := _starting(PlaybookStage, value):
            return "stage", stage
        case "conf":
            try:
                share = float(value)
            except ValueError:
                return None
            return ("min_confidence", share) if 0 <= share <= 1 else None
        case _:
            return None


def _starting(kinds: type[_Kind], start: str) -> _Kind | None:
    return next((kind for kind in kinds if start and kind.value.startswith(start.casefold())), None)
