"""Examples, and what is asked of a dataset: plain records that need no library."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import normalize

from ace_cli.playbook import GENERAL
from ace_cli.text import ValidText


@dataclass(frozen=True, slots=True)
class Example(ValidText):
    """One row of a dataset: a question with its known answer.

    ``cluster`` is what rows from one source share, where an evaluation is told to heed it.
    """

    id: str
    question: str
    answer: str
    domain: str = GENERAL
    context: str = ""
    cluster: str = ""


ROLES = ("question", "answer", "domain", "context", "id")
"""What a row may tell of an example; the first two it must."""


@dataclass(frozen=True, slots=True)
class FieldMap:
    """The names of the fields in the data; None is the default name (``question``, ``answer``, ``domain``, ``context``, ``id``).

    ``cluster`` has none. A name with dots goes into objects and lists: ``answers.text.0``.
    """

    question: str | None = None
    answer: str | None = None
    domain: str | None = None
    context: str | None = None
    id: str | None = None
    cluster: str | None = None

    def name_of(self, role: str) -> str:
        """The field that holds ``role``, one of :data:`ROLES`."""
        return getattr(self, role) or role


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """Which examples to read.

    Args:
        name: ``gsm8k``, ``custom`` (rows of ``input``), a Hugging Face id (``owner/name`` or ``owner/name:config``), or the path
            of a file or of a folder in hub layout.
        input: a file (.json, .jsonl, .csv, .tsv, .parquet, also .gz) or a folder in hub layout.
        split: of a hub dataset or folder; in a JSON object with a list under this name, that list.
        num_examples: how many at most; None takes all.
        shuffle: draw by hash(seed, row) instead of taking the first rows. A larger sample begins with the smaller one.
        skip_invalid: leave bad rows out instead of refusing the data.
    """

    name: str = "gsm8k"
    input: Path | None = None
    config: str | None = None
    split: str = "train"
    fields: FieldMap = field(default_factory=FieldMap)
    num_examples: int | None = None
    shuffle: bool = False
    seed: int = 0
    skip_invalid: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """A bad row that was left out: ``source`` is its file or dataset, ``place`` its line or row, from 1."""

    source: str
    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}, {self.place}: {self.reason}"


class ContentHash:
    """SHA-256 over examples in order: what a dataset says, wherever it is kept."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def update(self, example: Example) -> None:
        fields = [example.id, example.question, example.answer, example.domain, example.context]
        self._hash.update(json.dumps(fields, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def content_key(example: Example) -> bytes:
    """Equal for rows that ask the same: question and context, whatever their case, spacing and Unicode form."""
    parts = (" ".join(normalize("NFKC", part).split()) for part in (example.question, example.context))
    return hashlib.blake2b("\x1f".join(parts).casefold().encode(), digest_size=16).digest()
