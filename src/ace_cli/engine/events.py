"""What happens in a run, as typed events. The core emits them; whoever wants to show or log them listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ace_cli.runs.records import CurvePoint, PhaseKind, Purpose, State, Usage


@dataclass(frozen=True, slots=True)
class PlannedRole:
    """What a role will take, roughly. ``cost_usd`` is None when the model's price is unknown."""

    role: str
    model: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class RunPlanned:
    """What a new run will take, told before its first call.

    ``examples`` of the ``rows`` that the dataset holds (None where that is not known); ``asked_for`` is how many the user wanted,
    None where nobody said. ``defaults`` are the roles whose model nobody chose. ``cost_usd`` is None where a price is unknown.
    """

    dataset: str
    examples: int
    rows: int | None
    asked_for: int | None
    roles: tuple[PlannedRole, ...]
    defaults: tuple[str, ...]
    calls: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class RunStarted:
    """``done`` of ``total`` examples (counted over all epochs) were recorded before this session. ``hosts`` get its calls, with a key.

    Of an evaluation, ``total`` counts answers and ``batches`` how often each example is answered.
    """

    run_dir: str
    total: int
    batches: int
    epochs: int
    done: int
    correct: int
    failed: int
    playbook_size: int
    usage: Usage
    resumed: bool
    hosts: tuple[str, ...] = ()
    purpose: Purpose = Purpose.TRAIN
    finished: bool = False
    """Nothing is left to do but to write files that are missing."""


@dataclass(frozen=True, slots=True)
class BatchStarted:
    batch: int
    epoch: int
    size: int
    done: int


@dataclass(frozen=True, slots=True)
class CallStarted:
    role: str
    in_flight: int


@dataclass(frozen=True, slots=True)
class CallFinished:
    """``ok`` is False for a call that gave no reply. ``usage`` is the whole run's, after it."""

    role: str
    in_flight: int
    ok: bool
    usage: Usage


@dataclass(frozen=True, slots=True)
class ConcurrencyChanged:
    """At most ``limit`` calls are in flight from now on, and why; it was ``before``."""

    before: int
    limit: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReplyReused:
    """A reply came from the cache of earlier runs: nobody was called. ``usage`` is the whole run's, after it."""

    role: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class RetryScheduled:
    """A call failed in a way that may pass; the next try is in ``wait`` seconds."""

    role: str
    kind: str
    attempt: int
    wait: float
    message: str


@dataclass(frozen=True, slots=True)
class ExampleFinished:
    """``replayed``: it was on record, nothing was asked."""

    example_id: str
    step: int
    batch: int
    correct: bool
    failure: str
    error: str
    seconds: float
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class BatchMerged:
    point: CurvePoint


@dataclass(frozen=True, slots=True)
class VersionValidated:
    """A version of the playbook has answered all ``rows`` held-out examples; ``kind``: those that choose, or those that judge."""

    kind: PhaseKind
    version: int
    rows: int
    correct: int
    failed: int


@dataclass(frozen=True, slots=True)
class LessonsTried:
    """So many new ``lessons`` of a batch were tried, on so many ``answers`` in all; ``kept`` of them helped."""

    batch: int
    lessons: int
    kept: int
    answers: int


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    path: str
    examples_seen: int


@dataclass(frozen=True, slots=True)
class Stopping:
    """The run takes no further examples; those in flight may finish for ``grace`` seconds."""

    reason: str
    in_flight: int
    grace: float


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a user should know that is no failure."""

    message: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The last event; the run is finished, stopped or failed. ``notes`` say whether the playbook was seen to help, a sentence each."""

    state: State
    reason: str
    run_dir: str
    playbook_path: str
    metrics_path: str
    examples: int
    correct: int
    failed: int
    accuracy: float
    playbook_size: int
    seconds: float
    usage: Usage
    by_role: dict[str, Usage]
    curve: tuple[CurvePoint, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvaluationFinished:
    """The last event of an evaluation: ``done`` of ``planned`` answers are on record."""

    state: State
    reason: str
    run_dir: str
    planned: int
    done: int
    failed: int
    seconds: float
    usage: Usage
    by_role: dict[str, Usage]


@dataclass(frozen=True, slots=True)
class RunWithdrawn:
    """The last event of a new run to which no reply came at all: it is taken back, there is nothing to go on with."""

    reason: str
    run_dir: str


Event = (
    RunPlanned
    | RunStarted
    | BatchStarted
    | CallStarted
    | CallFinished
    | ConcurrencyChanged
    | ReplyReused
    | RetryScheduled
    | ExampleFinished
    | BatchMerged
    | VersionValidated
    | LessonsTried
    | CheckpointSaved
    | Stopping
    | Notice
    | RunFinished
    | EvaluationFinished
    | RunWithdrawn
)
Listener = Callable[[Event], None]
