"""Writes the README's table of options from the settings' definitions: python docs/options.py."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from ace_cli.settings import DEFINITIONS

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- options: written by docs/options.py -->\n", "<!-- end of options -->\n"


def table() -> str:
    """A table for each section: flag, key, default, kind, help."""
    parts: list[str] = []
    for section, settings in groupby(DEFINITIONS.values(), lambda d: d.section):
        parts += [f"\n**{section.title()}**\n", "| flag | key | default | kind | |", "|---|---|---|---|---|"]
        for d in settings:
            flag, help = f"`{d.flag}`" if d.flag else "", d.help.replace("|", "\\|")
            parts.append(f"| {flag} | `{d.path}` | `{d.shown_default}` | {d.kind.value} | {help} |")
    return "\n".join(parts) + "\n\n"


def renewed(text: str) -> str:
    """The README with the table of today."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table() + END + after


if __name__ == "__main__":
    README.write_text(renewed(README.read_text("utf-8")), "utf-8")
