"""``.env`` in the working directory: keys of providers, and settings as ``ACE_`` variables. Nothing else in it is read.

It belongs to the project, not to the user: its settings need the same word as those of ``ace.toml``, and variables that
say where calls go, which code is run or which certificates count (``OPENAI_BASE_URL``, ``HTTPS_PROXY``, ``PYTHONPATH``) are left alone.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ace_cli.errors import UsageError

NAME = ".env"
LARGEST = 1_000_000
"""Bytes."""
_KEY_NAME = re.compile(r"[A-Z][A-Z0-9_]*_(?:KEY|KEY_ID|TOKEN)")
_KEY = re.compile(r"(?!os\.environ/|oidc/)[\x21-\x7e]+")
"""One word of ASCII, and none that litellm takes for the name of another variable or of a file."""


@dataclass(frozen=True, slots=True)
class EnvFile:
    """``settings`` are its ``ACE_`` variables, ``keys`` the rest of what is read, both as name -> value."""

    settings: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    def export_keys(self) -> None:
        """Make the keys variables of this process, where those look for them who call. A variable that is there wins."""
        for name, value in self.keys.items():
            os.environ.setdefault(name, value)


def read_env_file(folder: Path) -> EnvFile:
    """What there is in ``folder``; empty without the file.

    Values are taken as they stand: ``${OTHER}`` would let the file send variables of the user's along.

    Raises:
        UsageError: it cannot be read, or what concerns us in it cannot.
    """
    path = folder / NAME
    if not path.is_file():
        return EnvFile()
    from dotenv.parser import parse_stream

    settings: dict[str, str] = {}
    keys: dict[str, str] = {}
    for line in parse_stream(io.StringIO(_text(path))):
        if line.error and re.search(r"^\s*(?:export\s+)?(?:ACE_|\w+_(?:KEY|TOKEN)\b)", line.original.string):
            raise UsageError(f"{NAME}, line {line.original.line}: not NAME=VALUE")
        name, value = line.key or "", line.value or ""
        if name.upper().startswith("ACE_"):
            settings[name] = value
        elif value and _KEY_NAME.fullmatch(name):
            if not _KEY.fullmatch(value):
                raise UsageError(f"{NAME}, line {line.original.line}: the value of {name} is no key")
            keys[name] = value
    return EnvFile(settings, keys)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise UsageError(
                f"{NAME} is larger than {LARGEST:,} bytes", "It holds a few variables, a line each."
            )
        return data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {NAME}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{NAME} is not UTF-8 text (byte {error.start})") from None
