"""What was measured of a playbook: a note in its file, which exports carry along.

The notes are the list ``evidence`` at the top level of the playbook file, oldest first; each entry is an :class:`Evidence`:

    {"at": ISO-8601 UTC, "model": str, "dataset": str, "against": str, "rows": int, "repeats": int,
     "gain": float, "low": float, "high": float, "min_gain": float, "content": hash of what was measured}

Gains are fractions (0.18: eighteen points), ``low`` and ``high`` the ends of the 95 % interval.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ace_cli.playbook.playbook import Playbook
from ace_cli.playbook.render import line
from ace_cli.text import visible_line

EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """An evaluation that showed a playbook to help. ``against`` is empty where it was compared to none."""

    at: str
    model: str
    dataset: str
    against: str
    rows: int
    repeats: int
    gain: float
    low: float
    high: float
    min_gain: float
    content: str

    def words(self, playbook: Playbook) -> str:
        """One line for whoever gets ``playbook``."""
        than = f"than with {self.against}" if self.against else "than without it"
        repeats = f", {self.repeats} answers each" if self.repeats > 1 else ""
        parts = (
            f"Measured on {self.rows} held-out examples{repeats} of {self.dataset} with {self.model} on {self.at[:10]}: "
            f"{_points(self.gain)} points {than} (95 % interval {_points(self.low)} to {_points(self.high)})."
        )
        changed = (
            "" if content_hash(playbook) == self.content else " What was measured differs from this text."
        )
        return visible_line(parts + changed)


def recorded_evidence(playbook: Playbook) -> tuple[Evidence, ...]:
    """The notes in a playbook file, oldest first; what is not a note of ours is left out, and stays in the file."""
    notes = playbook.extra.get(EVIDENCE)
    return tuple(_read(notes)) if isinstance(notes, list) else ()


def with_evidence(playbook: Playbook, evidence: Evidence) -> Playbook:
    """``playbook`` with one more note."""
    earlier = playbook.extra.get(EVIDENCE, [])
    if not isinstance(earlier, list):  # another tool's field of that name: kept, as the first entry
        earlier = [earlier]
    return replace(playbook, extra={**playbook.extra, EVIDENCE: [*earlier, asdict(evidence)]})


def evidence_words(playbook: Playbook) -> str:
    """The newest note as a sentence or two; empty without any."""
    notes = recorded_evidence(playbook)
    return notes[-1].words(playbook) if notes else ""


def content_hash(playbook: Playbook) -> str:
    """Of what models are given of it: the lines of bullets that are not quarantined, with their domains."""
    shown = sorted(f"{b.domain_id}\x1f{line(b)}" for b in playbook.bullets if not b.is_quarantined)
    return hashlib.blake2b("\x1e".join(shown).encode(), digest_size=16).hexdigest()


def _read(notes: list[Any]) -> Iterator[Evidence]:
    for note in notes:
        try:
            values = {name: _KINDS[field.type](note[name]) for name, field in _FIELDS.items()}
        except (LookupError, TypeError, ValueError, OverflowError):
            continue
        yield Evidence(**values)


_FIELDS = {field.name: field for field in fields(Evidence)}
_KINDS: dict[Any, Any] = {"str": str, "int": int, "float": float}


def _points(share: float) -> str:
    return f"{share * 100:+.0f}"
