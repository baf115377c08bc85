"""Embedders and the vector index. The only importer of faiss and wordllama."""

from __future__ import annotations

from ace_cli.embeddings.base import Embedder
from ace_cli.embeddings.index import VectorIndex
from ace_cli.embeddings.provider import Call, ProviderEmbedder
from ace_cli.embeddings.wordllama_embedder import WordLlamaEmbedder
from ace_cli.errors import UsageError

__all__ = ["WORDLLAMA", "Embedder", "VectorIndex", "make_embedder"]


WORDLLAMA = WordLlamaEmbedder.name


def make_embedder(spec: str, call: Call | None = None) -> Embedder:
    """The embedder that a setting names: ``wordllama``, or any embedding model of litellm. Loads nothing yet.

    Args:
        call: how the provider is asked; without it, once and directly at its own address.

    Raises:
        UsageError: the name is empty.
    """
    name = spec.strip()
    if not name:
        raise UsageError(
            "the embedder has no name", "Use wordllama, or a model such as text-embedding-3-small."
        )
    if name == WORDLLAMA:
        return WordLlamaEmbedder()
    if call is None:
        from ace_cli.llm.factory import make_embedding_model

        call = make_embedding_model(name).embed
    return ProviderEmbedder(name, call)
