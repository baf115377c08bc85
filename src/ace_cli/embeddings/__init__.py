"""Embedders and the vector index. The only importer of faiss and wordllama."""

from ace_cli.embeddings.base import Embedder

__all__ = ["Embedder"]
