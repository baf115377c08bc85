"""Reading a playbook of any kind; the kind is recognised by the content, never by the file's name."""

from __future__ import annotations

from pathlib import Path

from ace_cli.errors import UsageError
from ace_cli.playbook.formats.ace_json import EXPECTED, parse_json, read_bullets
from ace_cli.playbook.formats.paper import looks_like_paper, parse_paper
from ace_cli.playbook.playbook import Playbook

_OTHER_FILES = {
    b"SQLite format 3\0": "is a database; name the run's folder instead",
    b"PAR1": "is a Parquet file, which is not read back; export as json or jsonl instead",
    b"\x1f\x8b": "is compressed; unpack it first",
    b"PK\x03\x04": "is a zip archive; unpack it first",
    b"\xff\xfe": "is UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "is UTF-16 text; save it as UTF-8",
}
_BOM = b"\xef\xbb\xbf"


def read_playbook(path: Path) -> Playbook:
    """The playbook in a file. Unknown fields are kept.

    Raises:
        UsageError: the file cannot be read or is no playbook that this ace understands.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist", "Check the path, or train one: ace train --help") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder without a run in it", EXPECTED) from None
    except (OSError, ValueError) as error:  # ValueError: NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {path}: {reason}") from None
    return parse_playbook(data, str(path))


def parse_playbook(data: bytes, name: str) -> Playbook:
    """The playbook in ``data``; ``name`` stands for it in errors.

    Raises:
        UsageError: as :func:`read_playbook`.
    """
    for magic, what in _OTHER_FILES.items():
        if data.startswith(magic):
            raise UsageError(f"{name} {what}", EXPECTED)
    data = data.removeprefix(_BOM)
    start = data.lstrip()[:1]
    if not start:
        raise UsageError(f"{name} is empty", EXPECTED)
    if b"\0" in data[:4096]:
        raise UsageError(f"{name} is a binary file, not a playbook", EXPECTED)
    if start == b"{" or (start == b"[" and not looks_like_paper(data[:4096].decode(errors="replace"))):
        return parse_json(data, name)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 text: byte {error.start}", EXPECTED) from None
    if not looks_like_paper(text):
        raise UsageError(f"{name} is not a playbook", EXPECTED)
    return Playbook(read_bullets(enumerate(parse_paper(text, name), 1), name))
