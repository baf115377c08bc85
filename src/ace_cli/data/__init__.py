"""Examples and where they come from: JSON, JSON Lines, CSV, Parquet and Hugging Face datasets, streamed."""

from ace_cli.data.example import ContentHash, DatasetSpec, Example, FieldMap, Skipped, content_key
from ace_cli.data.reader import DatasetLoader, count_rows, example_of, read_examples, source_fingerprint

__all__ = [
    "ContentHash",
    "DatasetLoader",
    "DatasetSpec",
    "Example",
    "FieldMap",
    "Skipped",
    "content_key",
    "count_rows",
    "example_of",
    "read_examples",
    "source_fingerprint",
]
