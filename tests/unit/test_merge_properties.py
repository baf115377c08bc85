"""Whatever is taught in whatever order: what a merge may never do, with the default Sameness over lessons that are the same, opposed and near."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ace_cli.embeddings.wordllama_embedder import WordLlamaEmbedder
from ace_cli.playbook import Add, Bullet, Change, Confirm, Delta, Drop, Join, Playbook, TakeBack, Vote
from ace_cli.playbook.bullet import Section
from ace_cli.sameness.learned import LearnedSameness
from ace_cli.stages.base import BulletTag, MergeItem
from ace_cli.stages.curator import SemanticCurator
from ace_cli.stages.refine import refine
from support.builders import item
from support.fuzzing import fewer

AT = "2026-01-01T00:00:00Z"
LESSONS = (
    "Convert all units before dividing.",
    "Convert all of the units before you divide.",
    "Always convert all units before dividing.",
    "Round the price up to full crowns.",
    "Prices are rounded up to the full crown.",
    "Round the price down to full crowns.",
    "Fares below ten crowns are not refunded.",
    "Fares below twelve crowns are not refunded.",
    "A refund of a fare below ten crowns is not given.",
    "...",
)
DOMAINS = ("math", "trains")

taught = st.builds(
    lambda domain, lessons, tags: item(
        *lessons, domain=domain, tags=[BulletTag(f"B00{n}", tag) for n, tag in tags]
    ),
    st.sampled_from(DOMAINS),
    st.lists(st.sampled_from(LESSONS), max_size=3),
    st.lists(st.tuples(st.integers(1, 6), st.sampled_from(list(Section))), max_size=2),
)
batches_of = st.lists(st.lists(taught, max_size=4), min_size=1, max_size=3)


def numbered(batches: Sequence[Sequence[MergeItem]]) -> list[list[MergeItem]]:
    """Each item of an example of its own."""
    count = iter(range(1000))
    return [[replace(each, example_id=f"e{next(count)}") for each in batch] for batch in batches]


def new() -> SemanticCurator:
    return SemanticCurator(WordLlamaEmbedder(), LearnedSameness())


def merged(
    playbook: Playbook, batch: Sequence[MergeItem], curator: SemanticCurator | None = None
) -> tuple[Playbook, tuple[Change, ...]]:
    delta = asyncio.run((curator or new()).curate(playbook, batch, None, at=AT))
    return playbook.apply(delta), delta.changes


def grown(batches: Sequence[Sequence[MergeItem]]) -> Playbook:
    playbook, curator = Playbook(), new()
    for batch in batches:
        playbook, _ = merged(playbook, batch, curator)
    return playbook


def refined(playbook: Playbook) -> tuple[Playbook, tuple[Change, ...]]:
    changes = asyncio.run(refine(playbook, WordLlamaEmbedder(), LearnedSameness()))
    return playbook.apply(Delta(AT, changes)), changes


@fewer(4)
@given(batches_of)
def test_no_lesson_vote_or_source_is_lost_no_wording_changed_and_no_domain_left(
    batches: list[list[MergeItem]],
) -> None:
    playbook, curator = Playbook(), new()
    kept = {True: 0, False: 0}
    votes: Counter[str] = Counter()
    for batch in numbered(batches):
        domains = {each.example_id: each.domain for each in batch}
        before = playbook
        playbook, changes = merged(playbook, batch, curator)
        assert [(b.id, b.content, b.domain_id) for b in playbook.bullets[: len(before)]] == [
            (b.id, b.content, b.domain_id) for b in before.bullets
        ]
        for change in changes:
            if isinstance(change, Add | Confirm):
                kept[isinstance(change, Add)] += 1
                bullet = playbook.by_id[change.bullet.id if isinstance(change, Add) else change.bullet_id]
                assert bullet.domain_id == domains[change.example_id]
                assert change.example_id in bullet.sources
            elif isinstance(change, Vote):
                votes[change.tag.value] += 1
        told = sum(len(each.reflection.insights) for each in batch)
        refused = sum(isinstance(change, Drop) and change.kind != "vote" for change in changes)
        assert told == refused + sum(isinstance(change, Add | Confirm) for change in changes)
    assert len(playbook) == kept[True]
    assert sum(bullet.repeats for bullet in playbook.bullets) == kept[False]
    counted = {tag.value: sum(getattr(b, f"{tag.value}_count") for b in playbook.bullets) for tag in Section}
    assert counted == {tag.value: votes[tag.value] for tag in Section}


@fewer(4)
@given(batches_of)
def test_what_was_merged_is_known_from_then_on(batches: list[list[MergeItem]]) -> None:
    playbook = grown(batches)
    for batch in batches:
        playbook, changes = merged(playbook, batch)
        assert not [change for change in changes if isinstance(change, Add)]


@fewer(4)
@given(batches_of)
def test_a_curator_that_was_there_all_along_and_new_ones_make_the_same(
    batches: list[list[MergeItem]],
) -> None:
    playbook = Playbook()
    for batch in batches:
        playbook, _ = merged(playbook, batch)
    assert playbook == grown(batches)


@fewer(4)
@given(st.lists(taught, max_size=6), st.randoms(use_true_random=False))
def test_of_a_batch_only_the_order_inside_of_a_domain_counts(batch: list[MergeItem], random: object) -> None:
    by_domain = {name: [each for each in batch if each.domain == name] for name in DOMAINS}
    order = [each.domain for each in batch]
    random.shuffle(order)  # type: ignore[attr-defined]
    queues = {name: iter(those) for name, those in by_domain.items()}
    shuffled = [next(queues[name]) for name in order]
    one, other = (merged(Playbook(), each)[0] for each in (batch, shuffled))
    assert _by_domain(one) == _by_domain(other)


def _by_domain(playbook: Playbook) -> dict[str, list[tuple[str, int, bool]]]:
    return {
        name: [(b.content, b.repeats, b.is_quarantined) for b in playbook.bullets if b.domain_id == name]
        for name in DOMAINS
    }


@fewer(2)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(DOMAINS), st.sampled_from(LESSONS[:-1]), st.integers(0, 5), st.integers(0, 3)
        ),
        max_size=7,
    )
)
def test_refining_loses_nothing_ends_at_once_and_can_be_taken_back(
    rows: list[tuple[str, str, int, int]],
) -> None:
    before = Playbook(
        tuple(
            Bullet(f"B{n}", text, domain_id=name, helpful_count=right, harmful_count=wrong, activation_count=right + wrong,
                   sources=(f"e{n % 4}",))
            for n, (name, text, right, wrong) in enumerate(rows)
        )
    )  # fmt: skip
    after, changes = refined(before)
    assert [(b.id, b.content, b.domain_id) for b in after.bullets] == [
        (b.id, b.content, b.domain_id) for b in before.bullets
    ]
    for name in DOMAINS:
        had, has = (
            [b for b in p.bullets if b.domain_id == name and not b.is_quarantined] for p in (before, after)
        )
        assert sum(b.helpful_count for b in has) == sum(b.helpful_count for b in had)
        assert sum(b.harmful_count for b in has) == sum(b.harmful_count for b in had)
        assert {source for b in has for source in b.sources} == {source for b in had for source in b.sources}
    assert not [change for change in refined(after)[1] if isinstance(change, Join)]
    for change in reversed([change for change in changes if isinstance(change, Join)]):
        after = after.apply(Delta(AT, (TakeBack(change.bullet_id, ""),)))
    evidence = [
        (b.helpful_count, b.harmful_count, b.activation_count, set(b.sources)) for b in before.bullets
    ]
    assert [
        (b.helpful_count, b.harmful_count, b.activation_count, set(b.sources)) for b in after.bullets
    ] == evidence
