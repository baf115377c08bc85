"""The Curator that asks a model where it is not sure (``curator = "auto"`` and ``"llm"``): one call a batch at most."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template
from typing import Any

from pydantic import Field, field_validator

from ace_cli.errors import UsageError
from ace_cli.llm.base import Message, PromptStyle
from ace_cli.playbook import Add, Bullet, Change, Delta, Playbook
from ace_cli.playbook.render import line
from ace_cli.replies import Reply, ask_json
from ace_cli.sameness.base import Relation
from ace_cli.stages.base import Ask, MergeItem, UnusableReply
from ace_cli.stages.batch import Decision, MergeBatch, Near, Proposal
from ace_cli.stages.curator import SemanticCurator

BELOW = 0.1
"""With the word rules, an insight whose nearest bullet is this far below the threshold is new without asking."""

SHOWN = 3
"""Candidates under each insight: every line is paid for."""


class CuratorDecision(Reply):
    """Loose on purpose: one odd decision must not spoil the others; :meth:`Question.decided` is strict."""

    insight: int = 0
    action: str = ""
    bullet_id: str | None = None
    reason: str = ""

    @field_validator("insight", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        found = re.search(r"\d{1,6}", value) if isinstance(value, str) else None
        return int(found[0]) if found else value if isinstance(value, int) else 0


class CuratorReply(Reply):
    decisions: list[CuratorDecision] = Field(default_factory=list)


class LlmCurator:
    """Without a model first; what that is not sure of goes to the model.

    Its decision holds if it is one that was offered; otherwise what was decided without it holds, and the change says why.

    Args:
        semantic: decides without a model.
        prompt: the text of a ``curator.txt`` (``$$`` is a dollar sign).
        only_unsure: ask about insights only that repeat nothing for sure and may repeat something (``curator = "auto"``), and
            do without a model where there is none or where it is one that fills JSON badly. Otherwise also about what is
            kept apart by its wording, and about merges that are not beyond doubt.
    """

    def __init__(self, semantic: SemanticCurator, prompt: str, *, only_unsure: bool = False) -> None:
        self._semantic = semantic
        self._prompt = Template(prompt).safe_substitute().strip()
        self._only_unsure = only_unsure

    async def curate(
        self, playbook: Playbook, items: Sequence[MergeItem], ask: Ask | None, *, at: str
    ) -> Delta:
        """See :class:`ace_cli.stages.base.Curator`.

        Raises:
            UsageError: there is no model to ask.
            ModelError: the call failed for good.
        """
        if ask is None and not self._only_unsure:
            raise UsageError('the curator "llm" has no model', "Name one with --curator-model.")
        batch = await self._semantic.propose(playbook, items, ask, at=at)
        if ask is None or (self._only_unsure and ask.style is PromptStyle.PLAIN):
            return batch.settle()
        questions = self._questions(batch)
        return batch.settle(await self._decide(questions, ask) if questions else None)

    async def refine(self, playbook: Playbook, ask: Ask | None, *, known: int = 0) -> tuple[Change, ...]:
        """By the rules; see :func:`ace_cli.stages.refine.refine`."""
        return await self._semantic.refine(playbook, ask, known=known)

    def _questions(self, batch: MergeBatch) -> list[Question]:
        """The insights to which something is near, and for which the answer is not beyond doubt."""
        by_rule = batch.settle().changes
        found = []
        for position, step in enumerate(batch.steps):
            if isinstance(step, Proposal) and (options := _options(by_rule, self._doubted(step))):
                found.append(Question(position, step, options))
        return found

    def _doubted(self, insight: Proposal) -> list[Near]:
        """What the model is asked about: at most :data:`SHOWN`, the match among them; nothing where there is no doubt."""
        match = insight.match
        if self._only_unsure:
            unsure = [near for near in insight.near if near.judgement.relation is Relation.UNSURE]
            return [] if match else unsure[:SHOWN]
        if match and match.judgement.sure:
            return []
        shown = list(insight.near[:SHOWN])
        if match and match not in shown:
            shown[-1] = match
        in_doubt = (n.judgement.relation is not Relation.DIFFERENT or n.judgement.reason for n in shown)
        return shown if any(in_doubt) else []

    async def _decide(self, questions: Sequence[Question], ask: Ask) -> dict[int, Decision]:
        """What the model says, by position in the batch; the rules' decisions if its reply is unusable."""
        asked = (
            "\n".join([f"Insight {number}: {q.insight.content}", *(line(bullet) for bullet, _ in q.options)])
            for number, q in enumerate(questions, 1)
        )
        messages = [Message("system", self._prompt), Message("user", "\n\n".join(asked))]
        try:
            reply, _ = await ask_json(ask, messages, CuratorReply)
        except UnusableReply as error:
            return {q.position: q.by_rule(error.message) for q in questions}
        replies = {decision.insight: decision for decision in reversed(reply.decisions)}  # the first counts
        return {q.position: q.decided(replies.get(number)) for number, q in enumerate(questions, 1)}


@dataclass(frozen=True, slots=True)
class Question:
    """An undecided insight at ``position`` in its batch, with what the model may merge it into."""

    position: int
    insight: Proposal
    options: Sequence[tuple[Bullet, Near]]

    def decided(self, reply: CuratorDecision | None) -> Decision:
        """The model's decision, or the rules' with the reason why the model's cannot hold."""
        if reply is None:
            return self.by_rule("the curator did not decide on it")
        match reply.action.lower():
            case "drop":
                return Decision(drop=True, reason=reply.reason or "the curator dropped it")
            case "add":
                return Decision(reason=reply.reason)
            case "merge":
                wanted = (reply.bullet_id or "").strip("[] ")
                target = next((near for bullet, near in self.options if bullet.id == wanted), None)
                if target is None:
                    return self.by_rule(f"the curator named {wanted or 'no bullet'}, which was not offered")
                return Decision(target, reason=reply.reason)
            case _:
                return self.by_rule(f"the curator said {reply.action[:40] or 'nothing'!r}")

    def by_rule(self, reason: str) -> Decision:
        return Decision(self.insight.match, reason=f"by rule: {reason}")


def _options(by_rule: Sequence[Change], shown: Sequence[Near]) -> list[tuple[Bullet, Near]]:
    """The bullets of ``shown``. An insight stands there as the bullet that it is without the model."""
    options: list[tuple[Bullet, Near]] = []
    for near in shown:
        if isinstance(near.target, Bullet):
            options.append((near.target, near))
        elif isinstance(change := by_rule[near.target], Add):
            options.append((change.bullet, near))
    return options
