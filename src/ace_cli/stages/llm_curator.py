"""The Curator that asks a model where the rules are not sure (``curator = "llm"``): one call a batch at most."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import Template
from typing import Any

from pydantic import Field, field_validator

from ace_cli.errors import UsageError
from ace_cli.llm.base import Message
from ace_cli.playbook import Delta, Playbook
from ace_cli.playbook.render import line
from ace_cli.replies import Reply, ask_json
from ace_cli.stages.base import Ask, MergeItem, UnusableReply
from ace_cli.stages.curator import Candidate, Decision, Proposal, SemanticCurator, Step, settle
from ace_cli.stages.prompts import load_prompts

BELOW = 0.1
"""An insight whose nearest bullet is this far below the threshold is new without asking."""

ABOVE = 0.08
"""One that is this far above it, and contradicted by nothing, repeats it without asking."""

SHOWN = 3
"""Candidates under each insight: every line is paid for."""


class CuratorDecision(Reply):
    """Loose on purpose: one odd decision must not spoil the others; :func:`_checked` is strict."""

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
        prompt: the text of a ``curator.txt`` (``$$`` is a dollar sign); ours when None.
    """

    def __init__(self, semantic: SemanticCurator, prompt: str | None = None) -> None:
        self._semantic = semantic
        text = load_prompts().texts["curator.txt"] if prompt is None else prompt
        self._prompt = Template(text).safe_substitute().strip()

    async def curate(
        self, playbook: Playbook, lessons: Sequence[MergeItem], ask: Ask | None, *, at: str
    ) -> Delta:
        """See :class:`ace_cli.stages.base.Curator`.

        Raises:
            UsageError: there is no model to ask.
            ModelError: the call failed for good.
        """
        if ask is None:
            raise UsageError('the curator "llm" has no model', "Name one with --curator-model.")
        steps = await self._semantic.propose(playbook, lessons, at=at, reach=BELOW)
        certain = self._semantic.similarity_threshold + ABOVE
        asked = [
            i for i, step in enumerate(steps) if isinstance(step, Proposal) and _undecided(step, certain)
        ]
        decisions = await self._decide(steps, asked, ask) if asked else {}
        return settle(playbook, steps, decisions, at=at)

    async def _decide(self, steps: Sequence[Step], asked: Sequence[int], ask: Ask) -> Mapping[int, Decision]:
        proposals = {position: step for position in asked if isinstance(step := steps[position], Proposal)}
        messages = [
            Message("system", self._prompt),
            Message("user", question([proposals[position] for position in asked])),
        ]
        try:
            reply, _ = await ask_json(ask, messages, CuratorReply)
        except UnusableReply as error:
            return {p: by_rule(proposal, f"by rule: {error.message}") for p, proposal in proposals.items()}
        by_number: dict[int, CuratorDecision] = {}
        for decision in reply.decisions:
            by_number.setdefault(decision.insight, decision)
        return {
            position: _checked(proposals[position], by_number.get(number))
            for number, position in enumerate(asked, 1)
        }


def question(proposals: Sequence[Proposal]) -> str:
    """The undecided insights, numbered from 1, each with the lines of its nearest bullets."""
    return "\n\n".join(
        "\n".join(
            [f"Insight {number}: {proposal.bullet.content}", *(line(c.bullet) for c in shown(proposal))]
        )
        for number, proposal in enumerate(proposals, 1)
    )


def shown(proposal: Proposal) -> tuple[Candidate, ...]:
    """The candidates that the model sees: the rules' match is among them."""
    first = proposal.candidates[:SHOWN]
    if proposal.match is None or proposal.match in first:
        return first
    return (*first[:-1], proposal.match)


def by_rule(proposal: Proposal, reason: str) -> Decision:
    return Decision(proposal.match, reason=reason)


def _undecided(proposal: Proposal, certain: float) -> bool:
    """Something is near, and the rules' answer is not beyond doubt."""
    if not proposal.candidates:
        return False
    return proposal.match is None or proposal.match.similarity < certain


def _checked(proposal: Proposal, decision: CuratorDecision | None) -> Decision:
    """The model's decision, or the rules' with the reason why the model's cannot hold."""
    if decision is None:
        return by_rule(proposal, "by rule: the curator did not decide on it")
    action = decision.action.lower()
    if action == "drop":
        return Decision(drop=True, reason=decision.reason or "the curator dropped it")
    if action == "add":
        return Decision(reason=decision.reason)
    if action != "merge":
        return by_rule(proposal, f"by rule: the curator said {decision.action[:40] or 'nothing'!r}")
    wanted = (decision.bullet_id or "").strip("[] ")
    target = next((c for c in shown(proposal) if c.bullet.id == wanted), None)
    if target is None:
        return by_rule(proposal, f"by rule: the curator named {wanted or 'no bullet'}, which was not offered")
    return Decision(target, reason=decision.reason)
