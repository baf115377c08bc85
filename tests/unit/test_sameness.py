"""Same or new? The labelled pairs are ours, the table of hard cases names one rule each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from benchmarks.sameness.pairs import load
from hypothesis import given
from hypothesis import strategies as st

from ace_cli.embeddings.wordllama_embedder import WordLlamaEmbedder
from ace_cli.sameness.base import Pair, Relation
from ace_cli.sameness.learned import AT_ONCE, LearnedSameness, likeness, likenesses
from ace_cli.sameness.rules.contradiction import contradiction

ROWS = [
    json.loads(row)
    for row in (Path(__file__).parents[1] / "fixtures/sameness_pairs.jsonl").read_text("utf-8").splitlines()
]
SAME = [(row["a"], row["b"]) for row in ROWS if row["same"]]
OTHER = [(row["a"], row["b"]) for row in ROWS if not row["same"] and row["kind"] != "related"]


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        ("Retry 5 times.", "Retry seven times.", "other number: 5 vs seven"),
        ("A fee of 15% applies.", "A fee of 25 percent applies.", "other number: 15 vs 25"),
        ("Use the third row.", "Use the 4th row.", "other number: third vs 4"),
        ("Round to one decimal place.", "Round to two decimal places.", "other number: one vs two"),
        ("It takes 1,080 steps.", "It takes 1080.5 steps.", "other number: 1,080 vs 1080.5"),
        ("Give 5 mg of it.", "Give 5 g of it.", "other unit: mg vs g"),
        ("Answer in $.", "Answer in euros.", "other unit: dollar vs euro"),
        ("The code for Oslo is RV-72.", "The code for Oslo is KL-19.", "other name: rv-72 vs kl-19"),
        ("Check the latest INR.", "Check the latest EPS.", "other name: inr vs eps"),
        ("Send it to Oslo.", "Send it to Bergen.", "other name: oslo vs bergen"),
        ("Call `open_file` first.", "Call `close_file` first.", "other name: open_file vs close_file"),
        ("Round the price up.", "Always round prices down.", "opposite: roundup vs rounddown"),
        ("Increase the dose.", "Decrease the dose.", "opposite: increase vs decrease"),
        ("Mention at least three.", "Mention no more than three.", "opposite: atleast vs atmost"),
        ("It is safe to mix them.", "It is unsafe to mix them.", "negation: unsafe vs safe"),
        ("Sort before filtering.", "Sort after filtering.", "other order"),
        ("Do not convert units before dividing.", "Convert units before dividing.", "other order"),
        ("Divide debt by equity.", "Divide equity by debt.", "other operands"),
        ("Subtract cost from revenue.", "Take revenue away from cost.", "other difference"),
        ("Never show the working.", "Show the working.", "negation"),
        ("Use net income, not revenue.", "Use revenue rather than net income.", "negation"),
        ("Do not forget the remainder.", "Forget the remainder.", "negation"),
        ("Rounding early is a mistake.", "Round early.", "negation"),
        ("Use diluted shares for it.", "Use common shares for it.", "other term: diluted vs common"),
    ],
)
def test_each_kind_of_contradiction_is_named(a: str, b: str, reason: str) -> None:
    assert contradiction(a, b) == reason
    assert contradiction(b, a) is not None


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Convert units before dividing.", "Never divide before converting units."),
        ("Convert units before dividing.", "Only divide after converting the units."),
        ("Don't forget to carry the remainder.", "Remember to carry the remainder."),
        ("Never pass input to the database without validating it.", "Validate input before passing it on."),
        ("Do not dispatch until the address is confirmed.", "Confirm the address before dispatching."),
        ("Avoid rounding early.", "Do not round early."),
        ("Wait two hundred fifty ms.", "Wait 250 ms."),
        ("Give at most 4 doses.", "Give no more than four doses."),
        ("A fee of 15% applies.", "A 15 percent fee applies."),
        ("The share is 15%.", "The share is 0.15."),
        ("Report 1,000 dollars.", "Report $1000."),
        ("Sum first, then divide.", "Divide after summing."),
        ("Divide the total by the count.", "The total is divided by the count."),
        ("The EU needs forms.", "The European Union needs forms."),
        ("Use UTC.", "use UTC!"),
        ("Log every error with its cause.", "Errors are logged with their cause."),
        ("Rounding early is a mistake.", "Do not round early."),
        ("Check the units of each value one at a time.", "Check the two units of each value."),
    ],
)
def test_other_words_for_the_same_are_no_contradiction(a: str, b: str) -> None:
    assert contradiction(a, b) is None
    assert contradiction(b, a) is None


def test_in_other_languages_it_merges_no_more_wrongly_than_a_cosine() -> None:
    labelled = [pair for pair in load("other") if not pair.same]
    texts = sorted({text for pair in labelled for text in (pair.a, pair.b)})
    rows = dict(zip(texts, asyncio.run(WordLlamaEmbedder().embed(texts)), strict=True))
    pairs = [Pair(pair.a, pair.b, float(rows[pair.a] @ rows[pair.b])) for pair in labelled]
    merged = [j.relation is Relation.SAME for j in asyncio.run(LearnedSameness().compare(pairs))]
    assert len(pairs) >= 190
    assert sum(merged) <= 0.03 * len(pairs) < sum(pair.similarity >= 0.8 for pair in pairs)


def test_a_likeness_depends_neither_on_the_pairs_beside_it_nor_on_which_lesson_comes_first() -> None:
    long = "Round the price up before adding tax, unless the item is exempt. " * 40
    pairs = [*SAME[:40], *OTHER[:40], ("", "."), (long, long), (long, "Round up."), *SAME[40:50]]
    alone = [likeness(a, b) for a, b in pairs]
    assert likenesses(pairs) == pytest.approx(alone, abs=1e-12)
    assert likenesses([(b, a) for a, b in pairs]) == pytest.approx(alone, abs=1e-12)


def test_others_have_their_turn_while_many_pairs_are_compared() -> None:
    pairs = [Pair(f"Count {n} boxes of a load.", f"Count {n} crates of it.", 0.9) for n in range(100)]

    async def compare() -> int:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        judged = await LearnedSameness().compare(pairs)
        task.cancel()
        assert len(judged) == len(pairs)
        return turns

    assert asyncio.run(compare()) >= 100 // AT_ONCE


def test_the_rules_block_few_of_our_paraphrases_and_nearly_all_opposites() -> None:
    blocked = [pair for pair in SAME if contradiction(*pair)]
    missed = [pair for pair in OTHER if not contradiction(*pair)]
    assert len(blocked) <= 0.03 * len(SAME), blocked
    assert len(missed) <= 0.02 * len(OTHER), missed


def test_with_vectors_most_paraphrases_merge_and_opposites_do_not() -> None:
    texts = [row[side] for row in ROWS for side in "ab"]
    vectors = asyncio.run(WordLlamaEmbedder().embed(texts))
    merged = [
        float(vectors[2 * n] @ vectors[2 * n + 1]) >= 0.8 and contradiction(row["a"], row["b"]) is None
        for n, row in enumerate(ROWS)
    ]
    same = [m for m, row in zip(merged, ROWS, strict=True) if row["same"]]
    other = [m for m, row in zip(merged, ROWS, strict=True) if not row["same"]]
    assert sum(same) >= 0.85 * len(same)
    assert sum(other) <= 0.02 * len(other)


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_two_texts_can_be_compared_both_ways(a: str, b: str) -> None:
    assert (contradiction(a, b) is None) == (contradiction(b, a) is None)
    assert contradiction(a, a) is None


@given(st.lists(st.sampled_from([w for a, b in SAME + OTHER for w in (a + " " + b).split()]), max_size=30))
def test_a_text_never_contradicts_itself_however_it_is_put(parts: list[str]) -> None:
    text = " ".join(parts)
    assert contradiction(text, f"  {text.upper()} ") is None


def test_a_huge_text_is_compared_at_once() -> None:
    assert contradiction("never 5 " * 200_000, "always 6 " * 200_000) is not None


@pytest.mark.parametrize(
    "words",
    [
        ("divide", "divides", "dividing", "divided", "division"),
        ("multiply", "multiplied", "multiplies", "multiplying"),
        ("unit", "units"),
        ("convert", "converting", "conversion"),
        ("add", "adding", "added", "addition"),
        ("stop", "stopped", "stopping"),
        ("class", "classes"),
    ],
)
def test_another_form_of_a_word_is_no_other_term(words: tuple[str, ...]) -> None:
    first, *others = (f"Report {word} beside final balance." for word in words)
    assert [contradiction(first, other) for other in others] == [None] * len(others)
    assert contradiction(first, "Report weather beside final balance.") is not None


def test_what_is_denied_ends_with_its_clause() -> None:
    text = "Do not use a bare except; catch specific types."
    assert contradiction(text, "Use a bare except.") == "negation"
    assert contradiction(text, "Never catch specific types.") == "negation"
    assert contradiction(text, "Catch specific types.") is None


# -- the learned one


def merged(rows: Sequence[Sequence[str]]) -> list[bool]:
    vectors = asyncio.run(WordLlamaEmbedder().embed([text for row in rows for text in row[:2]]))
    pairs = [Pair(a, b, float(vectors[2 * n] @ vectors[2 * n + 1])) for n, (a, b, *_) in enumerate(rows)]
    learned = LearnedSameness()
    judged = asyncio.run(learned.compare(pairs))
    return [
        judgement.relation is Relation.SAME and pair.similarity >= learned.reach
        for pair, judgement in zip(pairs, judged, strict=True)
    ]


def test_of_topics_that_it_never_saw_it_merges_few_that_differ_in_one_thing() -> None:
    pairs = load("test")
    found = merged([(pair.a, pair.b) for pair in pairs])
    rate = {
        same: sum(f for f, pair in zip(found, pairs, strict=True) if pair.same is same)
        / sum(pair.same is same for pair in pairs)
        for same in (True, False)
    }
    assert rate[False] <= 0.05
    assert rate[True] >= 0.65


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Convert units before dividing.", "Always convert units before dividing."),
        (
            "Round up to whole containers.",
            "Remember: round up to whole containers, before writing the final answer.",
        ),
        (
            "Label a ticket REFUND when the customer wants money back.",
            "Tickets of customers who want their money back are labelled REFUND.",
        ),
        (
            "If something that is no food is delivered, the shelf is Maple.",
            "The shelf is Maple if something that is no food is delivered.",
        ),
        ("When a parcel comes, the bin is Red.", "The bin is Red when a parcel comes."),
    ],
)
def test_other_words_that_add_nothing_are_the_same_both_ways(a: str, b: str) -> None:
    assert merged([(a, b), (b, a)]) == [True, True]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (
            "In Orvan time, an hour has 50 minutes.",
            "Departure boards in Orvan put the minutes before the hours.",
        ),
        ("Give the surname first.", "Write the given name first."),
        ("A level score gives the visiting team the win.", "A level score is reported as a draw."),
        ("If the invoice has no order number, return it.", "If the invoice has no tax number, return it."),
        ("The child rides free if the adult pays.", "If the child pays, the adult rides free."),
        ("Keep files when prints are made.", "When files are kept, make prints."),
        ("Stay when they leave and work.", "When they work and stay, leave."),
    ],
)
def test_another_condition_entity_or_advice_is_another_lesson(a: str, b: str) -> None:
    assert merged([(a, b), (b, a)]) == [False, False]


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_likeness_does_not_depend_on_the_order_and_is_found_for_any_texts(a: str, b: str) -> None:
    assert 0 <= likeness(a, b) <= 1
    assert likeness(a, b) == pytest.approx(likeness(b, a), abs=1e-9)
