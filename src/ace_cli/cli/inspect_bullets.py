"""`ace inspect` of bullets: the table, one bullet, two playbooks side by side."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rich.console import Console
from rich.style import Style
from rich.text import Text

from ace_cli.cli.inspect_target import Target
from ace_cli.playbook import Bullet
from ace_cli.playbook.filters import BulletFilter
from ace_cli.report.terminal.bullet_view import Story, story_lines
from ace_cli.report.terminal.paging import show, wrapped, write_lines
from ace_cli.report.terminal.tables import Layout, table_lines, tsv_lines
from ace_cli.report.text import json_text, printable
from ace_cli.runs.history import edits

_QUIET = Style(dim=True)


def show_bullets(
    target: Target, wanted: BulletFilter, similar: str, *, as_json: bool, whole: bool, console: Console
) -> None:
    """The bullets that pass, as a table, as tab-separated lines (into a pipe) or as JSON."""
    everything = target.playbook.bullets
    similarities: Mapping[str, float] | None = None
    if similar:
        from ace_cli.report.terminal.similar import ranked

        near = ranked(similar, replace(wanted, sort="", reverse=False, limit=None).apply(everything))
        similarities = {n.bullet.id: n.similarity for n in near}
        order = BulletFilter(sort=wanted.sort, reverse=wanted.reverse, limit=wanted.limit)
        bullets = order.apply(n.bullet for n in near)
    else:
        bullets = wanted.apply(everything)

    if as_json:
        rows = [bullet.to_dict() for bullet in bullets]
        if similarities is not None:
            rows = [{"similarity": round(similarities[row["id"]], 4), **row} for row in rows]
        write_lines([json_text(rows)])
    elif console.is_terminal:
        show(_table(target, bullets, similarities, whole, console), console)
    else:
        write_lines(tsv_lines(bullets, similarities))
        if len(bullets) < len(everything):
            sys.stderr.write(f"{len(bullets)} of {len(everything)} bullets\n")


def _table(
    target: Target,
    bullets: Sequence[Bullet],
    similarities: Mapping[str, float] | None,
    whole: bool,
    console: Console,
) -> Iterator[Text]:
    total = len(target.playbook.bullets)
    width, ascii_only = console.width, console.options.ascii_only
    if bullets:
        yield from table_lines(bullets, width, similarities=similarities, whole=whole, ascii_only=ascii_only)
    count = f"{len(bullets)} of {total} bullets" if len(bullets) < total else f"{total} bullets"
    note = f"{count}. One of them with its history: ace inspect {target.path} ID"
    layout = Layout.fit(bullets, width, similarities=similarities)
    if not whole and any(map(layout.is_cut, bullets)):
        note += "; all text: --full, or into a pipe"
    yield Text(note, _QUIET)


def show_bullet(target: Target, bullet_id: str, *, as_json: bool, console: Console) -> None:
    """One bullet with all that is known of it."""
    from ace_cli.report.terminal.similar import MOST_NEIGHBOURS_OF, neighbours

    bullet = target.bullet(bullet_id)
    moments = [*target.history([bullet.id]).get(bullet.id, ()), *edits(bullet.id, target.playbook)]
    notes = []
    if target.run is None:
        notes.append(
            "A playbook file holds no more of a bullet's past than this. Its run knows every vote and merge: "
            "ace inspect RUN " + bullet.id
        )
    if len(target.playbook) > MOST_NEIGHBOURS_OF:
        notes.append(
            f"Neighbours are not looked for among more than {MOST_NEIGHBOURS_OF} bullets of a domain."
        )
    near = neighbours(bullet, target.playbook.bullets)
    story = Story(bullet, tuple(moments), tuple(near), " ".join(notes))
    if as_json:
        write_lines([json_text(story.to_dict())])
    else:
        show(wrapped(story_lines(story, ascii_only=console.options.ascii_only), console), console)


def show_diff(before: Target, after: Target, *, as_json: bool, console: Console) -> None:
    """What was added, removed and changed from ``before`` to ``after``."""
    from ace_cli.playbook.diff import diff
    from ace_cli.report.terminal.diff_view import diff_lines

    difference = diff(before.playbook, after.playbook)
    if as_json:
        write_lines([json_text(difference.to_dict())])
    else:
        show(wrapped(diff_lines(difference), console), console)


def browse(target: Target) -> None:
    """The full-screen browser; afterwards a line on what was saved."""
    from ace_cli.tui import Document, browse

    saved = browse(Document(target.path, target.playbook, target.history(), target.run is None))
    if saved:
        write_lines([printable(saved)])
