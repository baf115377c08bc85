"""The Curator with a model: asked once a batch, about the undecided only, and never believed blindly."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ace_cli.embeddings.wordllama_embedder import WordLlamaEmbedder
from ace_cli.errors import UsageError
from ace_cli.llm.base import PromptStyle
from ace_cli.playbook import Add, Bullet, Confirm, Delta, Drop, Playbook
from ace_cli.sameness.by_rules import RuleSameness
from ace_cli.sameness.learned import LearnedSameness
from ace_cli.stages.curator import SemanticCurator
from ace_cli.stages.llm_curator import BELOW, LlmCurator
from ace_cli.stages.prompts import load_prompts
from support.ask import ScriptedAsk
from support.builders import item

AT = "2026-01-02T03:04:05+00:00"
UNITS = "Convert units before dividing."
OPPOSITE = "Convert units after dividing."
DOZEN = "A dozen means 12 items."
BOOK = Playbook((Bullet("B001", UNITS), Bullet("B002", DOZEN)))


def decisions(*rows: tuple[Any, ...]) -> dict[str, Any]:
    keys = ("insight", "action", "bullet_id", "reason")
    return {"decisions": [dict(zip(keys, row, strict=False)) for row in rows]}


def curate(ask: Any, *insights: str, playbook: Playbook = BOOK) -> Delta:
    prompt = load_prompts().texts["curator.txt"]
    curator = LlmCurator(SemanticCurator(WordLlamaEmbedder(), RuleSameness(below=BELOW)), prompt)
    items = [item(text, example=f"e{n}", domain="general") for n, text in enumerate(insights, 1)]
    return asyncio.run(curator.curate(playbook, items, ask, at=AT))


def test_clear_cases_cost_no_call() -> None:
    ask = ScriptedAsk()
    delta = curate(ask, UNITS, "Parcels over 30 kg need freight handling.", "convert units before dividing")
    assert ask.asked == []
    assert [type(change) for change in delta.changes] == [Confirm, Add, Confirm]


def test_the_undecided_of_a_batch_are_asked_in_one_call() -> None:
    ask = ScriptedAsk(decisions((1, "merge", "B001", "the same advice"), (2, "add", None, "another number")))
    delta = curate(ask, OPPOSITE, "Parcels over 30 kg need freight handling.", "A dozen means 10 items.")
    (messages,) = ask.asked
    assert messages[0].content.startswith("You are the Curator")
    assert messages[1].content == (
        f"Insight 1: {OPPOSITE}\n[B001] {UNITS}\n\nInsight 2: A dozen means 10 items.\n[B002] {DOZEN}"
    )
    merged, new, added, *_ = delta.changes
    assert isinstance(merged, Confirm)
    assert (merged.bullet_id, merged.reason) == ("B001", "the same advice")
    assert isinstance(new, Add)
    assert isinstance(added, Add)
    assert (added.bullet.id, added.reason) == ("B004", "another number")


def test_a_dropped_insight_leaves_its_reason_and_no_hole_in_the_ids() -> None:
    ask = ScriptedAsk(decisions((1, "drop", None, "too vague")))
    delta = curate(ask, OPPOSITE, "Parcels over 30 kg need freight handling.")
    assert delta.changes[0] == Drop("e1", OPPOSITE, BOOK.bullets[0].section, "too vague", "curator")
    assert isinstance(delta.changes[1], Add)
    assert delta.changes[1].bullet.id == "B003"


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (("merge", "B001"), [("B001", Confirm), ("B001", Confirm)]),
        (("add", None), [("B003", Add), ("B003", Confirm)]),
        (("drop", None), [(None, Drop), ("B003", Add)]),
    ],
)
def test_a_later_insight_follows_what_became_of_an_earlier_one(
    first: tuple[str, str | None], expected: list[tuple[str | None, type]]
) -> None:
    ask = ScriptedAsk(decisions((1, *first, "because")))
    delta = curate(ask, OPPOSITE, OPPOSITE.upper())
    got = [
        (c.bullet.id if isinstance(c, Add) else getattr(c, "bullet_id", None), type(c))
        for c in delta.changes[:2]
    ]
    assert got[: len(expected)] == expected
    BOOK.apply(delta)


def test_a_reason_names_the_bullet_that_there_is_in_the_end() -> None:
    ask = ScriptedAsk(decisions((1, "drop", None, "vague"), (2, "add", None, "new"), (3, "add", None, "")))
    delta = curate(ask, OPPOSITE, "A dozen means 10 items.", "A dozen means 11 items.", playbook=BOOK)
    new = {change.bullet.id: change for change in delta.changes if isinstance(change, Add)}
    assert new["B003"].bullet.content == "A dozen means 10 items."
    assert new["B004"].reason == "near B003 but other number: 11 vs 10"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (decisions((1, "merge", "B404")), "B404, which was not offered"),
        (decisions((1, "merge", "B002")), "B002, which was not offered"),
        (decisions((1, "merge", None)), "no bullet, which was not offered"),
        (decisions((1, "keep", None)), "said 'keep'"),
        (decisions((7, "drop", None)), "did not decide"),
        (decisions(), "did not decide"),
    ],
)
def test_a_decision_that_cannot_hold_falls_back_to_the_rules(reply: Any, reason: str) -> None:
    change, *_ = curate(ScriptedAsk(reply), OPPOSITE).changes
    assert isinstance(change, Add)
    assert change.reason.startswith("by rule: ")
    assert reason in change.reason


def test_an_unusable_reply_is_asked_again_once_and_then_the_rules_decide() -> None:
    ask = ScriptedAsk("no idea", "still none")
    change, *_ = curate(ask, OPPOSITE).changes
    assert len(ask.asked) == 2
    assert isinstance(change, Add)
    assert change.reason.startswith("by rule: ")


def test_loosely_written_decisions_are_understood() -> None:
    ask = ScriptedAsk({"decisions": [{"insight": "Insight 1", "action": "MERGE", "bullet_id": "[B001]"}]})
    change, *_ = curate(ask, OPPOSITE).changes
    assert isinstance(change, Confirm)


def test_without_a_model_it_says_what_to_set() -> None:
    with pytest.raises(UsageError, match="no model") as error:
        curate(None, OPPOSITE)
    assert "--curator-model" in error.value.hint


# -- auto: only what is unsure

ROOM = "Offer an upgrade if the booked room is not ready."
ROOM_OTHERWISE = "A guest whose room is not finished is offered an upgrade."
FREIGHT = "Parcels over 30 kg need freight handling."


def auto(ask: Any, *insights: str, playbook: Playbook = BOOK) -> Delta:
    semantic = SemanticCurator(WordLlamaEmbedder(), LearnedSameness())
    curator = LlmCurator(semantic, load_prompts().texts["curator.txt"], only_unsure=True)
    items = [item(text, example=f"e{n}", domain="general") for n, text in enumerate(insights, 1)]
    return asyncio.run(curator.curate(playbook, items, ask, at=AT))


def test_auto_asks_nobody_about_what_is_sure() -> None:
    ask = ScriptedAsk()
    delta = auto(ask, "Always convert units before dividing.", FREIGHT, OPPOSITE)
    assert ask.asked == []
    assert [type(change) for change in delta.changes[:3]] == [Confirm, Add, Add]


def test_auto_asks_once_about_a_bullet_and_about_an_earlier_insight_of_the_batch() -> None:
    ask = ScriptedAsk(decisions((1, "merge", "B001", "the same"), (2, "add", None, "other")))
    known = Playbook((Bullet("B001", ROOM),))
    first = "The visitors win when a Harbour League match ends level."
    second = "In the Harbour League a level score gives the visiting team the win."
    delta = auto(ask, ROOM_OTHERWISE, FREIGHT, first, second, playbook=known)
    (messages,) = ask.asked
    assert messages[1].content == (
        f"Insight 1: {ROOM_OTHERWISE}\n[B001] {ROOM}\n\nInsight 2: {second}\n[B004] {first}"
    )
    assert [type(change) for change in delta.changes] == [Confirm, Add, Add, Add]


@pytest.mark.parametrize("ask", [None, ScriptedAsk(style=PromptStyle.PLAIN)], ids=["no model", "plain model"])
def test_where_no_model_answers_by_schema_the_unsure_become_bullets(ask: Any) -> None:
    delta = auto(ask, ROOM_OTHERWISE, playbook=Playbook((Bullet("B001", ROOM),)))
    assert [type(change) for change in delta.changes] == [Add]
