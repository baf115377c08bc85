"""What the run store keeps, as typed records. The engine writes them and `ace inspect` reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from ace_cli.llm.base import ChatReply
from ace_cli.playbook import Delta, Playbook
from ace_cli.scoring import Verdict
from ace_cli.stages.base import Attempt, Reflection
from ace_cli.text import ValidText


class State(StrEnum):
    """How a run stands. The store knows four of these; that a process is gone or a store broken is seen from outside."""

    RUNNING = "running"
    CRASHED = "crashed"
    STOPPED = "stopped"
    FAILED = "failed"
    FINISHED = "finished"
    DAMAGED = "damaged"

    @property
    def is_resumable(self) -> bool:
        return self in (State.CRASHED, State.STOPPED, State.FAILED)


@dataclass(frozen=True, slots=True)
class Standing:
    """A run's state and, where there is one, the reason for it."""

    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """What a run keeps for life. Values are plain JSON, by dotted path of the setting."""

    created_at: str
    ace_version: str
    identity: Mapping[str, Any]
    origins: Mapping[str, int]
    prompts: Mapping[str, str]
    base_playbook: Playbook
    dataset_hash: str
    source: Mapping[str, Any]


TRAINING = 0
"""The phase in which a playbook is trained. Every phase counts its steps from 0 and shares no reply with another."""


class PhaseKind(StrEnum):
    """What a phase is for."""

    TRAINING = "training"
    TRYOUT = "tryout"
    """New lessons of a batch are tried before they are kept."""
    VALIDATION = "validation"
    """A playbook version answers the validation rows, from which the best version is chosen. See :meth:`number`."""
    JUDGEMENT = "judgement"
    """The chosen version, or the one at the start, answers rows that had no part in the choice."""
    EVALUATION = "evaluation"

    def number(self, version: int) -> int:
        """The phase of a playbook version's validation or judgement, or of a batch's try-out: above whatever others count for themselves."""
        return _FIRST[self] + version


_FIRST = {PhaseKind.VALIDATION: 1_000_000, PhaseKind.JUDGEMENT: 2_000_000, PhaseKind.TRYOUT: 3_000_000}


@dataclass(frozen=True, slots=True)
class PhaseRecord:
    """What a phase is for.

    ``version`` is the playbook version that all its examples saw; None where they saw several (training), or none of this run.
    ``same_as`` is the phase whose results stand for this one, since the same would have been asked.
    """

    id: int
    kind: str
    version: int | None = None
    same_as: int | None = None


class Split(StrEnum):
    """What an example of a run is for."""

    TRAINING = "training"
    VALIDATION = "validation"
    """Chooses the best version of the playbook."""
    JUDGEMENT = "judgement"
    """Judges the chosen one."""


