"""What the page tells of a run, beside the bullets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ace_cli.runs.records import CurvePoint, Usage


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened to a bullet.

    ``kind`` is ``added``, ``confirmed`` (an insight that said the same), or the vote: ``helpful``, ``harmful``,
    ``neutral``. ``text`` is the insight's wording; ``similarity`` its cosine to the bullet, in -1..1.
    """

    batch: int
    kind: str
    example_id: str
    text: str = ""
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run, ready to be shown.

    ``summary`` and ``settings`` are (label, value) pairs, shown in order. ``curve`` has one point a batch. ``usage`` is by role,
    ``failures`` by kind: (example id, error). ``history`` is by bullet id, oldest moment first.
    """

    summary: Sequence[tuple[str, str]] = ()
    settings: Sequence[tuple[str, str]] = ()
    curve: Sequence[CurvePoint] = ()
    usage: Mapping[str, Usage] = field(default_factory=dict)
    failures: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    history: Mapping[str, Sequence[Moment]] = field(default_factory=dict)
