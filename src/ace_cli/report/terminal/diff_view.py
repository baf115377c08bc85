"""The difference of two playbooks, for reading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.style import Style
from rich.text import Text

from ace_cli.playbook import Bullet
from ace_cli.playbook.diff import BulletChange, PlaybookDiff
from ace_cli.report.terminal.style import BOLD, GREEN, QUIET, RED, YELLOW
from ace_cli.report.text import one_line, printable

_NAMES = {
    "domain_id": "domain",
    "helpful_count": "helpful votes",
    "harmful_count": "harmful votes",
    "neutral_count": "neutral votes",
    "activation_count": "activations",
}


def diff_lines(difference: PlaybookDiff) -> Iterator[Text]:
    """A summary line, then ``+`` added, ``-`` removed and ``~`` changed bullets."""
    d = difference
    yield Text(
        f"{len(d.added)} added, {len(d.removed)} removed, {len(d.changed)} changed, {d.unchanged} unchanged",
        BOLD,
    )
    for bullet in d.added:
        yield _bullet("+", bullet, GREEN)
    for bullet in d.removed:
        yield _bullet("-", bullet, RED)
    for change in d.changed:
        yield from _change(change)


def _bullet(sign: str, bullet: Bullet, style: Style) -> Text:
    line = Text(f"{sign} {printable(bullet.id)}  ", style)
    line.append(f"{bullet.section.value}  {printable(bullet.domain_id)}  ", QUIET)
    return line.append(one_line(bullet.content))


def _change(change: BulletChange) -> Iterator[Text]:
    before, after = change.before, change.after
    line = Text(f"~ {printable(after.id)}  ", YELLOW)
    numbers = [name for name in change.fields if name not in ("content", "sources", "extra")]
    facts = [_step(name, getattr(before, name), getattr(after, name)) for name in numbers]
    facts += _more_sources(change)
    if "content" in change.fields:
        facts.insert(0, "reworded")
    if "extra" in change.fields:
        keys = sorted(k for k in {*before.extra, *after.extra} if before.extra.get(k) != after.extra.get(k))
        facts.append(f"other fields: {', '.join(map(printable, keys))}")
    yield line.append("; ".join(facts))
    if "content" in change.fields:
        yield Text(f"    - {one_line(before.content)}", RED)
        yield Text(f"    + {one_line(after.content)}", GREEN)
    else:
        yield Text(f"      {one_line(after.content)}", QUIET)


def _step(name: str, before: Any, after: Any) -> str:
    label = _NAMES.get(name, name)
    if name.endswith("_count"):
        return f"{label} {before} -> {after} ({after - before:+d})"
    return f"{label} {printable(str(before))} -> {printable(str(after))}"


def _more_sources(change: BulletChange) -> list[str]:
    if "sources" not in change.fields:
        return []
    old, new = change.before.sources, change.after.sources
    more = [printable(source) for source in new if source not in old]
    fewer = [printable(source) for source in old if source not in new]
    facts = [f"also taught by {', '.join(more)}"] if more else []
    facts += [f"no longer taught by {', '.join(fewer)}"] if fewer else []
    return facts or ["sources in another order"]
