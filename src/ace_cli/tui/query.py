"""The browser's filter line: words, and ``domain:``, ``section:``, ``stage:`` and ``conf:`` anywhere among them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

from ace_cli.playbook import PlaybookStage, Section
from ace_cli.playbook.filters import BulletFilter

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
