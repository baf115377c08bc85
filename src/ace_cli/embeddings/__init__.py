"""Embedders and the vector index. The only importer of faiss and wordllama."""

from __future__ import annotations

from ace_cli.embeddings.base import Embedder
from ace_cli.embeddings.index import VectorIndex
from ace_cli.embeddings.provider import LitellmEmbedder
from ace_cli.embeddings.wordllama_embedder import WordLlamaEmbedder
from ace_cli.errors import UsageError

__all__ = ["Embedder", "VectorIndex", "make_embedder"]


def make_embedder(spec: str, api_base: str | None = None) -> Embedder:
    """The embedder that a setting names: ``wordllama``, or any embedding model of litellm. Loads nothing yet.

    Raises:
        UsageError: the name is empty.
    """
    name = spec.strip()
    if not name:
        raise UsageError(
            "the embedder has no name", "Use wordllama, or a model such as text-embedding-3-small."
        )
    if name == WordLlamaEmbedder.name:
        return WordLlamaEmbedder()
    return LitellmEmbedder(name, api_base)
