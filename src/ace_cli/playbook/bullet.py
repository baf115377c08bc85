"""One lesson of a playbook."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from operator import itemgetter
from typing import Any

from ace_cli.errors import UsageError
from ace_cli.text import ValidText

GENERAL = "general"
"""The domain whose bullets every example sees."""


class Section(StrEnum):
    """What kind of lesson a bullet is (not how it did: that is what its votes say)."""

    HELPFUL = "helpful"
    HARMFUL = "harmful"
    NEUTRAL = "neutral"


Tag = Section
"""A vote on a cited bullet has the same three values."""


class PlaybookStage(StrEnum):
    """Where a bullet stands on its way to production."""

    SHADOW = "shadow"
    PRODUCTION = "production"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Bullet(ValidText):
    """A short, reusable lesson with its votes. Never changed in place.

    ``sources`` are the ids of the examples that taught it. ``extra`` holds the fields of a file
    that this version does not know; they are written back as they came.
    """

    id: str
    content: str
    domain_id: str = GENERAL
    section: Section = Section.HELPFUL
    stage: PlaybookStage = PlaybookStage.SHADOW
    activation_count: int = 0
    confidence: float = 0.5
    helpful_count: int = 0
    harmful_count: int = 0
    neutral_count: int = 0
    sources: tuple[str, ...] = ()
    created_at: str = ""
    updated_at: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_quarantined(self) -> bool:
        return self.stage is PlaybookStage.QUARANTINED

    def voted(self, tag: Tag, *, at: str, source: str | None = None, quarantine_min_votes: int = 0) -> Bullet:
        """The bullet after one more activation that voted ``tag``.

        Args:
            tag: the vote.
            at: ISO-8601 time of the vote.
            source: an example that taught the same lesson again, kept in ``sources``.
            quarantine_min_votes: the bullet is quarantined when harmful votes outnumber helpful
                ones and both together are at least this many; 0 never quarantines.
        """
        helpful = self.helpful_count + (tag is Section.HELPFUL)
        harmful = self.harmful_count + (tag is Section.HARMFUL)
        quarantined = bool(
            quarantine_min_votes and harmful > helpful and helpful + harmful >= quarantine_min_votes
        )
        sources = self.sources
        if source is not None and source not in sources:
            sources = (*sources, source)
        return replace(
            self,
            helpful_count=helpful,
            harmful_count=harmful,
            neutral_count=self.neutral_count + (tag is Section.NEUTRAL),
            activation_count=self.activation_count + 1,
            confidence=confidence(helpful, harmful),
            stage=PlaybookStage.QUARANTINED if quarantined else self.stage,
            sources=sources,
            updated_at=at,
        )

    def to_dict(self) -> dict[str, Any]:
        """The bullet as it stands in a playbook file."""
        row: dict[str, Any] = {name: getattr(self, name) for name in _KNOWN}
        row["section"] = self.section.value
        row["stage"] = self.stage.value
        row["sources"] = list(self.sources)
        row.update(self.extra)
        return row

    @classmethod
    def from_dict(cls, row: object, where: str = "bullet") -> Bullet:
        """Read a bullet of a playbook file: only ``id`` and ``content`` are required.

        A missing ``confidence`` is computed from the votes.

        Raises:
            UsageError: naming ``where`` and the field.
        """
        if not isinstance(row, dict):
            raise UsageError(f"{where} is {_name(row)}, not an object")
        if quick := _as_written(row):
            return quick
        for name in ("id", "content"):
            if name not in row:
                raise UsageError(f"{where} has no {name!r}", "Every bullet needs an id and a content.")
        values: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for name, value in row.items():
            reader = _READERS.get(name)
            if reader is None:
                extra[name] = value
            elif value is not None:
                values[name] = reader(value, where, name)
        for name in ("id", "content"):
            if not values.get(name, "").strip():
                raise UsageError(f"{where}: {name!r} is empty")
        if "confidence" not in values:
            values["confidence"] = confidence(values.get("helpful_count", 0), values.get("harmful_count", 0))
        return cls(**values, extra=extra)


def confidence(helpful: int, harmful: int) -> float:
    """Laplace's rule of succession over the votes, rounded to 4 places."""
    return round((helpful + 1) / (helpful + harmful + 2), 4)


def _name(value: object) -> str:
    return "null" if value is None else type(value).__name__


def _text(value: object, where: str, name: str) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{where}: {name!r} is {_name(value)}, not text")
    return value


def _count(value: object, where: str, name: str) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise UsageError(f"{where}: {name!r} is {value!r:.60}, not a count (0, 1, 2 ...)")
    return value


def _share(value: object, where: str, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError(f"{where}: {name!r} is {value!r:.60}, not a number")
    if not 0 <= value <= 1:
        raise UsageError(f"{where}: {name!r} is {value!r:.60}, not between 0 and 1")
    return float(value)


def _section(value: object, where: str, name: str) -> Section:
    section = _SECTIONS.get(_text(value, where, name))
    if section is None:
        raise UsageError(f"{where}: {name!r} is {value!r:.60}", f"Allowed: {', '.join(_SECTIONS)}.")
    return section


def _stage(value: object, where: str, name: str) -> PlaybookStage:
    stage = _STAGES.get(_text(value, where, name))
    if stage is None:
        raise UsageError(f"{where}: {name!r} is {value!r:.60}", f"Allowed: {', '.join(_STAGES)}.")
    return stage


def _ids(value: object, where: str, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise UsageError(f"{where}: {name!r} is not a list of texts")
    return tuple(value)


_SECTIONS = {section.value: section for section in Section}
_STAGES = {stage.value: stage for stage in PlaybookStage}
_READERS = {
    "id": _text,
    "content": _text,
    "domain_id": _text,
    "section": _section,
    "stage": _stage,
    "activation_count": _count,
    "confidence": _share,
    "helpful_count": _count,
    "harmful_count": _count,
    "neutral_count": _count,
    "sources": _ids,
    "created_at": _text,
    "updated_at": _text,
}
_KNOWN = [f.name for f in fields(Bullet) if f.name != "extra"]
_KNOWN_VALUES = itemgetter(*_KNOWN)
_KNOWN_TYPES = (str, str, str, str, str, int, float, int, int, int, list, str, str)


def _as_written(row: Mapping[str, Any]) -> Bullet | None:
    """A sound row that has every field, as our own files do, in a third of the time; else None."""
    try:
        values = _KNOWN_VALUES(row)
    except KeyError:
        return None
    if tuple(map(type, values)) != _KNOWN_TYPES:
        return None
    id_, content, domain, section, stage, active, share, helpful, harmful, neutral, sources, made, changed = (
        values
    )
    sound = (
        section in _SECTIONS
        and stage in _STAGES
        and 0 <= share <= 1
        and min(active, helpful, harmful, neutral) >= 0
        and max(active, helpful, harmful, neutral) < 2**63
        and id_.strip()
        and content.strip()
        and all(type(source) is str for source in sources)
    )
    if not sound:
        return None
    extra = {} if len(row) == len(values) else {key: row[key] for key in row if key not in _READERS}
    return Bullet(
        id_,
        content,
        domain,
        _SECTIONS[section],
        _STAGES[stage],
        active,
        share,
        helpful,
        harmful,
        neutral,
        tuple(sources),
        made,
        changed,
        extra,
    )
