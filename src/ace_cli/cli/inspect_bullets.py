"""`ace inspect` of bullets: the table, one bullet, two playbooks side by side."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from rich.text import Text

from ace_cli.errors import UsageError
from ace_cli.playbook import Bullet
from ace_cli.playbook.filters import BulletFilter, check_domain
from ace_cli.report.format import count
from ace_cli.report.terminal.bullet_view import Story, story_lines
from ace_cli.report.terminal.paging import Output, write_lines
from ace_cli.report.terminal.style import QUIET
from ace_cli.report.terminal.tables import Layout, tsv_lines
from ace_cli.report.text import printable
from ace_cli.runs.history import edits
from ace_cli.runs.target import Target


def show_bullets(target: Target, wanted: BulletFilter, similar: str, out: Output) -> None:
    """The bullets that pass, as a table, as tab-separated lines (into a pipe) or as JSON."""
    everything = target.playbook.bullets
    if wanted.domain is not None:
        check_domain(wanted.domain, everything)
    similarities: Mapping[str, float] | None = None
    if similar:
        from ace_cli.report.terminal.similar import ranked

        near = ranked(similar, replace(wanted, sort="", reverse=False, limit=None).apply(everything))
        similarities = {n.bullet.id: n.similarity for n in near}
        order = BulletFilter(sort=wanted.sort, reverse=wanted.reverse, limit=wanted.limit)
        bullets = order.apply(n.bullet for n in near)
    else:
        bullets = wanted.apply(everything)

    def rows() -> list[dict[str, Any]]:
        if similarities is None:
            return [bullet.to_dict() for bullet in bullets]
        return [{"similarity": round(similarities[b.id], 4), **b.to_dict()} for b in bullets]

    if out.as_json or out.is_terminal:
        out.show(rows, _table(target, bullets, similarities, out))
    else:
        write_lines(tsv_lines(bullets, similarities))
        if len(bullets) < len(everything):
            sys.stderr.write(f"{len(bullets):,} of {count(len(everything), 'bullet')}\n")


def _table(
    target: Target, bullets: Sequence[Bullet], similarities: Mapping[str, float] | None, out: Output
) -> Iterator[Text]:
    layout = Layout.fit(bullets, out.width, similarities=similarities, ascii_only=out.ascii_only)
    if bullets:
        yield from layout.lines(bullets, whole=out.whole)
    part = f"{len(bullets):,} of " if len(bullets) < len(target.playbook) else ""
    note = f"{part}{count(len(target.playbook), 'bullet')}. One bullet with its history: ace inspect {target.path} ID"
    if not out.whole and any(map(layout.is_cut, bullets)):
        note += "; whole text: --full, or a pipe"
    yield Text(note, QUIET)


def show_bullet(target: Target, bullet_id: str, out: Output) -> None:
    """One bullet with all that is known of it."""
    from ace_cli.report.terminal.similar import MOST_NEIGHBOURS_OF, neighbours

    bullet = target.bullet(bullet_id)
    moments = [*target.history([bullet.id]).get(bullet.id, ()), *edits(bullet.id, target.playbook)]
    notes = []
    if target.run is None:
        notes.append(
            "A playbook file holds no more of a bullet's history. Its run has every vote and merge: "
            f"ace inspect RUN {bullet.id}"
        )
    if len(target.playbook) > MOST_NEIGHBOURS_OF:
        notes.append(
            f"Neighbours are not computed among more than {MOST_NEIGHBOURS_OF:,} bullets of a domain."
        )
    near = neighbours(bullet, target.playbook.bullets)
    story = Story(bullet, tuple(moments), tuple(near), " ".join(notes))
    out.show(story.to_dict, story_lines(story, ascii_only=out.ascii_only))


def show_diff(before: Target, after: Target, out: Output) -> None:
    """What was added, removed and changed from ``before`` to ``after``."""
    from ace_cli.playbook.diff import diff
    from ace_cli.report.terminal.diff_view import diff_lines

    difference = diff(before.playbook, after.playbook)
    out.show(difference.to_dict, diff_lines(difference))


def show_effects(target: Target, evaluation: Target, out: Output) -> None:
    """What an evaluation says of single bullets, the surest first; those that it did not measure are left out.

    Raises:
        UsageError: it is no finished evaluation of a playbook.
    """
    from ace_cli.evaluation.finding import effects_of
    from ace_cli.report.terminal.finding_view import effect_lines

    if evaluation.run is None:
        raise UsageError(f"{evaluation.path} is not an evaluation", "Give the run directory of `ace eval`.")
    playbook = target.playbook
    found = effects_of(evaluation.run, playbook)
    pairs = [(playbook.by_id[bullet_id], effect) for bullet_id, effect in found.items()]
    out.show(
        lambda: [{**bullet.to_dict(), "effect": asdict(effect)} for bullet, effect in pairs],
        effect_lines(pairs, out.width, ascii_only=out.ascii_only),
    )
    if len(found) < len(playbook):
        sys.stderr.write(f"{len(found)} of {count(len(playbook), 'bullet')} were measured as they are now\n")


def browse(target: Target) -> None:
    """The full-screen browser; afterwards a line on what was saved."""
    from ace_cli.tui import Document, browse

    saved = browse(Document(target.path, target.playbook, target.history(), target.run is None))
    if saved:
        write_lines([printable(saved)])
