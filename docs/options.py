"""Writes docs/options.md from the settings' definitions: python docs/options.py."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from ace_cli.settings import DEFINITIONS

PAGE = Path(__file__).with_suffix(".md")
HEAD = """\
# Every setting

<!-- written by docs/options.py from the settings' definitions: change those -->

[Settings](settings.md) says how they are given and what the kinds mean. A setting without a flag is set by its key, in a file
or as an environment variable. Switches have a `--no-` form. What is no setting (`--config`, `--dry-run`, the arguments of the other commands) is in
each command's `--help`.
"""


def page() -> str:
    """A table for each section: flag, key, default, kind, help."""
    parts = [HEAD]
    for section, settings in groupby(DEFINITIONS.values(), lambda d: d.section):
        parts += [f"## {section.title()}\n", "| flag | key | default | kind | |", "|---|---|---|---|---|"]
        for d in settings:
            flag, help = f"`{d.flag}`" if d.flag else "", d.help.replace("|", "\\|")
            parts.append(f"| {flag} | `{d.path}` | `{d.shown_default}` | {d.kind.value} | {help} |")
        parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
