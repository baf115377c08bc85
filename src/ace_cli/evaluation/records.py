"""What an evaluation is made of, and what it says. Plain values; shares and differences are fractions, not percent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ace_cli.text import ValidText

LEVEL = 0.95
"""Confidence level of every interval."""


class Arm(StrEnum):
    """``BASE`` answers without the playbook (or with the one that it is compared to), ``PLAYBOOK`` with it."""

    BASE = "base"
    PLAYBOOK = "playbook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial(ValidText):
    """One answer to one example in one arm.

    Attributes:
        cluster: what rows share a source (``--cluster``); None: the row stands for itself.
        repeat: from 0.
        score: the verdict's credit, 0 to 1; 0 if the trial failed.
        bullet_ids: the bullets that the answer cites.
        cost_usd: None where no price is known.
        seconds: from question to answer, retries included.

    Raises:
        ValueError: a score that is not between 0 and 1, or a failed trial that scores.
    """

    example_id: str
    arm: Arm
    score: float
    domain: str = "general"
    cluster: str | None = None
    repeat: int = 0
    failed: bool = False
    truth: str = ""
    answer: str = ""
    bullet_ids: tuple[str, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None
    seconds: float = 0.0

    def __post_init__(self) -> None:
        ValidText.__post_init__(self)
        if not 0 <= self.score <= 1:
            raise ValueError(f"a score is from 0 to 1, not {self.score!r}")
        if self.failed and self.score:
            raise ValueError("a failed trial scores 0")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def __neg__(self) -> Estimate:
        return Estimate(-self.value, -self.high, -self.low)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSummary:
    """One arm over all its trials: totals, and ``accuracy``, the mean score. ``right`` counts full scores."""

    accuracy: Estimate
    trials: int
    right: int
    failed: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class McNemar:
    """The examples that only one arm gets right, and the exact two-sided p that this is chance."""

    better: int
    worse: int
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainRow:
    domain: str
    examples: int
    base: float
    playbook: float
    difference: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """An example that does better or worse with the playbook. Answers of its first repeat in which the arms differ."""

    example_id: str
    domain: str
    truth: str
    base_answer: str
    playbook_answer: str
    base_score: float
    playbook_score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What the playbook adds to an average answer. ``cost_usd`` is None where no price is known."""

    prompt_tokens: float
    completion_tokens: float
    cost_usd: float | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BulletEffect:
    """How answers that cite a bullet do against the other arm's answers to the same examples.

    A citation is not a cause: see ``evaluation/bullets.py``.

    Attributes:
        cited: examples with an answer that cites it.
        base, playbook: mean score of those examples, without the playbook and where the bullet is cited; None if it never is.
        difference: ``playbook - base``, drawn towards the difference over all examples the more, the fewer citations there are.
        doubt: the probability that the difference is not above 0, from 0 to 1.
    """

    bullet_id: str
    cited: int
    base: float | None
    playbook: float | None
    difference: Estimate
    doubt: float


class Outcome(StrEnum):
    HELPS = "helps"
    """The interval lies above ``min_gain``."""
    HELPS_LITTLE = "helps, but not shown to reach the minimum gain"
    """The interval lies above 0, not above ``min_gain``."""
    HARMS = "harms"
    NO_DIFFERENCE = "makes no difference"
    """The interval holds 0, and is so narrow that nothing worth having is left in it."""
    UNCLEAR = "cannot tell"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The verdict of an evaluation; ``words`` are one plain line."""

    outcome: Outcome
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalReport:
    """All that an evaluation has to say: table, JSON and HTML show this and nothing else.

    Attributes:
        base_name, playbook_name: the arms as a user calls them.
        examples, repeats: ``repeats`` is the number of trials of an example in each arm.
        clusters: how many; None where every example stands for itself.
        method: how the interval of ``difference`` was made, in words.
        mcnemar: None with repeats, partial credit or clusters: it is not valid there.
        detectable: the smallest true gain that this many rows would show in 80 % of evaluations.
        bullets: the most doubtful one last.
        notes: what a reader must know of the figures, one sentence each.
    """

    base_name: str
    playbook_name: str
    examples: int
    repeats: int
    clusters: int | None
    base: ArmSummary
    playbook: ArmSummary
    difference: Estimate
    method: str
    mcnemar: McNemar | None
    detectable: float
    min_gain: float
    conclusion: Conclusion
    domains: tuple[DomainRow, ...]
    better: tuple[Changed, ...]
    worse: tuple[Changed, ...]
    added: Added
    bullets: tuple[BulletEffect, ...]
    notes: tuple[str, ...] = ()

    @property
    def is_shown_to_help(self) -> bool:
        """Whether the lower end of the interval lies above ``min_gain``: what promotion asks for."""
        return self.difference.low > self.min_gain


class Cause(StrEnum):
    """Why an answer is wrong, as far as rules can tell without asking a model."""

    FORMAT = "format"
    """The right answer is there, in a form that is not counted."""
    KNOWLEDGE = "missing convention or knowledge"
    """No answer, or wrong in a way that has a system."""
    SLIP = "slip or capability"
    """Right at another time, nearly right, or a wrong number without a system."""
    FAILED = "failed call"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongAnswer:
    """A wrong answer and the rule that sorted it; ``share`` is how many of its example's answers are wrong, 0 to 1."""

    example_id: str
    domain: str
    truth: str
    answer: str
    why: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseShare:
    """A cause: ``share`` of all the score that is missing, with its interval; ``points`` is what accuracy would gain without it."""

    cause: Cause
    examples: int
    share: float
    points: Estimate
    wrong: tuple[WrongAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """The baseline: accuracy without a playbook, what is missing and why.

    Attributes:
        causes: the largest first; only those that occur.
        detectable: the smallest gain that an evaluation on as many rows could show.
        words: whether a playbook can be expected to help, one or more plain sentences.
    """

    examples: int
    repeats: int
    base: ArmSummary
    causes: tuple[CauseShare, ...]
    detectable: float
    words: tuple[str, ...]
    notes: tuple[str, ...] = ()
