"""How the versions of a playbook did on held-out examples, which one is kept, and what judged it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import PhaseKind, Split, State


@dataclass(frozen=True, slots=True)
class Validated:
    """A version of the playbook on all examples of a split; failed ones count as wrong.

    ``examples_seen`` had been trained on. ``same_as`` is the version whose answers stand for this one's: the same would
    have been asked.
    """

    version: int
    examples_seen: int
    playbook_size: int
    rows: int
    correct: int
    failed: int
    same_as: int | None = None

    @property
    def accuracy(self) -> float:
        return round(self.correct / self.rows, 6)

    def to_dict(self) -> dict[str, Any]:
        """For scripts: plain JSON."""
        return asdict(self) | {"accuracy": self.accuracy}


@dataclass(frozen=True, slots=True)
class Validation:
    """What validation said of a run.

    Attributes:
        rows, judging: examples that choose, and that judge.
        keep: ``best`` or ``last``.
        patience: validations without a better version that end the training; None: it goes to the end.
        versions: those validated in full so far, in their order; the first is the start.
        newest: the number of the newest version.
        judged: the start and the kept version on the judging examples; empty before the end, or where the two are the same.
    """

    rows: int
    judging: int
    keep: str
    patience: int | None
    versions: Sequence[Validated]
    newest: int
    judged: Sequence[Validated] = ()

    @property
    def best(self) -> Validated | None:
        """The version with most right answers; of equals the earliest. The first one is the start."""
        return max(self.versions, key=lambda one: (one.correct, -one.version), default=None)

    @property
    def kept(self) -> int:
        """The version that is written at the end."""
        return self.newest if self.keep == "last" or self.best is None else self.best.version

    @property
    def is_spent(self) -> bool:
        """Whether the training is to end, since so many versions were no better than one before."""
        if self.patience is None or self.best is None:
            return False
        return sum(one.version > self.best.version for one in self.versions) >= self.patience

    def to_dict(self) -> dict[str, Any]:
        """For scripts: plain JSON."""
        return {
            "examples": self.rows,
            "judging_examples": self.judging,
            "keep": self.keep,
            "patience": self.patience,
            "chosen": self.kept,
            "versions": [one.to_dict() for one in self.versions],
            "judged": [one.to_dict() for one in self.judged],
        }

    def accuracy_after(self, batch: int) -> float | None:
        """Of the version that the merge of ``batch`` made, where it was validated."""
        return next((one.accuracy for one in self.versions if one.version == batch + 1), None)


def validation(run: RunReader) -> Validation | None:
    """Read it from the records, as they stand; None for a run without validation examples."""
    rows = run.example_count(Split.VALIDATION)
    if not rows:
        return None
    identity, judging = run.header().identity, run.example_count(Split.JUDGEMENT)
    points = list(run.curve())
    seen = {0: (0, len(run.header().base_playbook))}
    seen |= {point.batch + 1: (point.examples_seen, point.playbook_size) for point in points}
    patience = identity.get("validation.patience")
    found = Validation(
        rows=rows,
        judging=judging,
        keep=str(identity.get("validation.keep", "best")),
        patience=None if patience is None else int(patience),
        versions=_read(run, PhaseKind.VALIDATION, rows, seen),
        newest=max(seen),
    )
    judged = [one for one in _read(run, PhaseKind.JUDGEMENT, judging, seen) if one.version in (0, found.kept)]
    return replace(found, judged=tuple(judged) if len(judged) == 2 else ())


def kept_version(run: RunReader) -> int | None:
    """The playbook version that a finished run handed over; None for the newest."""
    if run.state().state is not State.FINISHED or (found := validation(run)) is None:
        return None
    return found.kept


def _read(
    run: RunReader, kind: PhaseKind, rows: int, seen: Mapping[int, tuple[int, int]]
) -> tuple[Validated, ...]:
    """The versions of which every example is on record."""
    phases = {phase.id: phase for phase in run.phase_records() if phase.kind == kind}
    found = []
    for phase in sorted(phases.values(), key=lambda phase: phase.version or 0):
        version, source = phase.version or 0, phases.get(phase.same_as or -1)
        done, correct, failed = run.counts(phase.id if source is None else source.id)
        if done == rows and version in seen:
            same = None if source is None else source.version
            found.append(Validated(version, *seen[version], rows, correct, failed, same))
    return tuple(found)
