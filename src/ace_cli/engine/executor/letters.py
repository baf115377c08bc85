"""What the driver and a worker write to each other while an example is worked on: plain records that can be pickled.

An *errand* is an example on its way, a *call* a question of the worker's that the driver answers; both are numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from ace_cli.engine.example import ExampleJob, Outcome
from ace_cli.engine.ledger import Quote, Reservation
from ace_cli.errors import AceError
from ace_cli.llm.base import ChatReply
from ace_cli.llm.rates import Rates
from ace_cli.llm.retry import RetryNotice
from ace_cli.runs.records import Paid, RecordedReply

# -- from the driver


@dataclass(frozen=True, slots=True)
class Work:
    errand: int
    job: ExampleJob


@dataclass(frozen=True, slots=True)
class Cancel:
    errand: int


@dataclass(frozen=True, slots=True)
class Admitted:
    """``number`` is how the worker speaks of its reservation from then on."""

    number: int
    reservation: Reservation


@dataclass(frozen=True, slots=True)
class Answer:
    """To a call: what it gives (None where it gives nothing), or the error that it raises."""

    call: int
    value: Admitted | ChatReply | AceError | None = None


# -- from a worker: each is a method of the Desk, or the end


@dataclass(frozen=True, slots=True)
class Admit:
    errand: int
    call: int
    quote: Quote


@dataclass(frozen=True, slots=True)
class Known:
    errand: int
    call: int
    phase: int
    entry: str


@dataclass(frozen=True, slots=True)
class Pause:
    errand: int
    call: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Again:
    errand: int
    call: int
    number: int


@dataclass(frozen=True, slots=True)
class Record:
    errand: int
    call: int
    reply: RecordedReply


@dataclass(frozen=True, slots=True)
class Retrying:
    errand: int
    number: int
    notice: RetryNotice


@dataclass(frozen=True, slots=True)
class Settle:
    errand: int
    number: int
    paid: Paid | None
    rates: Rates | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What came of the job, or the error that concerns the whole run."""

    errand: int
    result: Outcome | AceError


@dataclass(frozen=True, slots=True)
class Told:
    """Something that the user should know of a model, whichever example it was asked for."""

    message: str


Call = Admit | Again | Known | Pause | Record
ToWorker = Work | Cancel | Answer
OfErrand = Call | Retrying | Settle | Done
FromWorker = OfErrand | Told


def unpriced(prompt_tokens: int, completion_tokens: int) -> float | None:  # noqa: ARG001 - a Price
    """The price in a quote that travels: the driver knows the model's own, which need not be picklable."""
    return None
