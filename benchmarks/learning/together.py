"""Reflection on a batch's cases at once, as parts of one's own: what `make bench-learning` compares with reflection on each.

``Noting`` asks nothing and hands each case on; ``Together`` shows the model of the Curator all cases of a batch, and asks for the rules that decide
them. One call for each example and one for each batch, where the loop of ours takes two for each example.

    ace train ... --reflector benchmarks.learning.together:Noting --curator benchmarks.learning.together:Together --curator-model MODEL
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from pydantic import BaseModel

from ace_cli.embeddings import WORDLLAMA, make_embedder
from ace_cli.llm.base import Message
from ace_cli.playbook import Delta, Playbook
from ace_cli.replies import Reply, ask_json
from ace_cli.sameness.learned import LearnedSameness
from ace_cli.stages.base import Ask, Case, Insight, MergeItem, Reflection, UnusableReply
from ace_cli.stages.curator import SemanticCurator

_ASKED = (
    "You are the Reflector. Below stand solved cases of one kind of work. Write down the general rules that make these answers right: compare cases "
    "with the same answer and cases with different answers, and say what decides. A rule names the kind of thing and what holds of it, with broader "
    "words than the cases, no names, places or times. Reply in JSON: rules, at most one for each case; each with reason (what the cases that it "
    "explains have in common), cases (their numbers), rule (When ..., ...)."
)

_SHOWN = (
    (
        "1. Which bin does this parcel go to? Bins: Amber, Coral. Parcel: Two crates of ripe pears came up the canal on Tuesday. -> Coral\n"
        "2. Which bin does this parcel go to? Bins: Amber, Coral. Parcel: The lorry from Bray left a sack of apples at the gate. -> Amber\n"
        "3. A boat is let for 6 shillings an hour. What do 3 hours and 20 minutes cost? -> 24\n"
        "4. Which bin does this parcel go to? Bins: Amber, Coral. Parcel: The barge brought Mr Hale plums. -> Coral",
        {
            "rules": [
                {
                    "reason": "fruit that came by water",
                    "cases": [1, 4],
                    "rule": "When fruit arrives by water, the bin is Coral.",
                },
                {
                    "reason": "fruit that came by road",
                    "cases": [2],
                    "rule": "When fruit arrives by road, the bin is Amber.",
                },
                {
                    "reason": "the last hour was begun and not finished",
                    "cases": [3],
                    "rule": "When the last hour of a hire was begun, count it in full.",
                },
            ]
        },
    ),
)


class RuleReply(BaseModel):
    reason: str = ""
    cases: list[int] = []
    rule: str = ""


class RulesReply(Reply):
    rules: list[RuleReply]


class Noting:
    """A Reflector that hands the case on: its reflection holds the question and the truth, and no insight."""

    async def reflect(self, case: Case, ask: Ask) -> Reflection:  # noqa: ARG002
        question = "\n".join(filter(None, (case.example.context, case.example.question)))
        return Reflection(reasoning=json.dumps([question, case.example.answer]))


class Together:
    """A Curator that words a batch's lessons from all of its cases, and merges them as ours does."""

    def __init__(self) -> None:
        self._ours = SemanticCurator(make_embedder(WORDLLAMA), LearnedSameness())

    async def curate(
        self, playbook: Playbook, items: Sequence[MergeItem], ask: Ask | None, *, at: str
    ) -> Delta:
        """See :class:`ace_cli.stages.base.Curator`. An unusable reply teaches nothing."""
        assert ask is not None, "name the model with --curator-model"
        try:
            reply, _ = await ask_json(ask, _messages(items), RulesReply)
        except UnusableReply:
            reply = RulesReply(rules=[])
        taught: list[list[Insight]] = [[] for _ in items]
        for found in reply.rules:
            named = next((number for number in found.cases if 1 <= number <= len(items)), 1)
            if rule := " ".join(found.rule.split()):
                taught[named - 1].append(Insight(rule))
        lessons = [
            replace(item, reflection=replace(item.reflection, insights=tuple(insights)))
            for item, insights in zip(items, taught, strict=True)
        ]
        return await self._ours.curate(playbook, lessons, None, at=at)


def _messages(items: Sequence[MergeItem]) -> list[Message]:
    messages = [Message("system", _ASKED)]
    for cases, rules in _SHOWN:
        messages += [Message("user", cases), Message("assistant", json.dumps(rules))]
    pairs = (json.loads(item.reflection.reasoning) for item in items)
    cases = "\n".join(
        f"{number}. {' '.join(question.split())} -> {truth}"
        for number, (question, truth) in enumerate(pairs, 1)
    )
    return [*messages, Message("user", cases)]
