"""The default Curator: what becomes a bullet, what confirms one, and that history does not depend on luck."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ace_cli.embeddings.cached import CachedEmbedder
from ace_cli.embeddings.wordllama_embedder import WordLlamaEmbedder
from ace_cli.errors import AceError
from ace_cli.llm.base import Message
from ace_cli.playbook import Add, Bullet, Confirm, Delta, Drop, Playbook, PlaybookStage, Section, Vote
from ace_cli.replies import Ask
from ace_cli.sameness.base import Judgement, Pair, Relation
from ace_cli.sameness.by_rules import RuleSameness
from ace_cli.stages.base import BulletTag, Insight, MergeItem
from ace_cli.stages.curator import BLOCK, SemanticCurator, without_list_marks
from support.ask import ScriptedAsk
from support.builders import CITIES, book, item
from support.embedders import CountingEmbedder, MemoryCache

AT = "2026-01-02T03:04:05+00:00"
UNITS = "Convert units before dividing."
SAME_AS_UNITS = "Never divide before converting units."
PAIRS = [
    json.loads(row)
    for row in (Path(__file__).parents[1] / "fixtures/sameness_pairs.jsonl").read_text("utf-8").splitlines()
]


def curate(playbook: Playbook, *lessons: MergeItem, curator: SemanticCurator | None = None) -> Delta:
    curator = curator or semantic()
    return asyncio.run(curator.curate(playbook, lessons, None, at=AT))


def semantic(embedder: Any = None, threshold: float = 0.8) -> SemanticCurator:
    return SemanticCurator(embedder or WordLlamaEmbedder(), RuleSameness(threshold))


def test_a_new_insight_becomes_a_bullet_without_votes() -> None:
    insight = Insight("  - [B007]  Convert units\n before dividing. ", Section.HARMFUL)
    (change,) = curate(book("Dozens are 12."), item(insight, example="row-9")).changes
    assert isinstance(change, Add)
    assert change.example_id == "row-9"
    assert change.bullet == Bullet(
        id="B002",
        content=UNITS,
        domain_id="math",
        section=Section.HARMFUL,
        stage=PlaybookStage.SHADOW,
        activation_count=0,
        confidence=0.5,
        sources=("row-9",),
        created_at=AT,
        updated_at=AT,
    )


def test_a_repeated_lesson_confirms_its_bullet_whatever_its_section() -> None:
    playbook = book("A dozen means 12 items.", UNITS)
    delta = curate(playbook, item(Insight(SAME_AS_UNITS, Section.HARMFUL), example="e5"))
    (change,) = delta.changes
    assert isinstance(change, Confirm)
    assert (change.bullet_id, change.content, change.section) == ("B002", SAME_AS_UNITS, Section.HARMFUL)
    assert 0.8 <= change.similarity <= 1
    assert change.similarity == round(change.similarity, 6)
    bullet = playbook.apply(delta).by_id["B002"]
    assert (bullet.content, bullet.helpful_count, bullet.activation_count) == (UNITS, 0, 1)
    assert bullet.confidence == 0.5, "a repeat says that a lesson is asked for, not that it works"
    assert bullet.sources == ("e5",)


def test_an_opposite_becomes_a_bullet_of_its_own_and_says_why() -> None:
    (change, *_) = curate(book(UNITS), item("Convert units after dividing.")).changes
    assert isinstance(change, Add)
    assert change.reason == "near B001 but other order"


def test_a_true_repeat_is_found_behind_nearer_contradictions() -> None:
    playbook = book(*(f"The warehouse code for {city} is RV-{n}." for n, city in enumerate(CITIES, 60)))
    delta = curate(
        playbook,
        item("Shipments to Dublin need the warehouse code RV-70.", "The warehouse code for Dublin is RV-71."),
    )
    assert [type(change) for change in delta.changes] == [Confirm, Add]
    assert isinstance(delta.changes[0], Confirm)
    assert delta.changes[0].bullet_id == "B011"


def test_insights_of_one_batch_are_compared_with_each_other() -> None:
    delta = curate(Playbook(), item(UNITS, example="a"), item(SAME_AS_UNITS, "A dozen is 12.", example="b"))
    assert [type(change) for change in delta.changes] == [Add, Confirm, Add]
    after = Playbook().apply(delta)
    assert [(b.id, b.repeats, b.sources) for b in after.bullets] == [
        ("B001", 1, ("a", "b")),
        ("B002", 0, ("b",)),
    ]


def test_domains_are_kept_apart() -> None:
    delta = curate(book(UNITS), item(UNITS, domain="physics"), item(UNITS, domain="general"), item(UNITS))
    assert [type(change) for change in delta.changes] == [Add, Add, Confirm]


def test_a_quarantined_lesson_is_recognised_and_not_added_again() -> None:
    playbook = book(UNITS, stage=PlaybookStage.QUARANTINED)
    delta = curate(playbook, item(SAME_AS_UNITS))
    assert isinstance(delta.changes[0], Confirm)
    assert playbook.apply(delta).by_id["B001"].is_quarantined


def test_votes_come_before_insights_and_lessons_in_plan_order() -> None:
    playbook = book(UNITS, "A dozen means 12 items.")
    delta = curate(
        playbook,
        item("A score is 20 items.", example="a", tags=[BulletTag("B002", Section.HARMFUL)]),
        item(example="b", tags=[BulletTag("B001", Section.HELPFUL), BulletTag("B002", Section.NEUTRAL)]),
    )
    assert delta.at == AT
    assert [change for change in delta.changes if isinstance(change, Vote)] == [
        Vote("B002", "a", Section.HARMFUL),
        Vote("B001", "b", Section.HELPFUL),
        Vote("B002", "b", Section.NEUTRAL),
    ]
    assert [type(change) for change in delta.changes] == [Vote, Add, Vote, Vote]


def test_votes_that_cannot_be_counted_are_said() -> None:
    tags = [
        BulletTag("B001", Section.HELPFUL),
        BulletTag("B001", Section.HARMFUL),
        BulletTag("B404", Section.HELPFUL),
    ]
    delta = curate(book(UNITS), item(tags=tags))
    assert delta.changes == (
        Vote("B001", "e1", Section.HELPFUL),
        Drop("e1", "[B001] harmful", Section.HARMFUL, "a second vote on the bullet", "vote"),
        Drop("e1", "[B404] helpful", Section.HELPFUL, "a vote on a bullet that does not exist", "vote"),
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("- ", "empty"),
        ("...", "empty"),
        ("many words " * 500, "5,499 characters"),
    ],
)
def test_what_is_no_lesson_is_dropped_with_the_reason(content: str, reason: str) -> None:
    (change,) = curate(Playbook(), item(content)).changes
    assert isinstance(change, Drop)
    assert reason in change.reason


@pytest.mark.parametrize(
    ("raw", "content"),
    [
        ("- Round up.", "Round up."),
        ("* [B012] Round up.", "Round up."),
        ("3) Round up.", "Round up."),
        ("[B008] (pitfall) Rounding\n\nearly.", "Rounding early."),
        ("3.5 kg is the limit.", "3.5 kg is the limit."),
        ("-5 is less than 3.", "-5 is less than 3."),
        ("12 items are a dozen.", "12 items are a dozen."),
        ("Use [x] as a mark.", "Use [x] as a mark."),
    ],
)
def test_content_is_one_line_without_the_marks_of_a_list(raw: str, content: str) -> None:
    assert without_list_marks(raw) == content


def test_words_without_a_vector_are_still_recognised() -> None:
    class Blind(WordLlamaEmbedder):
        async def embed(self, texts: Sequence[str]) -> Any:
            return (await super().embed(texts)) * 0

    delta = curate(
        book(UNITS),
        item("convert units before dividing", "Something else"),
        curator=semantic(Blind()),
    )
    assert [type(change) for change in delta.changes] == [Confirm, Add]


def test_target_stage_and_threshold_are_the_users() -> None:
    strict = SemanticCurator(WordLlamaEmbedder(), RuleSameness(0.99), PlaybookStage.PRODUCTION)
    (change,) = curate(book(UNITS), item(SAME_AS_UNITS), curator=strict).changes
    assert isinstance(change, Add)
    assert change.bullet.stage is PlaybookStage.PRODUCTION


def batches() -> list[list[MergeItem]]:
    """Both texts of every pair, 10 lessons a batch, the second texts long after the first."""
    texts = [(p["domain"], p["a"]) for p in PAIRS] + [(p["domain"], p["b"]) for p in PAIRS]
    lessons = [item(text, example=f"e{n}", domain=domain) for n, (domain, text) in enumerate(texts)]
    return [lessons[start : start + 10] for start in range(0, len(lessons), 10)]


def test_a_kept_curator_and_a_fresh_one_write_the_same_history() -> None:
    kept = semantic()
    playbook = Playbook()
    for batch in batches():
        delta = curate(playbook, *batch, curator=kept)
        assert delta == curate(playbook, *batch)
        playbook = playbook.apply(delta)
    assert len(playbook) > 100
    assert sum(b.repeats for b in playbook.bullets) > 50


def test_with_very_many_bullets_a_kept_curator_and_a_fresh_one_still_agree() -> None:
    kept, fresh = (
        SemanticCurator(WordLlamaEmbedder(), RuleSameness(0.8), approximate_from=40) for _ in range(2)
    )
    playbook = Playbook()
    for batch in batches()[:9]:
        before, playbook = playbook, playbook.apply(curate(playbook, *batch, curator=kept))
    assert before.apply(curate(before, *batches()[8], curator=fresh)) == playbook


def test_of_a_playbook_that_is_taken_in_in_parts_the_last_bullets_are_found_too() -> None:
    embedder = CountingEmbedder()
    playbook = book(*(f"No. {n}" for n in range(BLOCK)), UNITS)
    (change,) = curate(playbook, item(SAME_AS_UNITS), curator=semantic(embedder)).changes
    assert isinstance(change, Confirm)
    assert change.bullet_id == f"B{BLOCK + 1}"
    assert len(embedder.asked) == BLOCK + 2


def test_a_curator_that_is_handed_another_playbook_follows_it() -> None:
    kept = semantic()
    first = book(UNITS, "A dozen means 12 items.")
    curate(first, item("Read the question twice."), curator=kept)  # never applied
    for other in (first, book("A dozen means 12 items.", UNITS), book(UNITS), Playbook(), first):
        assert curate(other, item(SAME_AS_UNITS), curator=kept) == curate(other, item(SAME_AS_UNITS))


def test_each_bullet_is_embedded_once_and_the_index_is_only_extended() -> None:
    embedder = CountingEmbedder()
    kept = semantic(CachedEmbedder(embedder, MemoryCache()))
    playbook = book("Known from a file.")
    for batch in batches():
        playbook = playbook.apply(curate(playbook, *batch, curator=kept))
    insights = [i.content for batch in batches() for les in batch for i in les.reflection.insights]
    assert 1 < len(embedder.asked) == len(set(embedder.asked)) <= len(insights) + 1


# A Sameness of one's own ------------------------------------------------------------------------


class Scripted:
    """Says what the test says about two texts, and remembers what it was asked."""

    reach = 0.5

    def __init__(self, *said: tuple[str, str, Relation]) -> None:
        self.said = {(new, known): relation for new, known, relation in said}
        self.asked: list[Sequence[Pair]] = []

    async def compare(self, pairs: Sequence[Pair], ask: Any) -> list[Judgement]:
        assert ask is None
        self.asked.append(pairs)
        return [Judgement(self.said.get((p.new, p.known), Relation.DIFFERENT), "it is so") for p in pairs]


def test_a_batch_is_asked_about_at_once_each_insight_beside_bullets_and_earlier_insights() -> None:
    sameness = Scripted()
    one, two, three = "Convert the units first.", "Convert the units last.", "Never convert units."
    curate(book(UNITS), item(one, two), item(three), curator=SemanticCurator(WordLlamaEmbedder(), sameness))
    (pairs,) = sameness.asked
    assert {(pair.new, pair.known) for pair in pairs} == {
        (one, UNITS),
        (two, UNITS),
        (two, one),
        (three, UNITS),
        (three, one),
        (three, two),
    }
    assert all(0.5 <= pair.similarity <= 1 for pair in pairs)


def test_neither_the_same_words_nor_what_is_out_of_reach_are_asked_about() -> None:
    sameness = Scripted()
    sameness.reach = 0.75
    delta = curate(
        book(UNITS, "Parcels over 30 kg need freight handling."),
        item(UNITS.upper(), "Zebras sleep."),
        curator=SemanticCurator(WordLlamaEmbedder(), sameness),
    )
    assert [type(change) for change in delta.changes] == [Confirm, Add]
    assert sameness.asked == []


@pytest.mark.parametrize("relation", list(Relation))
def test_only_the_same_is_merged_and_what_stands_against_it_is_said(relation: Relation) -> None:
    insight = "Convert the units first."
    curator = SemanticCurator(WordLlamaEmbedder(), Scripted((insight, UNITS, relation)))
    (change, *_) = curate(book(UNITS), item(insight), curator=curator).changes
    if relation is Relation.SAME:
        assert isinstance(change, Confirm)
    else:
        assert isinstance(change, Add)
        assert change.reason == "near B001 but it is so"


def test_an_insight_is_not_merged_into_one_that_became_no_bullet() -> None:
    first, second = "Convert the units first.", "Convert the units at first."
    sameness = Scripted((first, UNITS, Relation.SAME), (second, first, Relation.SAME))
    curator = SemanticCurator(WordLlamaEmbedder(), sameness)
    changes = curate(book(UNITS), item(first, second), curator=curator).changes
    assert [type(change) for change in changes] == [Confirm, Add]


def test_a_sameness_that_does_not_answer_every_pair_is_named() -> None:
    class Short(Scripted):
        async def compare(self, pairs: Sequence[Pair], ask: Any) -> list[Judgement]:
            return (await super().compare(pairs, ask))[1:]

    with pytest.raises(AceError, match="the sameness gave 0 judgements on 1 pairs"):
        curate(book(UNITS), item(SAME_AS_UNITS), curator=SemanticCurator(WordLlamaEmbedder(), Short()))


def test_a_sameness_may_have_a_model_decide_in_one_call_a_merge() -> None:
    class Asking:
        reach = 0.5

        async def compare(self, pairs: Sequence[Pair], ask: Ask | None) -> list[Judgement]:
            assert ask is not None
            said = await ask([Message("user", "\n".join(f"{p.new} / {p.known}" for p in pairs))], schema={})
            same = json.loads(said.text)
            return [Judgement(Relation.SAME if pair.new in same else Relation.UNSURE) for pair in pairs]

    ask = ScriptedAsk([SAME_AS_UNITS])
    curator = SemanticCurator(WordLlamaEmbedder(), Asking())
    items = [item(SAME_AS_UNITS), item("Convert units after dividing.")]
    changes = asyncio.run(curator.curate(book(UNITS), items, ask, at=AT)).changes
    assert [type(change) for change in changes] == [Confirm, Add]
    assert len(ask.asked) == 1
