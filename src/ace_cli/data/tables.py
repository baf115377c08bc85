"""CSV, TSV and Parquet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import IO

from ace_cli.data.rows import Row
from ace_cli.errors import UsageError

_BATCH = 512  # rows of a Parquet file in memory at a time


def read_csv(file: IO[str], source: str, delimiter: str | None = None) -> Iterator[Row]:
    """The rows below the header line. Without ``delimiter`` it is the one of ``, ; tab |`` that the header holds most of.

    Raises:
        UsageError: there is no header, or a quote is never closed.
    """
    csv.field_size_limit(2**31 - 1)  # the default refuses texts above 128 KB
    start = file.tell()
    header_line = next((line for line in file if line.strip()), "")
    if not header_line:
        raise UsageError(f"{source} is empty", "Expected a header line and at least one row.")
    file.seek(start)
    reader = csv.reader(file, delimiter=delimiter or max(",;\t|", key=header_line.count), strict=True)
    header: list[str] = []
    number, line = 0, 1
    try:
        for fields in reader:
            place, line = f"line {line}", reader.line_num + 1
            if not any(field.strip() for field in fields):
                continue
            if not header:
                header = _header(fields, source)
                continue
            number += 1
            if len(fields) > len(header):
                yield Row(number, place, None, f"{len(fields)} fields, but the header has {len(header)}")
            else:
                yield Row(number, place, dict(zip_longest(header, fields, fillvalue="")))
    except csv.Error as error:
        raise UsageError(
            f"{source}, line {line}: not valid CSV: {error}",
            "A quote inside a quoted field is written twice.",
        ) from error


def _header(fields: list[str], source: str) -> list[str]:
    header = [field.strip() for field in fields]
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise UsageError(f"{source}: the header names {sorted(twice)[0]!r} twice")
    return header


def read_parquet(path: Path, source: str, required: set[str], columns: set[str]) -> Iterator[Row]:
    """The rows, a batch at a time; only ``columns`` are read where all the ``required`` ones are there.

    Raises:
        UsageError: the file is damaged or no Parquet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            known = list(file.schema_arrow.names)
            wanted = [name for name in known if name in columns] if required <= set(known) else known
            for batch in file.iter_batches(batch_size=_BATCH, columns=wanted):
                for value in batch.to_pylist():
                    number += 1
                    yield Row(number, f"row {number}", value)
    except (pa.ArrowException, OSError, ValueError, ArithmeticError, NotImplementedError) as error:
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise UsageError(f"{source} cannot be read as Parquet: {reason}") from error
