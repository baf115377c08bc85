"""Bullets as a table: fitted to a terminal, or complete and tab-separated for a script."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from ace_cli.playbook import Bullet, PlaybookStage, Section
from ace_cli.playbook.standing import mark
from ace_cli.report.terminal.style import BOLD, PLAIN, QUIET, SECTIONS, STAGES
from ace_cli.report.text import one_line, printable

TSV_HEADER = "id\tsection\tdomain\tstage\tconfidence\thelpful\tharmful\tneutral\tactivations\tcontent"

_MIN_CONTENT = 30
"""Cells below which the content gets a line of its own."""


def tsv_lines(bullets: Iterable[Bullet], similarities: Mapping[str, float] | None = None) -> Iterator[str]:
    """A header, then one line a bullet; ``similarities`` (by id) adds a last column.

    Nothing is shortened; tabs and line feeds of the content stand as ``\\t`` and ``\\n``.
    """
    yield TSV_HEADER if similarities is None else f"{TSV_HEADER}\tsimilarity"
    for bullet in bullets:
        votes = f"{bullet.helpful_count}\t{bullet.harmful_count}\t{bullet.neutral_count}"
        line = (
            f"{printable(bullet.id)}\t{bullet.section.value}\t{printable(bullet.domain_id)}\t{bullet.stage.value}\t"
            f"{bullet.confidence:.4f}\t{votes}\t{bullet.activation_count}\t{printable(bullet.content)}"
        )
        yield line if similarities is None else f"{line}\t{similarities[bullet.id]:.4f}"


@dataclass(frozen=True, slots=True)
class Column:
    """``value`` is what stands in it; ``right``: flush right, as numbers do."""

    key: str
    title: str
    width: int
    value: Callable[[Bullet], str]
    style: Style | Callable[[Bullet], Style] = PLAIN
    right: bool = False

    def cell(self, text: str, mark: str) -> str:
        text = cut(text, self.width, mark)
        space = " " * (self.width - cell_len(text))
        return space + text if self.right else text + space


@dataclass(frozen=True, slots=True)
class Layout:
    """A table's columns, fitted to a width: no line is wider.

    ``before`` are the cells in front of the content, 0 if it gets a line of its own; ``room`` are the content's.
    """

    width: int
    columns: tuple[Column, ...]
    gap: str
    before: int
    room: int
    mark: str

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
        """Columns as wide as these bullets need.

        Args:
            only: names the columns to have (default: all).
            similarities: by bullet id, shown in a first column.
            ascii_only: a terminal without Unicode: ``...`` and ``-`` for ``…`` and ``─``.
        """
        columns = tuple(c for c in _columns(bullets, width, similarities) if not only or c.key in only)
        gap = "  " if width >= 100 else " "
        before = sum(column.width + len(gap) for column in columns)
        room = width - before
        if room < _MIN_CONTENT:
            before, room = 0, max(width - 2, 1)
        return cls(width, columns, gap, before, room, "..." if ascii_only else "…")

    def lines(self, bullets: Iterable[Bullet], *, whole: bool = False) -> Iterator[Text]:
        """The table; with ``whole``, the content is wrapped instead of cut."""
        yield self.header()
        yield Text(("─" if self.mark == "…" else "-") * self.width, QUIET)
        for bullet in bullets:
            yield from self.rows(bullet, whole=whole)

    def header(self) -> Text:
        cells = [column.cell(column.title, "") + self.gap for column in self.columns]
        line = Text("".join(cells) + ("content" if self.before else ""), BOLD, no_wrap=True)
        line.truncate(self.width)
        return line

    def rows(self, bullet: Bullet, *, whole: bool = False) -> Iterator[Text]:
        """The lines of a bullet: its content cut to one line or, with ``whole``, wrapped."""
        if whole:
            parts = _wrapped(bullet.content, self.room)
        else:
            parts = [cut(one_line(bullet.content), self.room, self.mark)]
        style = _quiet_if_out(bullet)
        line = Text(no_wrap=True)
        for column in self.columns:
            cell_style = column.style if isinstance(column.style, Style) else column.style(bullet)
            line.append(column.cell(column.value(bullet), self.mark), cell_style)
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


def _columns(
    bullets: Sequence[Bullet], width: int, similarities: Mapping[str, float] | None
) -> Iterator[Column]:
    # Called for 100,000 bullets before the first line is shown: one cheap pass a column.
    wide = width >= 130
    limit = 24 if wide else 12 if width >= 80 else 8

    def text(key: str, cells: int, value: Callable[[Bullet], str], style: Any) -> Column:
        return Column(key, key, max(len(key), cells), value, style)

    def number(key: str, title: str, short: str, cells: int, value: Callable[[Bullet], str]) -> Column:
        title = title if wide else short
        return Column(key, title, max(len(title), cells), value, right=True)

    def most(count: Callable[[Bullet], int]) -> int:
        return max(map(count, bullets), default=0)

    if similarities is not None:
        yield number("similarity", "similarity", "sim", 5, lambda b: f"{similarities[b.id]:.3f}")
    ids, domains = [b.id for b in bullets], {b.domain_id for b in bullets}
    sections = [kind.value for kind in Section if any(b.section is kind for b in bullets)]
    stages = [kind.value for kind in PlaybookStage if any(b.stage is kind for b in bullets)]
    votes = f"{most(attrgetter('helpful_count'))}/{most(attrgetter('harmful_count'))}"
    active = str(most(attrgetter("activation_count")))
    yield text("id", min(_widest(ids), limit), lambda b: printable(b.id), BOLD)
    yield text("section", _widest(sections), lambda b: b.section.value, lambda b: SECTIONS[b.section])
    yield text("domain", min(_widest(domains), limit), lambda b: printable(b.domain_id), _quiet_if_out)
    yield text("stage", _widest(stages), lambda b: b.stage.value, lambda b: STAGES[b.stage])
    if marks := [word for bullet in bullets if (word := mark(bullet))]:
        yield text("note", min(_widest(marks), limit), lambda b: printable(mark(b)), _quiet_if_out)
    yield number("confidence", "confidence", "conf", 4, lambda b: f"{b.confidence:.2f}")
    yield number(
        "votes", "helpful/harmful", "+/-", len(votes), lambda b: f"{b.helpful_count}/{b.harmful_count}"
    )
    yield number("activations", "activations", "act", len(active), lambda b: str(b.activation_count))


def _quiet_if_out(bullet: Bullet) -> Style:
    return QUIET if bullet.is_quarantined else PLAIN


def _wrapped(content: str, room: int) -> list[str]:
    from rich.console import Console

    lines = Text(printable(content, keep_lines=True)).wrap(Console(width=room), room)
    return [line.plain.rstrip() for line in lines] or [""]


def _widest(texts: Collection[str]) -> int:
    together = "".join(texts)
    if together.isascii() and together.isprintable():
        return max(map(len, texts), default=0)
    return max((cell_len(printable(text)) for text in texts), default=0)
