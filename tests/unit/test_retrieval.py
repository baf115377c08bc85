"""Which bullets a question gets when not all may go into the prompt."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from ace_cli.embeddings.wordllama_embedder import WordLlamaEmbedder
from ace_cli.playbook import Bullet
from ace_cli.stages.retrieval import BulletSelector, Nearest
from ace_cli.stages.salience import common_words
from support.builders import CITIES
from support.embedders import CountingEmbedder

CODES = tuple(
    Bullet(f"B{n:03d}", f"The warehouse code for {city} is RV-{n + 40}.") for n, city in enumerate(CITIES, 1)
)


def words(text: str) -> int:
    return len(text.split())


def selector(budget: int = 10_000, most: int | None = None, embedder: Any = None) -> BulletSelector:
    nearest = Nearest(embedder or WordLlamaEmbedder())
    return BulletSelector(nearest, words, budget_tokens=budget, max_bullets=most)


def select(chosen_by: BulletSelector, question: str, bullets: Sequence[Bullet] = CODES) -> list[str]:
    return [bullet.id for bullet in asyncio.run(chosen_by.select(bullets, question))]


def test_all_bullets_that_fit_go_in_unasked() -> None:
    embedder = CountingEmbedder()
    assert select(selector(embedder=embedder), "Where is it?") == [b.id for b in CODES]
    assert embedder.asked == []  # a small playbook costs no embedding


@pytest.mark.parametrize("city", CITIES)
def test_three_bullets_hold_the_one_that_the_question_needs(city: str) -> None:
    question = f"A parcel goes to {city}. Which code must be written on it?"
    wanted = next(bullet.id for bullet in CODES if city in bullet.content)
    found = select(selector(most=3), question)
    assert len(found) == 3
    assert wanted in found
    assert found == sorted(found)


def test_the_budget_counts_whole_lines() -> None:
    assert len(select(selector(budget=8 * 4 + 7), "Oslo?")) == 4  # each line has 8 words
    assert select(selector(budget=7), "Oslo?") == []
    assert select(selector(budget=0), "Oslo?") == []
    assert select(selector(most=0), "Oslo?") == []
    assert select(selector(), "Oslo?", ()) == []


def test_a_bullet_too_long_for_the_budget_makes_room_for_shorter_ones() -> None:
    long = Bullet("B099", "What is the warehouse code for Oslo? " * 20)
    assert select(selector(budget=17), "What is the warehouse code for Oslo?", (*CODES, long)) == select(
        selector(budget=17), "What is the warehouse code for Oslo?"
    )


def test_of_near_equals_the_trusted_one_is_taken() -> None:
    doubted = Bullet("B001", "Round up the number of buses.", confidence=0.2)
    trusted = Bullet("B002", "Round up the number of boxes.", confidence=0.9)
    assert select(selector(most=1), "How many vehicles are needed?", (doubted, trusted)) == ["B002"]


def test_equal_ones_are_taken_in_their_order() -> None:
    twins = tuple(Bullet(f"B{n:03d}", "The same words.") for n in range(1, 30))
    assert select(selector(most=3), "words", twins) == ["B001", "B002", "B003"]


def test_bullets_are_embedded_once_and_questions_once_a_call() -> None:
    embedder = CountingEmbedder()
    chosen_by = selector(most=2, embedder=embedder)

    async def many() -> list[tuple[Bullet, ...]]:
        return await asyncio.gather(*(chosen_by.select(CODES, f"Code for {city}?") for city in CITIES))

    at_once = asyncio.run(many())
    assert sorted(embedder.asked) == sorted([b.content for b in CODES] + [f"Code for {c}?" for c in CITIES])
    embedder.asked.clear()
    grown = (*CODES, Bullet("B013", "Round up."))
    select(chosen_by, "Oslo?", grown)
    assert sorted(embedder.asked) == ["Oslo?", "Round up."]
    one_by_one = [asyncio.run(selector(most=2).select(CODES, f"Code for {city}?")) for city in CITIES]
    assert at_once == one_by_one


def test_vectors_of_nan_select_like_zero() -> None:
    class Broken(WordLlamaEmbedder):
        name = "broken"

        async def embed(self, texts: Sequence[str]) -> Any:
            return np.full((len(texts), 4), np.nan, dtype=np.float32)

    assert select(selector(most=2, embedder=Broken()), "Oslo?") == ["B001", "B002"]


def test_ten_thousand_bullets_are_counted_only_as_far_as_the_budget_goes() -> None:
    counted: list[str] = []

    def count(text: str) -> int:
        counted.append(text)
        return words(text)

    bullets = tuple(Bullet(f"B{n:03d}", f"Lesson {n} says to check value {n * 7}.") for n in range(1, 10_001))
    chosen_by = BulletSelector(Nearest(WordLlamaEmbedder()), count, budget_tokens=90)
    first = select(chosen_by, "What does lesson 4711 say?", bullets)
    assert len(first) == 11
    assert len(counted) < 100
    assert select(chosen_by, "What does lesson 4711 say?", bullets) == first


TASKS = Path(__file__).parents[2] / "benchmarks" / "learning" / "tasks"


@pytest.mark.parametrize(("task", "plain"), [("ledger", 26), ("facts", 25)])
def test_words_that_all_questions_share_do_not_decide(task: str, plain: int) -> None:
    """The rule that a question needs is among the five nearest more often than with texts embedded whole."""
    rules = tuple(
        Bullet(f"B{n:03d}", rule)
        for n, rule in enumerate((TASKS / task / "gold.txt").read_text("utf-8").splitlines(), 1)
    )
    keys = dict(line.split("\t") for line in (TASKS / task / "key.txt").read_text("utf-8").splitlines())
    train, dev = (
        [orjson.loads(row) for row in (TASKS / task / f"{split}.jsonl").open("rb")]
        for split in ("train", "dev")
    )

    def found(nearest: Nearest) -> int:
        chosen_by = BulletSelector(nearest, words, budget_tokens=10_000, max_bullets=5)
        return sum(f"B{int(keys[row['id']]):03d}" in select(chosen_by, row["question"], rules) for row in dev)

    common = common_words(row["question"] for row in train)
    whole, weighted = found(Nearest(CountingEmbedder())), found(Nearest(WordLlamaEmbedder(), common))
    assert whole <= plain
    assert weighted >= 0.85 * len(dev)


def test_the_words_of_most_questions_are_common() -> None:
    questions = [f"Which shelf does this note go to? Note: {city} wrote." for city in CITIES]
    assert set(common_words(questions)) == {"which", "shelf", "does", "this", "note", "go", "to", "wrote"}
    assert common_words(questions[:4]) == ()  # too few to tell


@pytest.mark.parametrize("embedder", [WordLlamaEmbedder(), CountingEmbedder()], ids=["words", "whole"])
def test_the_best_of_a_choice_are_those_that_ranking_it_alone_would_put_first(embedder: Any) -> None:
    draw = random.Random(7)
    said = ["crate", "pear", "shelf", "the", "of", *CITIES, *map(str, range(12))]
    bullets = tuple(
        Bullet(
            f"B{n:03d}",
            " ".join(draw.choices(said, k=draw.randint(1, 9))),
            confidence=draw.choice([0.5, 0.8]),
        )
        for n in range(1, 121)
    )
    questions = ["?", "the of", *(" ".join(draw.choices(said, k=6)) for _ in range(40))]

    async def compare() -> None:
        nearest, alone = (Nearest(embedder, ["the", "of"]) for _ in range(2))
        for question in questions:
            chosen = sorted(draw.sample(range(len(bullets)), draw.randint(5, len(bullets))))
            ranked = await alone.rank([bullets[position] for position in chosen], question)
            best = await nearest.best(bullets, chosen, question, 4)
            assert best == [chosen[place] for place in ranked[:4]]

    asyncio.run(compare())
