"""Writes the README's table of options from the settings' definitions: python docs/options.py."""

from __future__ import annotations

from pathlib import Path

from ace_cli.cli.options import NAMES, option_table

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- options: written by docs/options.py -->\n", "<!-- end of options -->\n"


def table() -> str:
    """A table for each section: flag, key, default, kind, help."""
    parts = []
    rows = option_table()
    for section, title in NAMES.items():
        parts += [f"\n**{title}**\n", "| flag | key | default | kind | |", "|---|---|---|---|---|"]
        parts += [
            "| "
            + " | ".join(
                (
                    f"`{row['flag']}`" if row["flag"] else "",
                    f"`{row['key']}`",
                    f"`{row['default']}`",
                    row["kind"],
                    row["help"].replace("|", "\\|"),
                )
            )
            + " |"
            for row in rows
            if row["key"].startswith(f"{section}.")
        ]
    return "\n".join(parts) + "\n\n"


def renewed(text: str) -> str:
    """The README with the table of today."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table() + END + after


if __name__ == "__main__":
    README.write_text(renewed(README.read_text("utf-8")), "utf-8")
