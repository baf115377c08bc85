"""Lessons that say the opposite: linked, shown, and never used together; evidence decides which one is used."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from ace_cli.cli.app import run as ace
from ace_cli.embeddings import make_embedder
from ace_cli.playbook import Answers, Change, Confirm, Delta, Link, Playbook, SetAside, TakeBack
from ace_cli.playbook.bullet import PlaybookStage, Section
from ace_cli.playbook.contests import contests
from ace_cli.playbook.edit import EditSession
from ace_cli.playbook.formats import dump_playbook, read_playbook
from ace_cli.report.terminal.tables import Layout
from ace_cli.sameness.base import Pair
from ace_cli.sameness.by_rules import RuleSameness
from ace_cli.sameness.learned import LearnedSameness
from ace_cli.sameness.rules.opposition import opposed
from ace_cli.stages.base import BulletTag, MergeItem
from ace_cli.stages.curator import SemanticCurator
from support.builders import item

AT = "2026-01-01T00:00:00Z"
UP = "Round the result up to the next whole number."
DOWN = "Round the result down to the next whole number."


def learn(playbook: Playbook, *lessons: MergeItem) -> tuple[Playbook, Delta]:
    curator = SemanticCurator(make_embedder("wordllama"), RuleSameness(0.8))
    delta = asyncio.run(curator.curate(playbook, lessons, None, at=AT))
    return playbook.apply(delta), delta


def used(playbook: Playbook) -> list[str]:
    return [bullet.id for bullet in playbook.for_domain("math")]


def cited(bullet_id: str, *tags: Section) -> list[MergeItem]:
    return [item(example=f"c{n}", tags=[BulletTag(bullet_id, tag)]) for n, tag in enumerate(tags)]


def test_a_lesson_that_contradicts_is_kept_linked_and_not_used_while_evidence_is_even() -> None:
    playbook, delta = learn(Playbook(), item(UP, example="a"))
    playbook, delta = learn(playbook, item(DOWN, example="b"))
    assert [type(change) for change in delta.changes][1:] == [Link, SetAside]
    first, second = playbook.bullets
    assert (first.extra["contradicts"], second.extra["contradicts"]) == (["B002"], ["B001"])
    assert used(playbook) == ["B001"]
    assert second.extra["set_aside"]["reason"] == "contradicts B001, which was there first"
    assert (first.content, second.content) == (UP, DOWN)


def test_two_that_contradict_in_one_batch_are_not_both_used() -> None:
    playbook, _ = learn(Playbook(), item(UP, DOWN))
    assert used(playbook) == ["B001"]


def test_the_one_that_is_taught_more_often_takes_over_and_both_keep_all_they_had() -> None:
    playbook, _ = learn(Playbook(), item(UP, example="a"), item(DOWN, example="b"))
    playbook, delta = learn(playbook, item(DOWN, example="c"))
    assert [type(change) for change in delta.changes] == [Confirm, TakeBack, SetAside] or [
        type(change) for change in delta.changes
    ] == [Confirm, SetAside, TakeBack]
    assert used(playbook) == ["B002"]
    first, second = playbook.bullets
    assert first.extra["set_aside"] == {
        "cause": "contradicted", "reason": "contradicts B002, which was taught 2 times (this one once)",
        "bullet": "B002", "stage": "shadow", "at": AT,
    }  # fmt: skip
    assert "set_aside" not in second.extra
    assert second.sources == ("b", "c")
    playbook, _ = learn(playbook, item(UP, example="d"))
    assert used(playbook) == ["B002"], "when they are even again, the one in use stays"


def test_verdicts_weigh_more_than_how_often_it_was_taught() -> None:
    right, wrong = Section.HELPFUL, Section.HARMFUL
    playbook, _ = learn(Playbook(), item(UP), item(DOWN))
    playbook, _ = learn(playbook, *cited("B001", right, right))
    playbook, _ = learn(playbook, *(item(DOWN, example=f"e{n}") for n in range(5)))
    assert used(playbook) == ["B001"]
    playbook, _ = learn(playbook, *cited("B001", wrong, wrong, wrong))
    assert used(playbook) == ["B002"], "it no longer leads, and the other was taught more often"


def test_one_that_fails_gives_way_to_the_other_and_one_answer_decides_nothing() -> None:
    wrong = Section.HARMFUL
    playbook, _ = learn(Playbook(), item(UP), item(DOWN))
    once, _ = learn(playbook, *cited("B001", wrong))
    assert used(once) == ["B001"]
    twice, _ = learn(playbook, *cited("B001", wrong, wrong))
    assert used(twice) == ["B002"]
    reason = twice.by_id["B001"].extra["set_aside"]["reason"]
    assert (
        reason
        == "contradicts B002, which has 0 right and 0 wrong answers (this one 0 right and 2 wrong answers)"
    )


def test_one_in_quarantine_for_another_reason_does_not_keep_the_other_out() -> None:
    playbook, _ = learn(Playbook(), item(UP), item(DOWN))
    failing = Delta(AT, (Answers("math", 6, 3, (), ("B001",) * 3), SetAside("B001", "failing", "0 of 3")))
    playbook = playbook.apply(failing)
    playbook = playbook.apply(Delta(AT, tuple(contests(playbook))))
    assert used(playbook) == ["B002"]
    assert not list(contests(playbook)), "deciding again changes nothing"


def test_a_person_has_the_last_word() -> None:
    playbook, _ = learn(Playbook(), item(UP), item(DOWN))
    session = EditSession(playbook, by="alice")
    session.set_stage("B002", PlaybookStage.PRODUCTION)
    assert "set_aside" not in session.playbook.by_id["B002"].extra
    assert used(session.playbook) == ["B001", "B002"]


def test_three_that_contradict_in_a_row_leave_those_that_do_not_contradict_each_other() -> None:
    playbook, _ = learn(Playbook(), item(UP))
    changes: list[Change] = [Link("B001", "B002"), Link("B002", "B003")]
    for text in (DOWN, "Leave three decimals as they are."):
        playbook, _ = learn(playbook, item(text))
    playbook = playbook.apply(Delta(AT, tuple(changes)))
    playbook = playbook.apply(Delta(AT, tuple(contests(playbook))))
    assert used(playbook) == ["B001", "B003"]


def test_the_list_marks_those_that_contradict() -> None:
    playbook, _ = learn(Playbook(), item(UP), item(DOWN), item("Leave three decimals as they are."))
    lines = [line.plain for line in Layout.fit(playbook.bullets, 120).lines(playbook.bullets)]
    assert [mark in line for line, mark in zip(lines[2:], ("vs B002", "vs B001"), strict=False)] == [
        True,
        True,
    ]
    assert "vs" not in lines[4].split()
    assert "note" not in Layout.fit(playbook.bullets[2:], 120).header().plain, (
        "a column of its own only where it says something"
    )


def test_links_and_reasons_survive_the_file_and_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    playbook, _ = learn(Playbook(), item(UP), item(DOWN))
    path = tmp_path / "playbook.json"
    path.write_bytes(dump_playbook(playbook))
    assert read_playbook(path).bullets == playbook.bullets
    assert ace(["inspect", str(path), "B002"]) == 0
    shown = capsys.readouterr().out
    assert "contradicts  B001" in shown
    assert "set aside (contradicted): contradicts B001, which was there first" in shown
    assert ace(["inspect", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["contradicts"] == ["B002"]
    assert (
        ace(
            [
                "export",
                str(path),
                "--format",
                "html",
                "--output",
                str(tmp_path / "page.html"),
                "--include-quarantined",
            ]
        )
        == 0
    )
    assert "which was there first" in (tmp_path / "page.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Show the working.", "Never show the working."),
        ("When a box is damaged, refund it.", "If the box is damaged, do not refund it."),
        ("Divide debt by equity.", "Divide equity by debt."),
        ("Add tax before the discount.", "Add tax after the discount."),
    ],
)
def test_what_cannot_both_be_right(a: str, b: str) -> None:
    assert opposed(a, b)
    assert opposed(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("The warehouse code for Oslo is RV-72.", "The warehouse code for Cairo is ZL-61."),
        ("When the total is over 50, round up.", "When the total is under 50, round down."),
        ("Totals over 50 round up.", "Totals under 50 round down."),
        ("Round up for parcels.", "Round down for letters."),
        ("When the parcel is fragile, use Larch.", "When the parcel is not fragile, use Larch."),
        ("Round up the total.", "Do not round up the total when invoicing."),
        ("Groups of 5 pay half.", "Groups of 6 pay half."),
        ("The south door of the depot is violet.", "The north door of the depot is orange."),
    ],
)
def test_two_sides_of_a_rule_and_other_facts_stand_beside_each_other(a: str, b: str) -> None:
    assert not opposed(a, b)
    assert not opposed(b, a)


def learned(a: str, b: str) -> list[str]:
    pairs = [Pair(a, b, 0.85), Pair(b, a, 0.85)]
    return [judged.relation.value for judged in asyncio.run(LearnedSameness().compare(pairs))]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("If a claim is late, no fee is paid out.", "Pay out the fee when a claim is late."),
        ("Round the weight up to a full gram.", "Weights are rounded down to full grams."),
        ("Take the later of two dates.", "Of two dates, take the earlier."),
        ("Gift wrap is left out of the total.", "Include gift wrap in the total."),
    ],
)
def test_of_a_lesson_and_its_reverse_the_default_says_that_only_one_can_be_right(a: str, b: str) -> None:
    assert learned(a, b) == ["contradicts"] * 2


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Badges of Tarn show the surname.", "Letters of Tarn begin with the given name."),
        ("A loss of the match gives one point.", "A low score is a loss of the match."),
    ],
)
def test_what_is_said_of_something_else_is_neither_the_same_nor_the_reverse(a: str, b: str) -> None:
    assert not {"same", "contradicts"} & set(learned(a, b))
