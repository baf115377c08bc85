"""`ace inspect --restore`: bullets that were set aside, in use again; what a merged one had given away it takes along."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from ace_cli.cli.inspect_refine import write_playbook
from ace_cli.errors import UsageError
from ace_cli.playbook import Bullet, Playbook, PlaybookStage
from ace_cli.playbook.edit import EditSession, recorded_edits
from ace_cli.playbook.standing import note_of, standing
from ace_cli.report.format import count
from ace_cli.report.terminal.paging import Output
from ace_cli.report.terminal.style import BOLD, QUIET
from ace_cli.report.text import one_line, printable
from ace_cli.runs.target import Target

_EVIDENCE = ("helpful_count", "harmful_count", "neutral_count", "activation_count")


def show_restored(target: Target, wanted: Sequence[str], output: Path | None, out: Output) -> None:
    """What would be used again; with ``output``, the playbook after it is written there, with a note of who did it.

    Raises:
        UsageError: a bullet is not there or is in use, or ``output`` is in the way and nobody says that it may be replaced.
    """
    before = target.playbook
    session = EditSession(before)
    names = list(dict.fromkeys(target.bullet(name).id for name in wanted))
    for name in names:
        bullet = session.playbook.by_id[name]
        if not bullet.is_quarantined:
            raise UsageError(
                f"{name} is in use ({bullet.stage.value}): there is nothing to take back",
                "`ace inspect PLAYBOOK --stage quarantined` lists what is set aside.",
            )
        session.set_stage(name, _stage_before(before, bullet))
    after = session.playbook
    changed = [bullet for bullet in after.bullets if bullet != before.by_id[bullet.id]]
    out.show(lambda: [_row(before.by_id[b.id], b) for b in changed], _lines(before, changed, set(names)))
    told = count(len(names), "bullet")
    if output is None:
        sys.stderr.write(
            f"{told} would be used again; nothing is changed (--output FILE writes the playbook)\n"
        )
        return
    write_playbook(output, session.result())
    sys.stderr.write(f"{told} used again in {printable(str(output))}\n")


def _stage_before(playbook: Playbook, bullet: Bullet) -> PlaybookStage:
    """The stage that it had before it was set aside, by a merge or by hand; shadow where that is not known."""
    if (note := note_of(bullet)) is not None:
        return note.stage
    edits = [e for e in recorded_edits(playbook) if e.get("id") == bullet.id and e.get("action") == "stage"]
    stages = {stage.value: stage for stage in PlaybookStage if stage is not PlaybookStage.QUARANTINED}
    return stages.get(str(edits[-1].get("before")) if edits else "", PlaybookStage.SHADOW)


def _row(before: Bullet, after: Bullet) -> dict[str, Any]:
    counts = {name: getattr(after, name) - getattr(before, name) for name in _EVIDENCE}
    return {
        "bullet_id": after.id,
        "stage": after.stage.value,
        "was": standing(before) or before.stage.value,
        **counts,
        "sources": len(after.sources) - len(before.sources),
    }


def _lines(before: Playbook, changed: Sequence[Bullet], restored: set[str]) -> Iterator[Text]:
    for bullet in changed:
        old = before.by_id[bullet.id]
        name = (printable(bullet.id), BOLD)
        if bullet.id in restored:
            why = standing(old) or "set aside by hand"
            yield Text.assemble(name, f" -> {bullet.stage.value}", (f"  was {one_line(why)}", QUIET))
            yield Text(f"    {one_line(bullet.content)}")
            continue
        row = _row(old, bullet)
        less = [
            f"{-row[field]} {field.removesuffix('_count')}" for field in (*_EVIDENCE, "sources") if row[field]
        ]
        yield Text.assemble(name, f" gives back {', '.join(less) or 'nothing'}")
