"""Bullets as a table: fitted to a terminal, or complete and tab-separated for a script."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from ace_cli.playbook import Bullet, PlaybookStage, Section
from ace_cli.report.terminal.style import BOLD, PLAIN, QUIET, SECTIONS, STAGES
from ace_cli.report.text import one_line, printable

TSV_HEADER = "id\tsection\tdomain\tstage\tconfidence\thelpful\tharmful\tneutral\tactivations\tcontent"

_MIN_CONTENT = 30
"""Cells below which the content gets a line of its own."""


@dataclass(frozen=True, slots=True)
class Column:
    key: str
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
    layout = Layout.fit(bullets, width, similarities=similarities, ascii_only=ascii_only)
    yield layout.header()
    yield Text(("-" if ascii_only else "─") * width, QUIET)
    for bullet in bullets:
        yield from layout.rows(bullet, whole=whole)


@dataclass(frozen=True, slots=True)
class Layout:
    """A table's columns, fitted to a width.

    ``before`` are the cells in front of the content, 0 if it gets a line of its own; ``room`` are the content's.
    """

    width: int
    columns: tuple[Column, ...]
    gap: str
    before: int
    room: int
    mark: str
    similarities: Mapping[str, float] | None

    @classmethod
    def fit(
        cls,
        bullets: Sequence[Bullet],
        width: int,
        *,
        only: Collection[str] = (),
        similarities: Mapping[str, float] | None = None,
        ascii_only: bool = False,
    ) -> Layout:
        """Columns as wide as these bullets need; ``only`` names the columns to have (default: all)."""
        columns = tuple(c for c in _columns(bullets, width, similarities) if not only or c.key in only)
        gap = "  " if width >= 100 else " "
        before = sum(column.width + len(gap) for column in columns)
        room = width - before
        if room < _MIN_CONTENT:
            before, room = 0, max(width - 2, 1)
        return cls(width, columns, gap, before, room, "..." if ascii_only else "…", similarities)

    def header(self) -> Text:
        line = Text(no_wrap=True)
        for column in self.columns:
            line.append(_cell(column.title, column, "") + self.gap, BOLD)
        if self.before:
            line.append("content", BOLD)
        line.truncate(self.width)
        return line

    def rows(self, bullet: Bullet, *, whole: bool = False) -> Iterator[Text]:
        """The lines of a bullet: its content cut to one line or, with ``whole``, wrapped."""
        if whole:
            parts = _wrapped(bullet.content, self.room)
        else:
            parts = [cut(one_line(bullet.content), self.room, self.mark)]
        style = QUIET if bullet.is_quarantined else PLAIN
        line = Text(no_wrap=True)
        cells = _cells(bullet, self.similarities)
        for column in self.columns:
            value, cell_style = cells[column.key]
            line.append(_cell(value, column, self.mark), cell_style)
            line.append(self.gap)
        if self.before:
            line.append(parts.pop(0), style)
        line.truncate(self.width)
        yield line
        indent = " " * (self.before or 2)
        for part in parts:
            yield Text(indent).append(part, style)

    def is_cut(self, bullet: Bullet) -> bool:
        return cell_len(one_line(bullet.content)) > self.room


def cut(text: str, room: int, mark: str = "…") -> str:
    """``text`` in at most ``room`` cells, with ``mark`` at its end if something is missing."""
    if cell_len(text) <= room:
        return text
    if room <= len(mark):
        return set_cell_size(text, room)
    return set_cell_size(text, room - len(mark)).rstrip() + mark


def _columns(bullets: Sequence[Bullet], width: int, similarities: Mapping[str, float] | None) -> list[Column]:
    # Called for 100,000 bullets before the first line is shown: one cheap pass a column.
    wide = width >= 130
    limit = 24 if wide else 12 if width >= 80 else 8
    helpful = max((b.helpful_count for b in bullets), default=0)
    harmful = max((b.harmful_count for b in bullets), default=0)
    activations = max((b.activation_count for b in bullets), default=0)
    columns = [
        _column("id", "id", min(_widest([b.id for b in bullets]), limit)),
        _column(
            "section",
            "section",
            _widest([kind.value for kind in Section if any(b.section is kind for b in bullets)]),
        ),
        _column("domain", "domain", min(_widest({b.domain_id for b in bullets}), limit)),
        _column(
            "stage",
            "stage",
            _widest([kind.value for kind in PlaybookStage if any(b.stage is kind for b in bullets)]),
        ),
        _column("confidence", "confidence" if wide else "conf", 4, right=True),
        _column("votes", "helpful/harmful" if wide else "+/-", len(f"{helpful}/{harmful}"), right=True),
        _column("activations", "activations" if wide else "act", len(str(activations)), right=True),
    ]
    if similarities is not None:
        columns.insert(0, _column("similarity", "similarity" if wide else "sim", 5, right=True))
    return columns


def _column(key: str, title: str, width: int, *, right: bool = False) -> Column:
    return Column(key, title, max(len(title), width), right)


def _cells(bullet: Bullet, similarities: Mapping[str, float] | None) -> dict[str, tuple[str, Style]]:
    cells = {
        "id": (printable(bullet.id), BOLD),
        "section": (bullet.section.value, SECTIONS[bullet.section]),
        "domain": (printable(bullet.domain_id), QUIET if bullet.is_quarantined else PLAIN),
        "stage": (bullet.stage.value, STAGES[bullet.stage]),
        "confidence": (f"{bullet.confidence:.2f}", PLAIN),
        "votes": (f"{bullet.helpful_count}/{bullet.harmful_count}", PLAIN),
        "activations": (str(bullet.activation_count), PLAIN),
    }
    if similarities is not None:
        cells["similarity"] = (f"{similarities[bullet.id]:.3f}", PLAIN)
    return cells


def _cell(text: str, column: Column, mark: str) -> str:
    text = cut(text, column.width, mark)
    space = " " * (column.width - cell_len(text))
    return space + text if column.right else text + space


def _wrapped(content: str, room: int) -> list[str]:
    from rich.console import Console

    lines = Text(printable(content, keep_lines=True)).wrap(Console(width=room), room)
    return [line.plain.rstrip() for line in lines] or [""]


def _widest(texts: Collection[str]) -> int:
    together = "".join(texts)
    if together.isascii() and together.isprintable():
        return max(map(len, texts), default=0)
    return max((cell_len(printable(text)) for text in texts), default=0)
