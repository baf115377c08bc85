"""The one reading of a run: how it stands, what it took, how it grew. All that shows or sums up a run draws from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ace_cli.redact import redact
from ace_cli.runs import lock
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import TRAINING, CurvePoint, Purpose, SessionRecord, Standing, State, Usage
from ace_cli.runs.validated import Validation, validation

_Row = TypeVar("_Row", tuple[str, float], tuple[str, float, int])


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A run as it stands; of a damaged one, little more than that it is.

    ``planned`` counts the examples over all epochs (of an evaluation, the answers of all arms), ``done`` those recorded so far, the unmerged included. ``usage`` is by
    role, ``curve`` has one point a merge, ``validation`` is None without validation examples, ``failures`` are (example id, error) by kind. ``seconds`` are those of work, over
    all sessions. ``slowest`` are (example id, seconds), ``most_expensive`` (example id, US dollars, tokens). ``identity`` and
    ``runtime`` are settings by dotted path, without what only their owner should see.
    """

    run_dir: Path
    state: State
    reason: str = ""
    purpose: Purpose = Purpose.TRAIN
    created_at: str = ""
    identity: Mapping[str, Any] = field(default_factory=dict)
    runtime: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, int] = field(default_factory=dict)
    planned: int = 0
    done: int = 0
    correct: int = 0
    failed: int = 0
    seconds: float = 0.0
    sessions: Sequence[SessionRecord] = ()
    usage: Mapping[str, Usage] = field(default_factory=dict)
    initial_size: int = 0
    curve: Sequence[CurvePoint] = ()
    validation: Validation | None = None
    failures: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    slowest: Sequence[tuple[str, float]] = ()
    most_expensive: Sequence[tuple[str, float, int]] = ()

    @property
    def accuracy(self) -> float | None:
        """Correct ones among all attempted, failed ones included; None before the first, and of an evaluation, which has several."""
        return self.correct / self.done if self.done and self.purpose is Purpose.TRAIN else None

    @property
    def refused(self) -> dict[str, int]:
        """Insights that were not taken up, by reason, the most frequent first."""
        total: Counter[str] = Counter()
        for point in self.curve:
            total.update(point.refused)
        return dict(sorted(total.items(), key=lambda pair: (-pair[1], pair[0])))

    @property
    def bill(self) -> Usage:
        """What all roles together took."""
        return Usage.sum(self.usage.values())

    @property
    def playbook_size(self) -> int:
        """Of the playbook as it stands; at the end, of the version that is kept."""
        if self.validation is not None and self.state is State.FINISHED:
            sizes = {point.batch + 1: point.playbook_size for point in self.curve}
            return sizes.get(self.validation.kept, self.initial_size)
        return self.curve[-1].playbook_size if self.curve else self.initial_size

    @property
    def settings(self) -> dict[str, Any]:
        return {**self.identity, **self.runtime}

    @property
    def chosen(self) -> dict[str, Any]:
        """The settings that somebody chose, rather than left as they were."""
        return {path: value for path, value in self.settings.items() if self.origins.get(path)}

    def to_dict(self) -> dict[str, Any]:
        """For scripts: plain JSON."""
        return {
            "run": str(self.run_dir),
            "state": self.state,
            "reason": self.reason,
            "kind": self.purpose,
            "created_at": self.created_at,
            "settings": self.settings,
            "examples": {
                "planned": self.planned,
                "done": self.done,
                "correct": self.correct,
                "failed": self.failed,
                "accuracy": self.accuracy,
            },
            "seconds": self.seconds,
            "sessions": [asdict(session) for session in self.sessions],
            "usage": {role: asdict(usage) for role, usage in self.usage.items()},
            "curve": [asdict(point) for point in self.curve],
            "refused": self.refused,
            **({} if self.validation is None else {"validation": self.validation.to_dict()}),
            "failures": {
                kind: [{"example": example, "error": error} for example, error in found]
                for kind, found in self.failures.items()
            },
            "slowest": [{"example": example, "seconds": seconds} for example, seconds in self.slowest],
            "most_expensive": [
                {"example": example, "cost_usd": cost, "tokens": tokens}
                for example, cost, tokens in self.most_expensive
            ],
        }


def overview(run: RunReader, earlier: Overview | None = None) -> Overview:
    """Read it; a run that goes on is read as it stands.

    ``earlier`` is an earlier look at the same run, whose merges need not be read again.
    """
    header, standing = run.header(), _standing(run)
    curve = tuple(earlier.curve) if earlier is not None else ()
    curve += tuple(run.curve(after=curve[-1].batch if curve else -1))
    evaluation = run.evaluation()
    times = int(header.identity["training.epochs"]) if evaluation is None else evaluation.answers
    phases = [TRAINING] if evaluation is None else [phase for phase in run.phases() if phase != TRAINING]
    counts = [run.counts(phase) for phase in phases]
    return Overview(
        run_dir=run.run_dir,
        state=standing.state,
        reason=standing.reason,
        created_at=header.created_at,
        identity=_harmless(header.identity),
        runtime=_harmless(run.runtime()),
        origins=header.origins,
        purpose=Purpose.TRAIN if evaluation is None else Purpose.EVAL,
        planned=run.example_count() * times,
        done=sum(done for done, _, _ in counts),
        correct=sum(correct for _, correct, _ in counts),
        failed=sum(failed for _, _, failed in counts),
        seconds=run.seconds(),
        sessions=run.sessions(),
        usage=run.usage(),
        initial_size=len(header.base_playbook),
        curve=curve,
        validation=validation(run),
        failures=_failures(run, phases),
        slowest=_most(
            [
                (episode.example_id, episode.seconds)
                for phase in phases
                for episode in run.slowest(phase=phase)
            ]
        ),
        most_expensive=_most([row for phase in phases for row in run.most_expensive(phase=phase)]),
    )


def _failures(run: RunReader, phases: Iterable[int]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for phase in phases:
        for kind, rows in run.failures(phase).items():
            found.setdefault(kind, []).extend(rows)
    return found


def _most(rows: list[_Row], limit: int = 5) -> list[_Row]:
    """Those of several phases with most of what they count (after the example's id)."""
    return sorted(rows, key=lambda row: row[1:], reverse=True)[:limit]


def _standing(run: RunReader) -> Standing:
    """What the store says, unless the process that should tell more is gone."""
    standing = run.state()
    if standing.state is State.RUNNING and not lock.is_held(run.run_dir):
        standing = run.state()  # it may have ended between the two looks
        if standing.state is State.RUNNING:
            return Standing(State.CRASHED, "its process is gone")
    return standing


def _harmless(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Without a password in an address, or whatever else looks like a key."""
    return {
        path: redact(value) if isinstance(value, str) else value for path, value in sorted(settings.items())
    }
