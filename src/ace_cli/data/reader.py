"""Examples from wherever they are: the one door to every format."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from ace_cli.data.example import DatasetSpec, Example, FieldMap, Skipped
from ace_cli.data.hub import KNOWN, read_hub
from ace_cli.data.localfile import EXTENSIONS, check_path, extension, read_file
from ace_cli.data.rows import BadRow, Row, to_example
from ace_cli.data.sample import draw
from ace_cli.errors import UsageError

CUSTOM = "custom"
_HUB_ID = re.compile(r"(?:[\w.-]{1,96}/)?[\w.-]{1,96}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of a spec are: a local file or folder (``path``), or a dataset on the hub (``name``, ``config``)."""

    path: Path | None = None
    name: str = ""
    config: str | None = None

    def __str__(self) -> str:
        return str(self.path or self.name)

    def rows(self, spec: DatasetSpec) -> Iterator[Row]:
        if self.path is None:
            return read_hub(self.name, self.config, spec.split, local=False)
        if self.path.is_dir():
            return read_hub(str(self.path), self.config, spec.split, local=True)
        return read_file(self.path, spec)

    def id_prefix(self, spec: DatasetSpec) -> str:
        """What rows without an id are called, before their number."""
        return "row" if self.path is not None and self.path.is_file() else spec.split


def read_examples(spec: DatasetSpec, skipped: list[Skipped] | None = None) -> Iterator[Example]:
    """The examples of ``spec``, read as they are asked for: in the data's order, or, shuffled, in the order of the draw.

    Args:
        skipped: takes the bad rows that ``spec.skip_invalid`` leaves out.

    Raises:
        UsageError: the data is missing, empty or unreadable, or a row is bad; it names the file and the line or row.
    """
    if spec.num_examples is not None and spec.num_examples < 1:
        raise UsageError(f"--num-examples {spec.num_examples}: at least 1 is needed")
    source = locate(spec)
    checked = _checked(spec, source, [] if skipped is None else skipped)
    if spec.shuffle:
        yield from draw(checked, spec.num_examples, spec.seed)
    else:
        yield from (example for _, example in islice(checked, spec.num_examples))


def example_of(value: Any, number: int, fields: FieldMap) -> Example:
    """The example in a row that is at hand, the ``number``-th (from 1).

    Raises:
        UsageError: it is a bad row.
    """
    place = f"row {number}"
    try:
        return to_example(Row(number, place, value), fields, "row")
    except BadRow as problem:
        raise UsageError(f"examples, {place}: {problem.reason}", problem.hint) from problem


MOST_COUNTED = 200_000


def count_rows(spec: DatasetSpec) -> int | None:
    """How many rows a local file holds; None for other data, and for files of more than :data:`MOST_COUNTED` rows."""
    try:
        source = locate(spec)
        if source.path is None or source.path.is_dir():
            return None
        found = sum(1 for _ in islice(source.rows(spec), MOST_COUNTED + 1))
    except UsageError:  # further down than it is read: no concern of who asked for less
        return None
    return None if found > MOST_COUNTED else found


def locate(spec: DatasetSpec) -> Source:
    """What ``spec`` means, without reading it.

    Raises:
        UsageError: nothing is named, two things are, or a local path is not there.
    """
    if spec.input is not None:
        if spec.name not in (CUSTOM, *KNOWN):
            raise UsageError(
                f"both --dataset {spec.name} and --input {spec.input} name the data", "Give one of them."
            )
        return Source(path=check_path(spec.input))
    if spec.name == CUSTOM:
        raise UsageError("--dataset custom needs --input", "Name a file: --input rows.jsonl")
    if spec.name in KNOWN:
        name, config = KNOWN[spec.name]
        return Source(name=name, config=spec.config or config)
    path = Path(spec.name).expanduser()
    if (
        _is_there(path)
        or path.is_absolute()
        or spec.name.startswith((".", "~"))
        or extension(path) in EXTENSIONS
    ):
        return Source(path=check_path(path), config=spec.config)
    name, _, config = spec.name.partition(":")
    if not _HUB_ID.fullmatch(name):
        raise UsageError(
            f"--dataset {spec.name[:100]!r} is neither a known name, a path, nor a Hugging Face id",
            f"Use {', '.join(KNOWN)}, custom with --input FILE, or an id like owner/name.",
        )
    return Source(name=name, config=spec.config or config or None)


