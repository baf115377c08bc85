"""One example's way, top to bottom; training, validation and evaluation share the first half.

    attempt():  Task -> Generator -> Attempt -> Scorer -> Verdict
    reflect():  Case -> Reflector -> Reflection

:func:`work` puts them together for one :class:`ExampleJob`. It knows nothing of stores and limits: whatever executor carries
it out, the calls of the stages go through the ``ask`` that it is given.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ace_cli.data import Example
from ace_cli.errors import RunStopped, StoreError
from ace_cli.llm.base import ChatReply, ModelError, PermanentError
from ace_cli.playbook import Bullet, Playbook
from ace_cli.redact import redact
from ace_cli.replies import plain
from ace_cli.runs.records import Round
from ace_cli.scoring import Verdict
from ace_cli.stages.base import (
    NOTHING_AROUND,
    Around,
    Ask,
    Attempt,
    Case,
    Earlier,
    Reflection,
    Stages,
    Task,
    UnusableReply,
    confirmed,
)
from ace_cli.stages.retrieval import Shown

T = TypeVar("T")

Select = Callable[[Playbook, Example], Awaitable[Shown]]
"""The bullets of a playbook that an example's prompt gets."""

LookAround = Callable[[Example, int, Playbook], Awaitable[Around]]
"""What lies around an example in a playbook, whose version is the number, and in what was merged into it."""


@dataclass(frozen=True, slots=True)
class PlanStep:
    """Where an example stands in the plan of its phase: ``index`` is its place in the dataset, ``version`` the
    playbook version that it sees."""

    step: int
    epoch: int
    index: int
    batch: int
    version: int


@dataclass(frozen=True, slots=True)
class ExampleJob:
    """All that is needed to work on one example, anywhere: it can be pickled.

    ``tries`` is how often a wrong answer is tried again with the reflection at hand; None asks for the attempt alone,
    without a reflection. ``recorded`` are the replies that were paid for in an earlier session, by key. ``occasion`` says which
    example this is, and which time in its phase, as another run would say it too; empty where no cache is asked. ``around`` is
    for the Reflector, which is not asked about right answers where ``only_wrong`` says so.
    """

    phase: int
    step: int
    example: Example
    shown: Shown
    tries: int | None
    recorded: Mapping[str, ChatReply]
    occasion: str = ""
    around: Around = NOTHING_AROUND
    only_wrong: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job. A failed one has a ``failure`` (a short word for grouping) and its ``error``."""

    rounds: tuple[Round, ...] = ()
    failure: str = ""
    error: str = ""
    seconds: float = 0.0


async def attempt(stages: Stages, task: Task, truth: str, ask: Ask) -> tuple[Attempt, Verdict]:
    """Answer and score."""
    answer: Attempt = await settled(stages.generator.generate(task, ask))
    return answer, await settled(stages.scorer(answer.answer, truth))


async def reflect(stages: Stages, case: Case, ask: Ask) -> Reflection:
    """Learn from a scored attempt."""
    return await settled(stages.reflector.reflect(case, ask))


async def work(stages: Stages, job: ExampleJob, ask_generator: Ask, ask_reflector: Ask) -> Outcome:
    """Attempt, and reflect if the job wants it; again with the reflection at hand while the answer is wrong.

    A reply that is unusable, a request that cannot work and a stage that raises are this example's failure
    and end up in the record.

    Raises:
        RunStopped, PermanentError, StoreError: nothing is decided about this example.
    """
    started = time.monotonic()
    rounds: list[Round] = []
    failure = error = ""
    try:
        await _rounds(stages, job, ask_generator, ask_reflector, rounds)
    except Exception as problem:  # noqa: BLE001 - a stage is a plug-in: its failure is this example's record
        failure, error = failure_of(problem)
    return Outcome(tuple(rounds), failure, error, round(time.monotonic() - started, 3))


async def _rounds(
    stages: Stages, job: ExampleJob, ask_generator: Ask, ask_reflector: Ask, rounds: list[Round]
) -> None:
    example, earlier = job.example, None
    while True:
        task = Task(
            example.id,
            example.question,
            example.context,
            example.domain,
            job.shown.bullets,
            earlier,
            job.shown.near,
        )
        answer, verdict = await attempt(stages, task, example.answer, ask_generator)
        if job.tries is None or (rounds and verdict.correct):
            rounds.append(Round(answer, verdict))
            return
        # What decides is looked for where it was missed; after a right answer it would be paid for in vain.
        around = NOTHING_AROUND if verdict.correct else job.around
        case = Case(example, answer, verdict, _cited(answer, job.shown.bullets), around)
        asks = not (verdict.correct and job.only_wrong)
        reflection = await reflect(stages, case, ask_reflector) if asks else confirmed(case)
        rounds.append(Round(answer, verdict, reflection))
        if verdict.correct or len(rounds) > job.tries:
            return
        earlier = Earlier(answer.answer, _advice(reflection, example))


def failure_of(problem: Exception) -> tuple[str, str]:
    """The kind and the message of one example's failure.

    Raises:
        RunStopped, PermanentError, StoreError: ``problem``, where it concerns the whole run.
    """
    if isinstance(problem, RunStopped | PermanentError | StoreError):
        raise problem
    if isinstance(problem, UnusableReply):
        return "unusable_reply", problem.message
    if isinstance(problem, ModelError):  # retries are spent, or this request can never work
        return problem.kind, problem.message
    return "stage_error", redact(f"{type(problem).__name__}: {problem}")


async def settled(value: Awaitable[T] | T) -> T:
    """The value of a stage's method, which may be an ordinary function or a coroutine."""
    return await value if isinstance(value, Awaitable) else value


def _cited(answer: Attempt, bullets: Sequence[Bullet]) -> tuple[Bullet, ...]:
    shown = {bullet.id: bullet for bullet in bullets}
    return tuple(shown[name] for name in dict.fromkeys(answer.bullet_ids) if name in shown)


def _advice(reflection: Reflection, example: Example) -> str:
    """The reflection for another try, with the truth blanked out.

    In the paper the Generator may read the right answer in the reflection and copy it. Here its prompt never holds
    the truth: a try that was told the answer would say nothing about the playbook. A truth that stands in
    the question is no secret and stays.
    """
    parts = (reflection.error_identification, reflection.root_cause, reflection.correct_approach)
    text = " ".join(part for part in parts if part)
    truth = example.answer.strip()
    if not truth or plain.holds(example.question, truth):
        return text
    return plain.blank(text, truth)
