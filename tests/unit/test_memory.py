"""Similar examples that were merged before: compared with what a plain search through all of them finds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import numpy as np
import pytest

from ace_cli.data import Example
from ace_cli.embeddings.wordllama_embedder import WordLlamaEmbedder
from ace_cli.playbook import Bullet, Playbook
from ace_cli.runs.records import Episode, Round
from ace_cli.scoring.base import Verdict
from ace_cli.stages.base import Attempt
from ace_cli.stages.lexicon import Lexicon
from ace_cli.stages.salience import WordVectors, built_in, weigh
from ace_cli.training import memory
from ace_cli.training.memory import OTHER, SAME, Memory

COMMON = ("the", "of")
WORDS = ["apple", "pear", "shelf", "code", "oslo", "red", "seven", "the", "of", "crate", "note", "late"]


def rows(count: int, seed: int = 1) -> list[Example]:
    """Questions of few words, so that many are equally near; truths that differ in case and blanks alone."""
    draw = random.Random(seed)
    return [
        Example(
            f"r{n}",
            " ".join(draw.choices(WORDS, k=draw.randint(0, 5))),
            draw.choice(["A", "a ", "B", "C", str(n)]),
            domain=draw.choice(["general", "x"]),
        )
        for n in range(count)
    ]


def episode(n: int, batch: int, example: Example, *, failed: bool = False) -> Episode:
    first = Round(Attempt(f"answer {n}"), Verdict(n % 2 == 0, "", "", "exact"))
    failure = "stage_error" if failed else ""
    return Episode(n, 0, n, batch, example.id, example.domain, 0, rounds=(first,), failure=failure)


async def taught(examples: Sequence[Example]) -> Memory:
    """Batches of ten; every thirteenth fails."""
    known = Memory(COMMON, behind=30)
    for start in range(0, len(examples), 10):
        part = list(enumerate(examples[start : start + 10], start))
        await known.learn((episode(n, start // 10, e, failed=n % 13 == 0), e) for n, e in part)
    return known


async def ranked(examples: Sequence[Example], example: Example, version: int, most: int) -> list[int]:
    """Others of its domain before ``version``, the nearest first, each once."""
    seen = [n for n in range(min(len(examples), 10 * version)) if n % 13][-most:]
    weight = weigh((), COMMON)
    vectors = await built_in().embed([examples[n].question for n in seen], weight)
    (query,) = await built_in().embed([example.question], weight)
    cosines = (vectors @ query).round(5)
    told, found = {example.id}, []
    for at in sorted(range(len(seen)), key=lambda at: (-cosines[at], at)):
        other = examples[seen[at]]
        if other.domain == example.domain and other.id not in told:
            told.add(other.id)
            found.append(seen[at])
    return found


@pytest.mark.parametrize("most", [5000, 70])
def test_what_is_similar_is_what_a_plain_search_finds(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST", most)  # when old ones are forgotten
    first = rows(300)
    examples = [*first, *random.Random(2).sample(first, 100)]  # a second epoch

    async def compare() -> None:
        known = await taught(examples)
        for n, example in enumerate(examples[::7]):
            version = len(examples) // 10 - n % 4
            order = await ranked(examples, example, version, most)
            truth = example.answer.strip().casefold()
            same = [m for m in order if examples[m].answer.strip().casefold() == truth][:SAME]
            other = [m for m in order if examples[m].answer.strip().casefold() != truth][:OTHER]
            around = await known.around(example, version, Playbook())
            assert [solved.answer for solved in around.similar] == [
                f"answer {m}" for m in sorted({*same, *other}, key=order.index)
            ]
            alike = await known.alike(example, version, 9)
            assert alike == [(m, m % 2 == 0) for m in order[:9]]

    asyncio.run(compare())


def test_nothing_is_known_before_the_first_batch() -> None:
    async def look() -> None:
        (example, *others) = rows(30)
        known = Memory(COMMON)
        bullets = Playbook((Bullet("B001", "Sort by size.", domain_id=example.domain),))
        around = await known.around(example, 0, bullets)
        assert (around.near, around.similar) == (bullets.bullets, ())
        assert await known.alike(example, 0, 3) == []
        await known.learn([(episode(1, 0, others[0]), others[0])])
        assert await known.alike(example, 0, 3) == []

    asyncio.run(look())


def test_a_text_has_the_same_vector_alone_and_among_hundreds() -> None:
    async def compare() -> None:
        texts = [example.question for example in rows(200)] + ["", "the", "!!", "word " * 300]
        basis = texts[:64]
        weight = weigh(basis, COMMON)
        words = built_in()
        lexicon = Lexicon(words, COMMON)
        await lexicon.learn(basis)
        weighing = lexicon.weigh(lexicon.places(basis))
        await lexicon.learn(texts)  # words that came later count as in no text of the basis
        together = lexicon.embed(lexicon.places(texts), weighing)
        alone = np.concatenate([await words.embed([text], weight) for text in texts])
        assert (together == alone).all()
        assert (lexicon.embed(lexicon.places(texts[50:53]), weighing) == alone[50:53]).all()
        assert all(weighing(word) == weight(word) for word in [*WORDS, "unheard", "word"])

    asyncio.run(compare())


def test_words_that_were_forgotten_are_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ace_cli.stages.salience._MOST_KEPT", 4)

    async def compare() -> None:
        few, weight = WordVectors(WordLlamaEmbedder.embed_words), weigh((), ())
        texts = [example.question for example in rows(60)]
        made = await asyncio.gather(*(few.embed([text], weight) for text in texts))
        assert (np.concatenate(made) == await built_in().embed(texts, weight)).all()

    asyncio.run(compare())
