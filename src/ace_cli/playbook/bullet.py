"""One lesson of a playbook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from ace_cli.errors import UsageError
from ace_cli.text import ValidText, is_valid

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

    ``sources`` are the ids of the examples that taught it. The counts are of answers that cited it: right ones (helpful), wrong ones
    (harmful), and wrong ones that it is not to blame for (neutral); ``activation_count`` is these and how often it was learned
    again. ``extra`` holds the fields of a file that not every tool knows: they are written back as they came, and
    :mod:`ace_cli.playbook.standing` reads some of them.
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

    def __post_init__(self) -> None:
        texts = (self.id, self.content, self.domain_id, self.created_at, self.updated_at, *self.sources)
        if self.extra or not is_valid("".join(texts)):  # one look does for nearly all of a large playbook
            ValidText.__post_init__(self)

    @property
    def is_quarantined(self) -> bool:
        return self.stage is PlaybookStage.QUARANTINED

    @property
    def citations(self) -> int:
        """Answers that cited it."""
        return self.helpful_count + self.harmful_count + self.neutral_count

    @property
    def repeats(self) -> int:
        """How often it was learned again. (In files whose counts are votes that is among the helpful ones, and this is 0.)"""
        return max(0, self.activation_count - self.citations)

    @property
    def is_failing(self) -> bool:
        """Learned again and again, while the answers that cite it are wrong more often than right."""
        wrong = self.harmful_count + self.neutral_count
        return wrong >= 2 and wrong > self.helpful_count and self.repeats >= 2

    def repeated(self, *, at: str, source: str) -> Bullet:
        """The bullet after an insight of example ``source`` that says the same: asked for once more, no vote."""
        sources = self.sources if source in self.sources else (*self.sources, source)
        return replace(self, activation_count=self.activation_count + 1, sources=sources, updated_at=at)

    def voted(self, tag: Tag, *, at: str, source: str | None = None, quarantine_min_votes: int = 0) -> Bullet:
        """The bullet after one more activation that voted ``tag``.

        Args:
            tag: the vote.
            at: ISO-8601 time of the vote.
            source: an example that taught the same lesson again, kept in ``sources``.
            quarantine_min_votes: where counts are opinions: the bullet is quarantined when harmful votes outnumber helpful
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
        row: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__ if name != "extra"}
        row |= {"section": self.section.value, "stage": self.stage.value, "sources": list(self.sources)}
        return row | dict(self.extra)

    @classmethod
    def from_dict(cls, row: object, where: str = "bullet") -> Bullet:
        """Read a bullet of a playbook file: only ``id`` and ``content`` are required, null stands for missing.

        A missing ``confidence`` is computed from the votes.

        Raises:
            UsageError: naming ``where`` and the field.
        """
        if not isinstance(row, dict):
            raise UsageError(f"{where} is {_described(row)}, not an object")
        for name in _REQUIRED:
            if name not in row:
                raise UsageError(f"{where} has no {name!r}", "Every bullet needs an id and a content.")
        values = _DEFAULTS | row
        unknown = len(values) > len(_DEFAULTS)
        extra = {name: values.pop(name) for name in row if name not in _DEFAULTS} if unknown else {}
        if tuple(map(type, values.values())) != _TYPES:  # not all is as our own files have it
            values = {name: _typed(value, name, where) for name, value in values.items()}
        for name in _REQUIRED:
            if not values[name].strip():
                raise UsageError(f"{where}: {name!r} is empty")
        if not values["id"].isprintable():
            raise UsageError(f"{where}: 'id' is {values['id']!r:.80}, which is not one printable line")
        for name, allowed in _WORDS.items():
            word = values[name]
            if word not in allowed:
                raise UsageError(f"{where}: {name!r} is {word!r:.60}", f"Allowed: {', '.join(allowed)}.")
            values[name] = allowed[word]
        for name in _COUNTS:
            if not 0 <= values[name] < 2**63:
                raise UsageError(f"{where}: {name!r} is {values[name]!r:.60}, not a count (0, 1, 2 ...)")
        share = values["confidence"]
        if share is None:
            share = confidence(values["helpful_count"], values["harmful_count"])
        elif not 0 <= share <= 1:
            raise UsageError(f"{where}: 'confidence' is {share!r:.60}, not between 0 and 1")
        values["confidence"] = float(share)
        for source in values["sources"]:
            if not isinstance(source, str):
                raise UsageError(f"{where}: 'sources' is not a list of texts")
        values["sources"] = tuple(values["sources"])
        return cls(**values, extra=extra)


def confidence(helpful: int, harmful: int) -> float:
    """Laplace's rule of succession over the votes, rounded to 4 places."""
    return round((helpful + 1) / (helpful + harmful + 2), 4)


def _typed(value: object, name: str, where: str) -> Any:
    """The value of a field in the type that it has here.

    Raises:
        UsageError: it has none of that kind.
    """
    kind = _KINDS[name]
    if value is None:
        return _DEFAULTS[name]
    if not isinstance(value, bool):  # to Python, true is 1
        if isinstance(value, kind) or (kind is float and isinstance(value, int)):
            return value
        if kind is int and isinstance(value, float) and value.is_integer():
            return int(value)
    expected = {str: "text", int: "a count (0, 1, 2 ...)", float: "a number", list: "a list of texts"}[kind]
    found = _described(value) if kind in (str, list) else f"{value!r:.60}"
    raise UsageError(f"{where}: {name!r} is {found}, not {expected}")


def _described(value: object) -> str:
    return "null" if value is None else type(value).__name__


_WORDS: dict[str, dict[str, StrEnum]] = {
    "section": {section.value: section for section in Section},
    "stage": {stage.value: stage for stage in PlaybookStage},
}
_REQUIRED = ("id", "content")
_COUNTS = ("activation_count", "helpful_count", "harmful_count", "neutral_count")
_BLANK = Bullet("", "").to_dict()
_KINDS = {name: type(value) for name, value in _BLANK.items()}
_TYPES = tuple(_KINDS.values())
_DEFAULTS = _BLANK | {"confidence": None}
