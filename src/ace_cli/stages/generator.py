"""The Generator: answers a question with the playbook in its prompt, and cites the bullets it used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from ace_cli.llm.base import ChatReply, PromptStyle
from ace_cli.playbook import Bullet
from ace_cli.playbook.render import lines
from ace_cli.quantities.normalize import normalize
from ace_cli.replies import Reply, TextOrNumber, ask_json, plain, read_text
from ace_cli.replies.cut import bare_number, uncut
from ace_cli.scoring.marked import marked_line
from ace_cli.stages.base import Ask, Attempt, Task, UnusableReply
from ace_cli.stages.prompts import Prompts
from ace_cli.text import single_spaced


def _not_empty(value: str) -> str:
    if not value:
        raise ValueError("it is empty")
    return value


FinalAnswer = Annotated[TextOrNumber, AfterValidator(_not_empty)]


class GeneratorReply(Reply):
    """Which bullets apply decides the way, and the way the answer: so they are written first."""

    written_first = ("bullet_ids",)

    reasoning: str = ""
    bullet_ids: list[str] = Field(default_factory=list)
    final_answer: FinalAnswer


class AnswerReply(Reply):
    """What is asked for where no bullet is shown: small models fill a list of ids with whatever there is, without an end."""

    reasoning: str = ""
    final_answer: FinalAnswer


class CitedAnswerReply(Reply):
    """A :class:`GeneratorReply` without its reasoning."""

    bullet_ids: list[str] = Field(default_factory=list)
    final_answer: FinalAnswer


class BareAnswerReply(Reply):
    """An :class:`AnswerReply` without its reasoning."""

    final_answer: FinalAnswer


class DefaultGenerator:
    """Asks once with ``generator.txt`` for JSON, or with ``generator_plain.txt`` for plain text.

    Args:
        edition: 4 takes an answer that is a number without quotes, 3 asks for the answer alone where the reasoning came to the token limit, 2 for the reasoning once more, 1 also for ids of bullets
            where none are shown. Runs that began so go on so: else a reply on record would not be found.
    """

    def __init__(self, prompts: Prompts, edition: int = 4) -> None:
        self._prompts = prompts
        self._asks_in_vain = edition == 1
        self._asks_for_all = edition < 3
        self._numbers = edition > 3

    async def generate(self, task: Task, ask: Ask) -> Attempt:
        values = {
            "question": task.question,
            "context": task.context,
            "bullets": lines(task.bullets),
            "near": lines(task.near),
        }
        if task.earlier is not None:
            values |= {"earlier_answer": task.earlier.answer, "earlier_reflection": task.earlier.advice}
        if ask.style is PromptStyle.PLAIN:
            reply = await ask(self._prompts.messages("generator_plain.txt", values))
            return _plain_attempt(read_text(reply), task)
        messages = self._prompts.messages("generator.txt", values)
        if not task.bullets and not self._asks_in_vain:
            short = None if self._asks_for_all else BareAnswerReply
            answer, reply = await ask_json(
                ask, messages, AnswerReply, answered_in_prose, when_cut=short, numbers=self._numbers
            )
            return Attempt(_whole(answer, reply), answer.reasoning)
        citing, reply = await ask_json(
            ask,
            messages,
            GeneratorReply,
            said_in_prose,
            when_cut=None if self._asks_for_all else CitedAnswerReply,
            numbers=self._numbers,
        )
        return Attempt(_whole(citing, reply), citing.reasoning, shown_ids(citing.bullet_ids, task.bullets))


def _whole(read: GeneratorReply | AnswerReply, reply: ChatReply) -> str:
    """The answer of a reply; a number that its grammar cut off at a thousands separator, whole."""
    if bare_number(reply.text, "final_answer") == read.final_answer:
        return uncut(read.final_answer, read.reasoning)
    return read.final_answer


def shown_ids(ids: Iterable[str], shown: Sequence[Bullet]) -> tuple[str, ...]:
    """Those of ``ids`` that were shown, as they are spelled in the playbook, each once.

    Models write ``[B007]``, ``b007`` or ``"B001, B007"``; what else they write is none of the bullets shown.
    """
    known = {bullet.id.casefold(): bullet.id for bullet in shown}
    parts = (part for text in ids for part in (text, *re.split(r"[\s,;]+", text)))
    found = (known.get(part.strip("[]()\"'`.,;: ").casefold()) for part in parts)
    return tuple(dict.fromkeys(bullet_id for bullet_id in found if bullet_id is not None))


def said_in_prose(text: str) -> GeneratorReply | None:
    """The answer of a reply that is no JSON: what stands behind a mark ("the answer is", a box), or the whole of it.

    A reply that begins as JSON is an answer only with a mark in it: else it was cut off before it gave one. Ids of bullets
    are looked for in all of it; see :func:`shown_ids`.
    """
    prose = text.strip()
    broken = prose.startswith(("{", "[", "```"))
    answer = (marked_line(normalize(prose)) or "").strip(" \"'`,{}[]\\")
    if not any(map(str.isalnum, answer)):
        answer = "" if broken else prose
    if not any(map(str.isalnum, answer)):
        return None
    ids = re.findall(r"(?<=\[)[\w-]{1,40}(?=\])", prose)
    return GeneratorReply(bullet_ids=ids, reasoning=prose, final_answer=answer)


def answered_in_prose(text: str) -> AnswerReply | None:
    """As :func:`said_in_prose`, where no bullet was shown."""
    said = said_in_prose(text)
    return None if said is None else AnswerReply(reasoning=said.reasoning, final_answer=said.final_answer)


def _plain_attempt(text: str, task: Task) -> Attempt:
    """The reply is the answer. Cited is a bullet whose id stands in it, or which the answer draws on."""
    named = [b.id for b in task.bullets if re.search(rf"(?<![\w-]){re.escape(b.id)}(?![\w-])", text)]
    for bullet_id in named:
        text = re.sub(rf"[\[(]{re.escape(bullet_id)}[\])]", "", text)
    if not (answer := single_spaced(text)):
        raise UnusableReply("the reply names bullets but gives no answer")
    drawn_on = [b.id for b in task.bullets if plain.draws_on(answer, task.question, b.content)]
    return Attempt(answer, bullet_ids=tuple(dict.fromkeys([*named, *drawn_on])))