def source_fingerprint(spec: DatasetSpec) -> dict[str, Any]:
    """What tells cheaply that the data has not changed: path, size and time of every file; of the hub, only the name.

    It holds nothing but text, whole numbers and lists, so it survives JSON. A missing file is left out instead of an error.
    """
    try:
        source = locate(spec)
    except UsageError:
        return {"missing": str(spec.input or spec.name)}
    if source.path is None:
        return {"hub": source.name, "config": source.config, "split": spec.split}
    root = source.path.resolve()
    found = sorted(path for path in root.rglob("*") if path.is_file()) if root.is_dir() else [root]
    return {"files": [[str(path), *_stamp(path)] for path in found]}


def _stamp(path: Path) -> list[int]:
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def _checked(spec: DatasetSpec, source: Source, skipped: list[Skipped]) -> Iterator[tuple[int, Example]]:
    """Row numbers and good examples; bad rows raise or are skipped, and so are ids that were there before.

    After the first bad row that is not skipped, a file is read on to count the others.
    """
    places: dict[str, str] = {}  # of ids: 160 bytes a row
    prefix = source.id_prefix(spec)
    rows = bad = 0
    refused: UsageError | None = None
    for row in source.rows(spec):
        rows += 1
        try:
            example = to_example(row, spec.fields, prefix)
            if example.id in places:
                raise BadRow(
                    f"the id {example.id!r} was used before, at {places[example.id]}",
                    "Make ids unique, or name another field with --id-field.",
                )
        except BadRow as problem:
            bad += 1
            if not spec.skip_invalid:
                if refused is None:
                    hint = problem.hint or "--skip-invalid leaves bad rows out."
                    refused = UsageError(f"{source}, {row.place}: {problem.reason}", hint)
                if source.path is None:  # a stream from the hub may be endless
                    break
                continue
            skipped.append(Skipped(str(source), row.place, problem.reason))
            continue
        places[example.id] = row.place
        if refused is None:
            yield row.number, example
    if refused is not None:
        more = f" ({bad:,} of {rows:,} rows are bad)" if bad > 1 else ""
        raise UsageError(f"{refused.message}{more}", refused.hint)
    if not rows:
        raise UsageError(f"{source} holds no rows")
    if rows == bad:
        raise UsageError(f"{source}: all {rows} rows are bad; the first is {skipped[-bad]}")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or a NUL in it
        return False


class DatasetLoader:
    """The examples of a dataset as lists: the Python API.

    >>> DatasetLoader("custom").load_from_json("rows.json", num_examples=50)  # doctest: +SKIP

    ``skipped`` holds the bad rows that the last load left out (with ``skip_invalid=True``).
    """

    def __init__(self, dataset_name: str = "gsm8k", split: str = "train", **options: Any) -> None:
        """``options`` are further fields of :class:`DatasetSpec`."""
        known = set(DatasetSpec.__dataclass_fields__) - {"name", "split"}
        if unknown := sorted(set(options) - known):
            raise UsageError(
                f"DatasetLoader has no option {unknown[0]!r}", f"Known are {', '.join(sorted(known))}."
            )
        self.spec = DatasetSpec(name=dataset_name, split=split, **options)
        self.skipped: list[Skipped] = []

    def load(self, num_examples: int | None = None) -> list[Example]:
        """The examples of the dataset, at most ``num_examples``."""
        return self._read(self.spec, num_examples)

    def load_from_json(self, path: str | os.PathLike[str], num_examples: int | None = None) -> list[Example]:
        """The examples of a file: JSON, or any other kind that ``--input`` reads."""
        return self._read(replace(self.spec, name=CUSTOM, input=Path(path)), num_examples)

    def _read(self, spec: DatasetSpec, num_examples: int | None) -> list[Example]:
        wanted = spec.num_examples if num_examples is None else num_examples
        self.skipped = []
        return list(read_examples(replace(spec, num_examples=wanted), self.skipped))
