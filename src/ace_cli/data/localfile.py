"""One local file of rows, by its extension."""

from __future__ import annotations

import codecs
import difflib
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from ace_cli.data.example import DatasetSpec
from ace_cli.data.jsonfile import read_json, read_jsonl
from ace_cli.data.rows import Row, columns
from ace_cli.data.tables import read_csv, read_parquet
from ace_cli.errors import UsageError

_NEVER = "\0"
"""A column that there cannot be: without it, all are read."""
EXTENSIONS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")


def extension(path: Path) -> str:
    """The extension that says what is inside, in lower case; without a last ``.gz``."""
    inner = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return inner.suffix.lower()


def read_file(path: Path, spec: DatasetSpec, *, whole: bool = False) -> Iterator[Row]:
    """The rows of ``path`` (see :func:`check_path`), one after the other; ``whole``: with columns that no example needs, too.

    Raises:
        UsageError: the file is unreadable or damaged.
    """
    source, kind = str(path), extension(path)
    if kind == ".parquet":
        if path.suffix.lower() == ".gz":
            raise UsageError(f"{source}: a compressed Parquet file cannot be read", "Unpack it first.")
        required, wanted = columns(spec.fields)
        yield from read_parquet(path, source, required | ({_NEVER} if whole else set()), wanted)
        return
    with _open_text(path) as file:
        if kind == ".json":
            yield from read_json(file, source, spec.split)
        elif kind in (".jsonl", ".ndjson"):
            yield from read_jsonl(file)
        else:
            yield from read_csv(file, source, "\t" if kind == ".tsv" else None)


def check_path(path: Path) -> Path:
    """``path``, if it is a folder or a file of a kind that can be read; raises UsageError otherwise."""
    try:
        found, folder = path.exists(), path.is_dir()
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {str(path)!r}: {error}") from error
    if not found:
        raise UsageError(f"there is no file {path}", _nearest(path))
    if not folder and extension(path) not in EXTENSIONS:
        raise UsageError(
            f"{path}: cannot read {extension(path) or 'a file without an extension'}",
            f"Known are {', '.join(EXTENSIONS)}, and all but Parquet with .gz appended.",
        )
    return path


def _nearest(path: Path) -> str:
    try:
        names = sorted(entry.name for entry in path.parent.iterdir())
    except OSError:
        return f"There is no folder {path.parent} either."
    near = difflib.get_close_matches(path.name, names, n=3)
    readable = [name for name in names if extension(Path(name)) in EXTENSIONS][:5]
    if near or readable:
        return f"In {path.parent} there is: {', '.join(near or readable)}."
    return ""


_MARKS = [
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]


@contextmanager
def _open_text(path: Path) -> Iterator[IO[str]]:
    """The text of a file in UTF-8, UTF-16 or UTF-32, with or without a byte order mark; lines end in a line feed only."""
    encoding = ""
    try:
        with _open(path) as raw:
            encoding = _encoding(raw.read(4))
        with _open(path) as raw, io.TextIOWrapper(raw, encoding, newline="\n") as file:
            yield file
    except UnicodeError as error:
        line = _bad_line(path) if encoding.startswith("utf-8") else 0
        place = f"{path}, line {line}" if line else str(path)
        raise UsageError(
            f"{place}: not {encoding} text: {getattr(error, 'reason', error)}",
            "Save the file as UTF-8 and try again.",
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError(f"{path} cannot be unpacked: {error}") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error


def _open(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if path.suffix.lower() == ".gz" else path.open("rb")


def _bad_line(path: Path) -> int:
    """The first line that is not UTF-8; 0 if there is none."""
    with _open(path) as raw:
        for number, line in enumerate(raw, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 0


def _encoding(start: bytes) -> str:
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    if start[1:2] == b"\0" and start[:1] != b"\0":  # every row begins with an ASCII character
        return "utf-16-le"
    if start[:1] == b"\0" and start[1:2] not in (b"", b"\0"):
        return "utf-16-be"
    return "utf-8"
