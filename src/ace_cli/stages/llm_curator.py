"""The Curator that asks a model where the rules are not sure (``curator = "llm"``): one call a batch at most."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template
from typing import Any

from pydantic import Field, field_validator

from ace_cli.errors import UsageError
from ace_cli.llm.base import Message
from ace_cli.playbook import Add, Bullet, Change, Delta, Playbook
from ace_cli.playbook.render import line
from ace_cli.replies import Reply, ask_json
from ace_cli.stages.base import Ask, MergeItem, UnusableReply
from ace_cli.stages.batch import Decision, MergeBatch, Near, Proposal
from ace_cli.stages.curator import SemanticCurator

BELOW = 0.1
"""An insight whose nearest bullet is this far below the threshold is new without asking."""

ABOVE = 0.08
"""One that is this far above it, and contradicted by nothing, repeats it without asking."""

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
    """Rules first; what lies near the threshold or is contradicted goes to the model.

    Its decision holds if it is one that was offered; otherwise the rules' holds, and the change says why.

    Args:
        semantic: the rules.
        prompt: the text of a ``curator.txt`` (``$$`` is a dollar sign).
    """

    def __init__(self, semantic: SemanticCurator, prompt: str) -> None:
        self._semantic = semantic
        self._prompt = Template(prompt).safe_substitute().strip()

    async def curate(
        self, playbook: Playbook, items: Sequence[MergeItem], ask: Ask | None, *, at: str
    ) -> Delta:
        """See :class:`ace_cli.stages.base.Curator`.

        Raises:
            UsageError: there is no model to ask.
            ModelError: the call failed for good.
        """
        if ask is None:
            raise UsageError('the curator "llm" has no model', "Name one with --curator-model.")
        batch = await self._semantic.propose(playbook, items, ask, at=at, below=BELOW)
        questions = self._questions(batch)
        return batch.settle(await self._decide(questions, ask) if questions else None)

    async def refine(self, playbook: Playbook, ask: Ask | None, *, known: int = 0) -> tuple[Change, ...]:
        """By the rules; see :func:`ace_cli.stages.refine.refine`."""
        return await self._semantic.refine(playbook, ask, known=known)

    def _questions(self, batch: MergeBatch) -> list[Question]:
        """The insights to which something is near, and for which the rules' answer is not beyond doubt."""
        certain = self._semantic.sameness.reach + ABOVE
        by_rule = batch.settle().changes
        return [
            Question(position, step, _options(step, by_rule))
            for position, step in enumerate(batch.steps)
            if isinstance(step, Proposal)
            and step.near
            and not (step.match and step.match.similarity >= certain)
        ]

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


def _options(insight: Proposal, by_rule: Sequence[Change]) -> list[tuple[Bullet, Near]]:
    """The nearest few, the rules' match among them. An insight stands there as the bullet that it is by the rules."""
    shown = list(insight.near[:SHOWN])
    if insight.match and insight.match not in shown:
        shown[-1] = insight.match
    options = []
    for near in shown:
        if isinstance(near.target, Bullet):
            options.append((near.target, near))
        elif isinstance(change := by_rule[near.target], Add):
            options.append((change.bullet, near))
    return options
