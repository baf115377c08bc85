"""The three stages: what goes in, what comes out, and the Protocols that a replacement must fit.

    Task -> Generator -> Attempt -> Scorer -> Verdict;  Case -> Reflector -> Reflection;  MergeItems -> Curator -> Delta

What an implementer may rely on:

* A stage is used for a whole run, from one event loop, for many examples at once.
* ``generate`` and ``reflect`` of one example see only what they are handed. To call a model they use
  ``ask``: every reply is on record before ``ask`` returns it, so after a crash the stage is simply run
  again and gets the same replies without paying. Hence a stage must make the same calls in the
  same order when given the same input.
* ``curate`` is called once a batch, with the batch's reflections in plan order, never concurrently.
* A stage that cannot make sense of a reply raises :class:`UnusableReply`: the example is recorded as failed and
  training goes on. Methods may be plain functions instead of coroutines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ace_cli.data import Example
from ace_cli.playbook import Bullet, Change, Delta, Playbook, Section, Tag
from ace_cli.replies import Ask as Ask
from ace_cli.replies import UnusableReply as UnusableReply
from ace_cli.scoring import Scorer, Verdict
from ace_cli.text import ValidText


@dataclass(frozen=True, slots=True)
class Attempt(ValidText):
    """What the Generator answered. ``bullet_ids`` are cited bullets that it was really shown."""

    answer: str
    reasoning: str = ""
    bullet_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Earlier:
    """A wrong answer to the same question, and what reflection made of it, with the truth blanked out."""

    answer: str
    advice: str


@dataclass(frozen=True, slots=True)
class Task:
    """An example as the Generator sees it: without the truth.

    ``id`` is the example's. ``bullets`` are those that fit the context budget, in the order of ids. ``earlier`` is
    there when ``reflection_rounds`` asks for another try. ``near`` are those of many bullets that are nearest to the question.
    """

    id: str
    question: str
    context: str = ""
    domain: str = "general"
    bullets: tuple[Bullet, ...] = ()
    earlier: Earlier | None = None
    near: tuple[Bullet, ...] = ()


@dataclass(frozen=True, slots=True)
class Solved(ValidText):
    """An earlier example of the run, as another one's Reflector sees it: the first answer to it, and the truth."""

    id: str
    question: str
    truth: str
    answer: str
    correct: bool


@dataclass(frozen=True, slots=True)
class Around:
    """What lies near an example in what the run knows already: ``near`` bullets, and ``similar`` examples, the nearest first.

    The bullets are of the playbook version that the example saw, whether or not its prompt held them; the examples were all
    merged before that version.
    """

    near: tuple[Bullet, ...] = ()
    similar: tuple[Solved, ...] = ()


NOTHING_AROUND = Around()


@dataclass(frozen=True, slots=True)
class Case:
    """A scored attempt as the Reflector sees it, with the truth in ``example.answer``.

    ``cited`` are the bullets that the attempt cites among those that were shown, each once.
    """

    example: Example
    attempt: Attempt
    verdict: Verdict
    cited: tuple[Bullet, ...] = ()
    around: Around = NOTHING_AROUND


@dataclass(frozen=True, slots=True)
class Insight(ValidText):
    """One lesson, as the Reflector words it. ``confidence`` is its own, in 0..1."""

    content: str
    section: Section = Section.HELPFUL
    confidence: float = 0.5


@dataclass(frozen=True, slots=True)
class BulletTag(ValidText):
    """The Reflector's vote on a cited bullet."""

    id: str
    tag: Tag


@dataclass(frozen=True, slots=True)
class Reflection(ValidText):
    """What was learned from one attempt."""

    insights: tuple[Insight, ...] = ()
    bullet_tags: tuple[BulletTag, ...] = ()
    reasoning: str = ""
    error_identification: str = ""
    root_cause: str = ""
    correct_approach: str = ""


def confirmed(case: Case) -> Reflection:
    """What a right answer says without a call: the bullets that it cites helped."""
    return Reflection(bullet_tags=tuple(BulletTag(bullet.id, Section.HELPFUL) for bullet in case.cited))


@dataclass(frozen=True, slots=True)
class MergeItem:
    """An answered example with its reflection: one entry of what a Curator merges.

    The reflection's ``bullet_tags`` are the votes to count: one a bullet that the answer ``cited``, by what the answer was worth
    (``correct``; None where that is not known).
    """

    example_id: str
    domain: str
    reflection: Reflection
    cited: tuple[str, ...] = ()
    correct: bool | None = None


class Generator(Protocol):
    async def generate(self, task: Task, ask: Ask) -> Attempt:
        """Answer ``task.question``, citing the bullets that it used."""
        ...


class Reflector(Protocol):
    async def reflect(self, case: Case, ask: Ask) -> Reflection:
        """Compare the attempt with the truth; vote on the cited bullets."""
        ...


class Curator(Protocol):
    async def curate(
        self, playbook: Playbook, items: Sequence[MergeItem], ask: Ask | None, *, at: str
    ) -> Delta:
        """Merge a batch's reflections, in plan order.

        ``ask`` is None unless a curator model is set. ``at`` is the time that the delta carries. The same
        playbook and items must give the same delta.
        """
        ...


@runtime_checkable
class Refiner(Protocol):
    """A Curator that can also go through the whole playbook. One of your own may leave it out."""

    async def refine(self, playbook: Playbook, ask: Ask | None, *, known: int = 0) -> Sequence[Change]:
        """What makes one of bullets that say the same; see :mod:`ace_cli.stages.refine`."""
        ...


@dataclass(frozen=True, slots=True)
class Stages:
    """What a run works with: the three stages, and the Scorer between them."""

    generator: Generator
    scorer: Scorer
    reflector: Reflector
    curator: Curator
