"""The Reflector: compares an attempt with the truth, words insights, votes on the cited bullets."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from ace_cli.llm.base import PromptStyle
from ace_cli.playbook import Bullet, Section
from ace_cli.playbook.render import lines, unmarked
from ace_cli.replies import Confidence, Reply, SectionName, ask_json, plain, read_text
from ace_cli.scoring.difference import difference
from ace_cli.stages.base import Ask, BulletTag, Case, Insight, Reflection, Solved, confirmed
from ace_cli.stages.generator import shown_ids
from ace_cli.stages.prompts import Prompts
from ace_cli.text import single_spaced

_SHORT = 300
"""Characters of a similar example's question, truth or answer that are shown."""


class InsightReply(Reply):
    content: str = ""
    section: SectionName = Section.HELPFUL
    confidence: Confidence = 0.5


class LessonReply(Reply):
    """What the case is about and what decides come first: without them small models retell the case."""

    thing: str = ""
    situation: str = ""
    lesson: str


class TagReply(Reply):
    id: str = ""
    tag: SectionName = Section.NEUTRAL


class ReflectorReply(Reply):
    reasoning: str = ""
    error_identification: str = ""
    root_cause: str = ""
    correct_approach: str = ""
    insights: list[InsightReply]
    bullet_tags: list[TagReply] = Field(default_factory=list)

    @field_validator("bullet_tags", mode="before")
    @classmethod
    def _from_pairs(cls, value: Any) -> Any:
        """``{"B001": "helpful"}`` as well as ``{"id": "B001", "tag": "helpful"}``."""
        if not isinstance(value, list):
            return value
        pairs: list[Any] = []
        for item in value:
            short = isinstance(item, dict) and item.keys().isdisjoint({"id", "tag"})
            pairs += [{"id": name, "tag": tag} for name, tag in item.items()] if short else [item]
        return pairs


class LessonsReply(Reply):
    """A :class:`ReflectorReply` without what leads to its lessons."""

    insights: list[InsightReply]
    bullet_tags: list[TagReply] = Field(default_factory=list)


class DefaultReflector:
    """Asks with ``reflector.txt`` for JSON about every attempt that it is given, right or wrong: ``training.reflect_on`` says which.

    A model that is to be guided is asked for one rule and shown examples of that: see :meth:`_guided`. A plain model is asked only about
    wrong answers, for one sentence that states what is right: see :meth:`_plain`.

    Args:
        edition: 3 is told where a wrong answer is the right one in another form, 2 asks for the lessons alone where the reasoning came to
            the token limit, 1 for all of it once more.
    """

    def __init__(self, prompts: Prompts, edition: int = 3) -> None:
        self._prompts = prompts
        self._when_cut = LessonsReply if edition > 1 else None
        self._compares = edition > 2

    async def reflect(self, case: Case, ask: Ask) -> Reflection:
        values = {
            "question": case.example.question,
            "context": case.example.context,
            "reasoning": case.attempt.reasoning,
            "answer": case.attempt.answer,
            "verdict": self._verdict(case),
            "truth": case.example.answer,
            "cited": lines(case.cited),
            "near": lines(_not_cited(case)),
            "similar": "\n".join(map(_solved, case.around.similar)),
        }
        if ask.style is PromptStyle.PLAIN:
            return await self._plain(case, ask, values)
        if ask.style is PromptStyle.GUIDED:
            return await self._guided(ask, values)
        messages = self._prompts.messages("reflector.txt", values)
        reply, _ = await ask_json(ask, messages, ReflectorReply, when_cut=self._when_cut)
        # One line, as it will stand in a prompt; an insight without words is none, the id of a bullet stands for its words.
        known = {bullet.id: bullet.content for bullet in (*case.cited, *case.around.near)}
        worded = [
            (known.get(text.strip("[]().").upper(), unmarked(text)), insight)
            for insight in reply.insights
            if (text := single_spaced(insight.content))
        ]
        # One vote for each cited bullet that was tagged, the last one if it was tagged twice.
        votes = {id_: tag.tag for tag in reply.bullet_tags for id_ in shown_ids([tag.id], case.cited)}
        return Reflection(
            insights=tuple(Insight(text, it.section, it.confidence) for text, it in worded),
            bullet_tags=tuple(BulletTag(id_, tag) for id_, tag in votes.items()),
            reasoning=reply.reasoning,
            error_identification=reply.error_identification,
            root_cause=reply.root_cause,
            correct_approach=reply.correct_approach,
        )

    def _verdict(self, case: Case) -> str:
        """In a word, and what a comparison finds: small models take an amount in millions for a wrong formula."""
        if case.verdict.correct:
            return "right"
        form = difference(case.attempt.answer, case.example.answer) if self._compares else None
        return f"wrong, {form}" if form else "wrong"

    async def _guided(self, ask: Ask, values: dict[str, str]) -> Reflection:
        """A rule for the kind of case, which the model sees with the truth alone.

        It is shown neither the attempt's reasoning nor any bullets: models of a few billion parameters repeat a wrong reasoning as the lesson,
        and earlier lessons as this one's. Nothing is tagged; what answers did counts.
        """
        reply, _ = await ask_json(ask, self._prompts.messages("reflector_guided.txt", values), LessonReply)
        lesson = single_spaced(reply.lesson)
        about = ": ".join(filter(None, (reply.thing, reply.situation)))
        return Reflection((Insight(lesson),) if lesson else (), reasoning=about)

    async def _plain(self, case: Case, ask: Ask, values: dict[str, str]) -> Reflection:
        """What a small model can do: word the fact that was missing, in its own words.

        A right answer costs no call: its cited bullets helped. After a wrong one, a cited bullet that speaks of what
        the question is about is to blame; one about something else was only misapplied. A sentence that lacks
        the truth, or what the question is about, would teach nothing or something false, so it is not
        taken up; ``error_identification`` says so, and the sentence stays in ``reasoning``.
        """
        question = case.example.question
        if case.verdict.correct:
            return confirmed(case)
        tags = tuple(
            BulletTag(b.id, Section.HARMFUL if plain.speaks_of(b.content, question) else Section.NEUTRAL)
            for b in case.cited
        )
        reply = await ask(self._prompts.messages("reflector_plain.txt", values))
        text = read_text(reply)
        sentence = plain.first_sentence(text)
        if not plain.holds(sentence, case.example.answer):
            problem = "the sentence does not hold the truth, so nothing was learned from it"
        elif lost := sorted(plain.names(question) - plain.key_words(sentence)):
            problem = f"the sentence does not mention {', '.join(lost)}, so nothing was learned from it"
        else:
            return Reflection((Insight(sentence),), tags, reasoning=text)
        return Reflection((), tags, reasoning=text, error_identification=problem)


def _not_cited(case: Case) -> tuple[Bullet, ...]:
    """The near bullets that do not stand in the prompt as cited ones."""
    return tuple(bullet for bullet in case.around.near if bullet not in case.cited)


def _solved(earlier: Solved) -> str:
    """A similar example in one line: what was asked, what is true, and what was answered where that was wrong."""
    wrong = "" if earlier.correct else f" (not {_short(earlier.answer)})"
    return f"- {_short(earlier.question)} -> {_short(earlier.truth)}{wrong}"


def _short(text: str) -> str:
    """The end of a long text: there stands what a question asks, and what a worked solution comes to."""
    text = single_spaced(text)
    return text if len(text) <= _SHORT else f"... {text[-_SHORT:]}"
