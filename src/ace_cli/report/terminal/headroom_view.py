"""A baseline without a playbook, for a terminal: what is wrong, why, and what a playbook may bring."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from ace_cli.evaluation.records import CauseShare, Headroom
from ace_cli.evaluation.verdict import interval, points
from ace_cli.report.format import count, percent
from ace_cli.report.terminal.eval_view import arm_cells
from ace_cli.report.terminal.grid import grid
from ace_cli.report.terminal.style import BOLD, QUIET, heading
from ace_cli.report.terminal.tables import cut
from ace_cli.report.text import one_line, printable

_EXAMPLES = 3


def headroom_lines(
    room: Headroom, width: int, *, whole: bool = False, ascii_only: bool = False
) -> Iterator[Text]:
    """For a terminal of ``width`` cells, into which tables are fitted (sentences are not); ``whole``: with every wrong answer."""
    mark = "..." if ascii_only else "…"
    head = ("", "accuracy", "95 % interval", "right", "failed")
    yield from grid([head, arm_cells("no playbook", room.base)], width, mark=mark)
    yield Text()
    yield from map(Text, room.words)
    if room.causes:
        yield from heading("What is missing, by cause")
        rows = [("cause", "rows", "share", "points", "95 % interval")]
        rows += [
            (
                share.cause.value,
                f"{share.examples:,}",
                percent(share.share, 0),
                points(share.points.value).split()[0],
                interval(share.points),
            )
            for share in room.causes
        ]
        yield from grid(rows, width, mark=mark)
    for share in room.causes:
        yield from _examples(share, width, mark, len(share.wrong) if whole else _EXAMPLES)
    yield Text()
    for note in room.notes:
        yield Text(f"Note: {note}.", QUIET)


def _examples(share: CauseShare, width: int, mark: str, most: int) -> Iterator[Text]:
    yield from heading(f"{share.cause.value.capitalize()}: {count(share.examples, 'example')}")
    for wrong in share.wrong[:most]:
        line = Text(f"  {cut(printable(wrong.example_id), 20, mark)}  ", BOLD)
        line.append(printable(wrong.why), QUIET)
        line.truncate(width)
        yield line
        yield Text(cut(f"    truth   {one_line(wrong.truth)}", width, mark))
        yield Text(cut(f"    answer  {one_line(wrong.answer) or '(no answer)'}", width, mark))
    if len(share.wrong) > most:
        yield Text(f"  {mark} {len(share.wrong) - most:,} more (--full)", QUIET)
