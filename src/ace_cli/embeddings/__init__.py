"""Embedders and the vector index. The only importer of faiss and wordllama."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ace_cli.embeddings.base import Embedder
from ace_cli.embeddings.index import VectorIndex, add_aside, search_aside
from ace_cli.embeddings.provider import Call, ProviderEmbedder
from ace_cli.embeddings.wordllama_embedder import WordLlamaEmbedder, word_vectors
from ace_cli.errors import UsageError
from ace_cli.plugins import load, names_a_part

__all__ = [
    "WORDLLAMA",
    "Embedder",
    "VectorIndex",
    "add_aside",
    "make_embedder",
    "search_aside",
    "word_vectors",
]


WORDLLAMA = WordLlamaEmbedder.name


def make_embedder(
    spec: str, call: Call | None = None, arguments: Mapping[str, Any] = MappingProxyType({})
) -> Embedder:
    """The embedder that a setting names: ``wordllama``, one of the user's own, or any embedding model of litellm.

    Loads no model yet.

    Args:
        call: how the provider is asked; without it, once and directly at its own address.
        arguments: of an embedder of the user's own.

    Raises:
        UsageError: the name is empty, or an embedder of the user's own is not available.
    """
    name = spec.strip()
    if not name:
        raise UsageError(
            "the embedder has no name", "Use wordllama, or a model such as text-embedding-3-small."
        )
    if name == WORDLLAMA or names_a_part("embedder", name):
        own: Embedder = load("embedder", name, {WORDLLAMA: WordLlamaEmbedder}, arguments)
        return own
    if call is None:
        from ace_cli.llm.factory import make_embedding_model

        call = make_embedding_model(name).embed
    return ProviderEmbedder(name, call)
