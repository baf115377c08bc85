"""One example's way, top to bottom.

Example -> Generator -> Attempt -> judge -> Verdict -> Reflector -> Reflection

What comes out is an :class:`Episode`; merging is the batch's business (``trainer.py``).
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ace_cli.data import Example
from ace_cli.engine.calls import Outage
from ace_cli.errors import RunStopped, StoreError
from ace_cli.llm.base import ModelError, PermanentError, TransientError
from ace_cli.playbook import Bullet
from ace_cli.redact import redact
from ace_cli.runs.records import Episode, Round
from ace_cli.scoring import Scorer
from ace_cli.stages.base import (
    Ask,
    Attempt,
    Generator,
    MergeItem,
    Reflection,
    Reflector,
    UnusableReply,
)


@dataclass(frozen=True, slots=True)
class PlanStep:
    """Where an example stands in the plan."""

    step: int
    epoch: int
    index: int
    batch: int
    version: int


@dataclass(frozen=True, slots=True)
class Teacher:
    """The stages that one example passes, with the number of further tries at a wrong answer."""

    generator: Generator
    reflector: Reflector
    judge: Scorer
    reflection_rounds: int


async def run_episode(
    teacher: Teacher,
    example: Example,
    place: PlanStep,
    select: Callable[[Example], Awaitable[Sequence[Bullet]]],
    ask_generator: Ask,
    ask_reflector: Ask,
) -> Episode:
    """Answer, judge, reflect; again with the reflection at hand while the answer is wrong.

    A reply that is unusable, a request that cannot work and a stage that raises are this example's failure
    and end up in the record.

    Raises:
        RunStopped, PermanentError: nothing is decided about this example.
    """
    started = time.monotonic()
    rounds: list[Round] = []
    failure = error = ""
    bullets: Sequence[Bullet] = ()
    try:
        bullets = await select(example)
        earlier: tuple[Attempt, Reflection] | None = None
        for left in range(teacher.reflection_rounds, -1, -1):
            attempt: Attempt = await settled(
                teacher.generator.generate(example, bullets, ask_generator, earlier=earlier)
            )
            scored = teacher.judge(attempt.answer, example.answer)
            verdict = await scored if isinstance(scored, Awaitable) else scored
            if rounds and verdict.correct:
                rounds.append(Round(attempt, verdict))
                break
            cited = _cited(attempt, bullets)
            reflection: Reflection = await settled(
                teacher.reflector.reflect(example, attempt, verdict, cited, ask_reflector)
            )
            rounds.append(Round(attempt, verdict, reflection))
            if verdict.correct or left == 0:
                break
            earlier = (attempt, reflection)
    except (RunStopped, PermanentError, StoreError):
        raise
    except UnusableReply as problem:
        failure, error = "unusable_reply", problem.message
    except ModelError as problem:  # retries are spent, or this request can never work
        if isinstance(problem, TransientError) and problem.endpoint:  # an embedding provider is down
            raise Outage(problem) from problem
        failure, error = problem.kind, problem.message
    except Exception as problem:  # noqa: BLE001 - a stage is a plug-in: its failure is this example's record
        failure, error = "stage_error", redact(f"{type(problem).__name__}: {problem}")
    return Episode(
        step=place.step,
        epoch=place.epoch,
        index=place.index,
        batch=place.batch,
        example_id=example.id,
        domain=example.domain,
        version=place.version,
        shown=len(bullets),
        rounds=tuple(rounds),
        failure=failure,
        error=error,
        seconds=round(time.monotonic() - started, 3),
    )


def lesson(episode: Episode) -> MergeItem | None:
    """What the Curator gets of an episode: the insights of the last reflection, the votes of all."""
    reflections = [r.reflection for r in episode.rounds if r.reflection is not None]
    if episode.failed or not reflections:
        return None
    tags = {tag.id: tag for reflection in reversed(reflections) for tag in reflection.bullet_tags}
    merged = replace(reflections[-1], bullet_tags=tuple(tags.values()))
    return MergeItem(episode.example_id, episode.domain, merged)


async def settled(value: Any) -> Any:
    """The value of a stage's method, which may be a plain function or a coroutine."""
    return await value if inspect.isawaitable(value) else value


def _cited(attempt: Attempt, bullets: Sequence[Bullet]) -> tuple[Bullet, ...]:
    """The cited bullets among those that were shown, in the order of citation, each once."""
    shown = {bullet.id: bullet for bullet in bullets}
    return tuple(shown[name] for name in dict.fromkeys(attempt.bullet_ids) if name in shown)
