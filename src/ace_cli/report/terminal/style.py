"""The few styles of the terminal, and the lines that every view is made of."""

from __future__ import annotations

from collections.abc import Iterator

from rich.style import Style
from rich.text import Text

from ace_cli.playbook import PlaybookStage, Section
from ace_cli.report.text import printable

PLAIN = Style()
BOLD = Style(bold=True)
QUIET = Style(dim=True)
GREEN, RED, YELLOW, BLUE = (Style(color=name) for name in ("green", "red", "yellow", "blue"))
GOOD, BAD, CAUTION, HEAD = (Style(color=name, bold=True) for name in ("green", "red", "yellow", "cyan"))
SECTIONS = {Section.HELPFUL: GREEN, Section.HARMFUL: RED, Section.NEUTRAL: BLUE}
STAGES = {PlaybookStage.SHADOW: PLAIN, PlaybookStage.PRODUCTION: GOOD, PlaybookStage.QUARANTINED: YELLOW}


def heading(text: str) -> Iterator[Text]:
    yield Text()
    yield Text(text, BOLD)


def fact(name: str, value: str) -> Text:
    return Text.assemble((f"{name:<12} ", QUIET), value)


def block(name: str, text: str, indent: str = "") -> Iterator[Text]:
    """A text of many lines below its name."""
    yield Text(f"{indent}{name}", QUIET)
    for line in printable(text, keep_lines=True).split("\n"):
        yield Text(f"{indent}  {line}")
