"""Embedders and the index: what a vector may depend on, and what nearest means."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from ace_cli.embeddings import VectorIndex, make_embedder
from ace_cli.embeddings.cached import CachedEmbedder
from ace_cli.embeddings.provider import ProviderEmbedder
from ace_cli.embeddings.wordllama_embedder import WordLlamaEmbedder
from ace_cli.errors import AceError, UsageError
from ace_cli.llm.base import EmbeddingReply, PermanentError, TransientError
from ace_cli.llm.factory import make_embedding_model
from ace_cli.llm.retry import RetryPolicy, with_retry
from ace_cli.settings import ModelsSettings
from support.embedders import MemoryCache
from support.scripted_server import Faults, ScriptedServer

TEXTS = [
    "Convert units before dividing.",
    "",
    "The warehouse code for Oslo is RV-72.",
    "x",
    "Ünïcode — Ω ≈ 3,14 \x1b[31m",
    "word " * 500,
    "   \n\t ",
]


def embed(embedder: Any, texts: Sequence[str]) -> Any:
    return asyncio.run(embedder.embed(texts))


def test_a_vector_depends_on_its_text_alone_to_the_last_bit() -> None:
    embedder = WordLlamaEmbedder()
    together = embed(embedder, TEXTS)
    assert together.dtype == np.float32
    for text, vector in zip(TEXTS, together, strict=True):
        alone = embed(WordLlamaEmbedder(), [text])[0]
        assert alone.tobytes() == vector.tobytes()
    turned = embed(embedder, TEXTS[::-1])[::-1]
    assert turned.tobytes() == together.tobytes()


def test_vectors_have_length_one_and_texts_without_words_are_zero() -> None:
    lengths = np.linalg.norm(embed(WordLlamaEmbedder(), TEXTS), axis=1)
    assert lengths == pytest.approx([1, 0, 1, 1, 1, 1, 0], abs=1e-5)
    assert embed(WordLlamaEmbedder(), []).shape == (0, 257)


def test_a_megabyte_of_text_is_embedded_like_any_other() -> None:
    (vector,) = embed(WordLlamaEmbedder(), ["divide the total by seven " * 40_000])
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_paraphrases_are_above_the_default_threshold_and_strangers_below() -> None:
    a, b, c = embed(
        WordLlamaEmbedder(),
        [
            "Convert units before dividing.",
            "Never divide before converting units.",
            "Parcels over 30 kg need freight handling.",
        ],
    )
    assert a @ b > 0.8 > a @ c


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("wordllama", WordLlamaEmbedder),
        (" wordllama ", WordLlamaEmbedder),
        ("text-embedding-3-small", ProviderEmbedder),
    ],
)
def test_a_spec_names_its_embedder(spec: str, kind: type) -> None:
    embedder = make_embedder(spec)
    assert isinstance(embedder, kind)
    assert embedder.name == spec.strip()


def test_an_empty_spec_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no name"):
        make_embedder(" ")


# Cache ------------------------------------------------------------------------------------------


class Counting:
    name = "counting"

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def embed(self, texts: Sequence[str]) -> Any:
        self.asked.append(list(texts))
        return np.array([[len(text), 1.0] for text in texts], dtype=np.float32).reshape(len(texts), 2)


def test_a_cached_vector_is_never_asked_for_again() -> None:
    inner, cache = Counting(), MemoryCache()
    first = embed(CachedEmbedder(inner, cache), ["a", "bb", "a"])
    again = embed(CachedEmbedder(inner, cache), ["bb", "ccc"])
    assert inner.asked == [["a", "bb"], ["ccc"]]
    assert first.tolist() == [[1, 1], [2, 1], [1, 1]]
    assert again.tolist() == [[2, 1], [3, 1]]
    assert embed(CachedEmbedder(inner, cache), []).shape == (0, 2)


# Index ------------------------------------------------------------------------------------------


def rows(count: int, dimensions: int = 32, seed: int = 0) -> Any:
    vectors = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def filled(items: Sequence[Any], vectors: Any) -> VectorIndex[Any]:
    index: VectorIndex[Any] = VectorIndex()
    index.add(items, vectors)
    return index


def test_an_extended_index_answers_like_one_built_at_once() -> None:
    vectors = rows(700)
    ids = [f"B{n:03d}" for n in range(700)]
    at_once: VectorIndex[str] = VectorIndex()
    extended: VectorIndex[str] = VectorIndex()
    at_once.add(ids, vectors)
    for start in range(0, 700, 7):
        extended.add(ids[start : start + 7], vectors[start : start + 7])
    for query in rows(50, seed=1):
        assert at_once.search(query, 8) == extended.search(query, 8)
    assert len(extended) == 700


def test_search_is_exact() -> None:
    vectors = rows(300)
    index = filled(range(300), vectors)
    query = rows(1, seed=2)[0]
    wanted = sorted(range(300), key=lambda n: -float(vectors[n] @ query))[:5]
    found = index.search(query, 5)
    assert [item for item, _ in found] == wanted
    assert [cosine for _, cosine in found] == pytest.approx(
        [float(vectors[n] @ query) for n in wanted], abs=1e-6
    )
    assert all(cosine == round(cosine, 6) for _, cosine in found)


def test_equal_ones_come_in_the_order_in_which_they_were_added() -> None:
    index = filled([f"same{n}" for n in range(40)], np.tile(rows(1), (40, 1)))
    assert [item for item, _ in index.search(rows(1)[0], 5)] == ["same0", "same1", "same2", "same3", "same4"]
    assert index.search(rows(1)[0], 1) == [("same0", 1.0)]


def test_vectors_of_nan_and_zero_are_near_nothing() -> None:
    vectors = rows(4)
    vectors[1] = np.nan
    vectors[2] = 0
    index = filled("abcd", vectors)
    found = dict(index.search(vectors[0], 4))
    assert (found["a"], found["b"], found["c"]) == (1.0, 0.0, 0.0)
    assert {cosine for _, cosine in index.search(vectors[1], 4)} == {0.0}


def test_an_empty_index_finds_nothing() -> None:
    index = filled([], [])
    assert index.search(rows(1)[0], 3) == []
    assert index.cosines(rows(1)[0], []).tolist() == []


def test_cosines_of_chosen_items_are_those_that_search_finds() -> None:
    vectors = rows(300)
    vectors[7] = np.inf
    index = filled(range(300), vectors)
    query = rows(1, seed=3)[0]
    found = dict(index.search(query, 300))
    assert index.cosines(query, [250, 7, 0, 250]).tolist() == [found[250], 0.0, found[0], found[250]]


def test_what_is_not_near_enough_is_left_out() -> None:
    index = filled(range(300), rows(300))
    query = rows(1, seed=4)[0]
    everything = index.search(query, 300)
    (_, least) = everything[20]
    assert index.search(query, 300, at_least=least) == everything[:21]
    assert index.search(query, 5, at_least=least) == everything[:5]


def test_queries_that_are_asked_together_get_the_very_answers_that_each_gets_alone() -> None:
    index = filled(range(12_000), rows(12_000, 16))
    queries = rows(40, 16, seed=5)
    assert index.search_each(queries, 6, at_least=0.5) == [index.search(q, 6, at_least=0.5) for q in queries]


def test_an_approximate_index_does_not_depend_on_how_it_was_built_and_finds_most() -> None:
    vectors, queries = rows(6000, 8), rows(30, 8, seed=6)
    at_once, extended = (VectorIndex[int](approximate_from=4096) for _ in range(2))
    at_once.add(range(6000), vectors)
    steps = [0, 4000, 4090, 4100, *range(4101, 4200), 5000, 6000]
    for start, stop in pairwise(steps):
        extended.add(range(start, stop), vectors[start:stop])
    found = extended.search_each(queries, 8)
    assert found == at_once.search_each(queries, 8) == [at_once.search(query, 8) for query in queries]
    exact = filled(range(6000), vectors).search_each(queries, 8)
    shared = [len(set(one) & set(other)) for one, other in zip(found, exact, strict=True)]
    assert sum(shared) / (8 * 30) > 0.8, "cosines of what both found are equal, and most is found"
    assert found != exact, "it is approximate"


def test_an_index_is_exact_until_it_is_large() -> None:
    vectors, query = rows(4095, 8), rows(1, 8, seed=7)[0]
    index = VectorIndex[int](approximate_from=4096)
    index.add(range(4095), vectors)
    assert index.search(query, 50) == filled(range(4095), vectors).search(query, 50)


def test_vectors_of_another_model_are_refused() -> None:
    index = filled("a", rows(1, 32))
    with pytest.raises(AceError, match="64 numbers after vectors of 32"):
        index.add(["b"], rows(1, 64))


# A provider, through real litellm ---------------------------------------------------------------

QUICK = RetryPolicy(max_retries=4, initial=0.01, maximum=0.02, horizon=2.0)


def provider(model: str, url: str, policy: RetryPolicy = QUICK) -> ProviderEmbedder:
    asked = make_embedding_model(model, ModelsSettings(api_base=(url,)))

    async def call(texts: Sequence[str]) -> EmbeddingReply:
        return (await with_retry(lambda: asked.embed(texts), policy)).value

    return ProviderEmbedder(model, call)


def test_a_providers_vectors_come_in_the_order_of_the_texts() -> None:
    texts = [f"lesson number {n}" for n in range(100)] + ["", "  "]
    with ScriptedServer({}) as server:
        embedder = provider("text-embedding-3-small", server.url)
        vectors = embed(embedder, texts)
        sizes = len(server.log)
        alone = embed(embedder, [texts[98]])[0]
    assert vectors.shape == (102, 128)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1] * 100 + [0, 0], abs=1e-5)
    assert (vectors[98] == alone).all()
    assert sizes == 2  # 96 texts a call, empty ones are not paid for


def test_a_model_behind_an_address_needs_no_known_name() -> None:
    with ScriptedServer({}) as server:
        assert embed(provider("my-own-embedder", server.url), ["a b"]).shape == (1, 128)


def test_passing_faults_cost_time_only() -> None:
    with ScriptedServer({}, faults=Faults(rate=1.0, kinds=("error_503", "rate_limit"), most=2)) as server:
        vectors = embed(provider("text-embedding-3-small", server.url, QUICK), ["a b c"])
        assert len(server.log) == 3
    assert vectors.shape == (1, 128)


@pytest.mark.parametrize(
    ("fault", "kind"), [("unauthorized", PermanentError), ("wrong_schema", TransientError)]
)
def test_a_failed_call_is_one_of_our_errors(fault: str, kind: type[Exception]) -> None:
    policy = RetryPolicy(max_retries=0, horizon=0.1)
    with (
        ScriptedServer({}, faults=Faults(rate=1.0, kinds=(fault,), most=99)) as server,
        pytest.raises(kind, match="text-embedding-3-small"),
    ):
        embed(provider("text-embedding-3-small", server.url, policy), ["a b c"])


def test_an_unknown_provider_is_named() -> None:
    with pytest.raises(PermanentError, match="no-such-thing"):
        embed(make_embedder("no-such-thing"), ["a"])
    assert logging.getLogger().level == logging.WARNING
