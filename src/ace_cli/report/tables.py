"""Bullets as a table: fitted to a terminal, or complete and tab-separated for a script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from ace_cli.playbook import Bullet, PlaybookStage, Section
from ace_cli.report.text import one_line, printable

TSV_HEADER = "id\tsection\tdomain\tstage\tconfidence\thelpful\tharmful\tneutral\tactivations\tcontent"

SECTION_STYLES = {
    Section.HELPFUL: Style(color="green"),
    Section.HARMFUL: Style(color="red"),
    Section.NEUTRAL: Style(color="blue"),
}
STAGE_STYLES = {
    PlaybookStage.SHADOW: Style(),
    PlaybookStage.PRODUCTION: Style(color="green", bold=True),
    PlaybookStage.QUARANTINED: Style(color="yellow"),
}
_HEADER = Style(bold=True)
_QUIET = Style(dim=True)
_PLAIN = Style()

_MIN_CONTENT = 20
"""Cells below which the content gets a line of its own."""


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    width: int
    right: bool = False


def tsv_line(bullet: Bullet, similarity: float | None = None) -> str:
    """One bullet on one line, nothing shortened; tabs and line feeds of the content stand as ``\\t``, ``\\n``."""
    cells = [
        printable(bullet.id),
        bullet.section.value,
        printable(bullet.domain_id),
        bullet.stage.value,
        f"{bullet.confidence:.4f}",
        str(bullet.helpful_count),
        str(bullet.harmful_count),
        str(bullet.neutral_count),
        str(bullet.activation_count),
        printable(bullet.content),
    ]
    if similarity is not None:
        cells.append(f"{similarity:.4f}")
    return "\t".join(cells)


def tsv_lines(bullets: Iterable[Bullet], similarities: Mapping[str, float] | None = None) -> Iterator[str]:
    """A header, then one line a bullet; ``similarities`` (by id) adds a last column."""
    yield TSV_HEADER if similarities is None else f"{TSV_HEADER}\tsimilarity"
    for bullet in bullets:
        yield tsv_line(bullet, None if similarities is None else similarities[bullet.id])


def table_lines(
    bullets: Sequence[Bullet],
    width: int,
    *,
    similarities: Mapping[str, float] | None = None,
    whole: bool = False,
    ascii_only: bool = False,
) -> Iterator[Text]:
    """The table, line by line, none wider than ``width`` cells.

    Args:
        similarities: by bullet id, shown in a first column.
        whole: wrap the content instead of cutting it.
        ascii_only: a terminal without Unicode: ``...`` and ``-`` for ``…`` and ``─``.
    """
    columns = _columns(bullets, width, similarities)
    used = sum(column.width + 2 for column in columns)
    below = width - used < _MIN_CONTENT
    room = max(width - 2, 1) if below else width - used
    mark = "..." if ascii_only else "…"

    header = Text(no_wrap=True)
    for column in columns:
        header.append(_cell(column.title, column, "") + "  ", _HEADER)
    if not below:
        header.append("content", _HEADER)
    header.truncate(width)
    yield header
    yield Text(("-" if ascii_only else "─") * width, _QUIET)

    for bullet in bullets:
        line = Text(no_wrap=True)
        cells = _cells(bullet, similarities)
        for column, (value, style) in zip(columns, cells, strict=True):
            line.append(_cell(value, column, mark), style)
            line.append("  ")
        parts = _wrapped(bullet.content, room) if whole else [cut(one_line(bullet.content), room, mark)]
        style = _QUIET if bullet.is_quarantined else _PLAIN
        if below:
            line.truncate(width)
            yield line
            indent = "  "
        else:
            line.append(parts.pop(0), style)
            yield line
            indent = " " * used
        for part in parts:
            yield Text(indent).append(part, style)


def is_cut(bullets: Iterable[Bullet], width: int, similarities: Mapping[str, float] | None = None) -> bool:
    """Whether ``table_lines`` shortens any of these bullets at that width."""
    bullets = list(bullets)
    used = sum(column.width + 2 for column in _columns(bullets, width, similarities))
    room = width - 2 if width - used < _MIN_CONTENT else width - used
    return any(cell_len(one_line(bullet.content)) > room for bullet in bullets)


def cut(text: str, room: int, mark: str = "…") -> str:
    """``text`` in at most ``room`` cells, with ``mark`` at its end if something is missing."""
    if cell_len(text) <= room:
        return text
    if room <= len(mark):
        return set_cell_size(text, room)
    return set_cell_size(text, room - len(mark)).rstrip() + mark


def _columns(bullets: Sequence[Bullet], width: int, similarities: Mapping[str, float] | None) -> list[Column]:
    wide = width >= 130
    titles = (
        ("id", "section", "domain", "stage", "confidence", "helpful/harmful", "activations")
        if wide
        else ("id", "section", "domain", "stage", "conf", "+/-", "act")
    )
    limit = 24 if wide else 12 if width >= 80 else 8
    contents = (
        min(_widest(printable(b.id) for b in bullets), limit),
        _widest(b.section.value for b in bullets),
        min(_widest(printable(b.domain_id) for b in bullets), limit),
        _widest(b.stage.value for b in bullets),
        4,
        _widest(f"{b.helpful_count}/{b.harmful_count}" for b in bullets),
        _widest(str(b.activation_count) for b in bullets),
    )
    columns = [
        Column(title, max(len(title), size), right=number >= 4)
        for number, (title, size) in enumerate(zip(titles, contents, strict=True))
    ]
    if similarities is not None:
        title = "similarity" if wide else "sim"
        columns.insert(0, Column(title, max(len(title), 5), right=True))
    return columns


def _cells(bullet: Bullet, similarities: Mapping[str, float] | None) -> list[tuple[str, Style]]:
    quarantined = bullet.is_quarantined
    cells = [
        (printable(bullet.id), _HEADER),
        (bullet.section.value, SECTION_STYLES[bullet.section]),
        (printable(bullet.domain_id), _QUIET if quarantined else _PLAIN),
        (bullet.stage.value, STAGE_STYLES[bullet.stage]),
        (f"{bullet.confidence:.2f}", _PLAIN),
        (f"{bullet.helpful_count}/{bullet.harmful_count}", _PLAIN),
        (str(bullet.activation_count), _PLAIN),
    ]
    if similarities is not None:
        cells.insert(0, (f"{similarities[bullet.id]:.3f}", _PLAIN))
    return cells


def _cell(text: str, column: Column, mark: str) -> str:
    text = cut(text, column.width, mark)
    space = " " * (column.width - cell_len(text))
    return space + text if column.right else text + space


def _wrapped(content: str, room: int) -> list[str]:
    from rich.console import Console

    lines = Text(printable(content, keep_lines=True)).wrap(Console(width=room), room)
    return [line.plain.rstrip() for line in lines] or [""]


def _widest(values: Iterable[str]) -> int:
    return max(map(cell_len, values), default=0)