class Purpose(StrEnum):
    """What a run is for."""

    TRAIN = "train"
    EVAL = "eval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a run of `ace eval` compares. The run's initial playbook is the one that is measured; its examples are held out.

    Attributes:
        name: of what is measured, as the user calls it; empty for a baseline, which measures no playbook.
        dataset: where the rows are from, as the user calls it.
        against_name, against: what it is compared to; None stands for no playbook.
        repeats: answers to each example, in each arm.
        min_gain: the gain that is asked for, as a fraction.
        ablate: so many bullets are left out in a third arm, chosen when the first two are done.
        promote: the playbook file that gets stage production if it is shown to help; empty for none.
        overlap: rows that were left out since the playbook was trained on them.
        notes: what a reader of the report must know, one sentence each.
    """

    name: str = ""
    dataset: str = ""
    against_name: str = ""
    against: Playbook | None = None
    repeats: int = 1
    min_gain: float = 0.0
    ablate: int = 0
    promote: str = ""
    overlap: int = 0
    notes: tuple[str, ...] = ()

    @property
    def is_baseline(self) -> bool:
        return not self.name

    @property
    def answers(self) -> int:
        """How often each example is answered, in all arms together."""
        return self.repeats * (1 if self.is_baseline else 2 + bool(self.ablate))


@dataclass(frozen=True, slots=True)
class Round:
    """One try at an example. ``reflection`` is None where none was asked for (a right second try)."""

    attempt: Attempt
    verdict: Verdict
    reflection: Reflection | None = None


@dataclass(frozen=True, slots=True)
class Episode(ValidText):
    """One example's way through the stages.

    ``step`` is its place in the plan of its ``phase`` (0, 1, ...), ``index`` its place in the dataset, ``version`` the playbook
    version that it saw (0: the initial one). The first round alone decides whether it was right: later ones have seen
    a reflection. A failed episode has a ``failure`` (a short word for grouping) and its ``error``.
    """

    step: int
    epoch: int
    index: int
    batch: int
    example_id: str
    domain: str
    version: int
    shown: int = 0
    rounds: tuple[Round, ...] = ()
    failure: str = ""
    error: str = ""
    seconds: float = 0.0
    phase: int = TRAINING

    @property
    def correct(self) -> bool:
        return bool(self.rounds) and not self.failure and self.rounds[0].verdict.correct

    @property
    def failed(self) -> bool:
        return bool(self.failure)


@dataclass(frozen=True, slots=True)
class RecordedReply:
    """A paid reply, where it belongs and what was asked. ``turn`` counts the calls of a role in one step.

    ``entry`` is its name in the cache of replies (:mod:`.reply_cache`), empty where it has none; the store does not keep it.
    """

    key: str
    step: int
    role: str
    turn: int
    model: str
    messages: tuple[tuple[str, str], ...]
    reply: ChatReply
    at: str
    phase: int = TRAINING
    entry: str = ""


class Paid(Protocol):
    """What a paid call took, whatever it gave: a chat reply, vectors."""

    @property
    def prompt_tokens(self) -> int: ...
    @property
    def completion_tokens(self) -> int: ...
    @property
    def cached_prompt_tokens(self) -> int: ...
    @property
    def retries(self) -> int: ...
    @property
    def cost_usd(self) -> float | None: ...
    @property
    def from_cache(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Usage:
    """Calls and what they cost. ``cost_usd`` is None when any call had no known price.

    ``cached_prompt_tokens`` are those that a provider read from its own cache; ``cached_calls`` are replies that came from the
    cache of earlier runs: nobody was called, and nothing else counts them.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_prompt_tokens: int = 0
    cached_calls: int = 0
    retries: int = 0
    cost_usd: float | None = 0.0

    def plus(self, paid: Paid) -> Usage:
        """With one more call."""
        if paid.from_cache:
            return self.add(Usage(cached_calls=1))
        return self.add(
            Usage(
                1,
                paid.prompt_tokens,
                paid.completion_tokens,
                paid.cached_prompt_tokens,
                retries=paid.retries,
                cost_usd=paid.cost_usd,
            )
        )

    @classmethod
    def sum(cls, parts: Iterable[Usage]) -> Usage:
        """All of ``parts`` together, added in their order (so that sums are equal to the last bit)."""
        total = cls()
        for part in parts:
            total = total.add(part)
        return total

    def add(self, other: Usage) -> Usage:
        unknown = self.cost_usd is None or other.cost_usd is None
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_prompt_tokens + other.cached_prompt_tokens,
            self.cached_calls + other.cached_calls,
            self.retries + other.retries,
            None if unknown else (self.cost_usd or 0.0) + (other.cost_usd or 0.0),
        )

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Spent:
    """What one step of a plan took: ``seconds`` are those that its replies took to come."""

    usage: Usage = Usage()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The run after one merge, counted from its start; ``batch_accuracy`` is of this batch alone.

    ``insights`` (by section) and ``refused`` (those of them that were not taken up, by reason) are of this batch too.
    """

    batch: int
    epoch: int
    examples_seen: int
    correct: int
    failed: int
    accuracy: float
    batch_accuracy: float
    playbook_size: int
    bullets_added: int
    bullets_incremented: int
    insights: Mapping[str, int]
    calls: int
    tokens: int
    cost_usd: float | None
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Merge:
    """One merge: playbook version ``batch + 1`` is the one before plus ``delta``."""

    batch: int
    delta: Delta
    curve: CurvePoint


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One process's work on a run; ``ended`` is empty while it goes on or when it was killed."""

    id: int
    started_at: str
    seconds: float
    pid: int
    host: str
    ended: str = ""

    @property
    def cut_off(self) -> float | None:
        """Seconds since it was last known to be at work, if it was killed; None where it ended."""
        if self.ended:
            return None
        at_work = datetime.fromisoformat(self.started_at) + timedelta(seconds=self.seconds)
        return max(0.0, (datetime.now(UTC) - at_work).total_seconds())
