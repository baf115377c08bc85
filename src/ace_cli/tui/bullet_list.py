"""A list of bullets of any length: only the lines on the screen are ever drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ace_cli.playbook import Bullet
from ace_cli.report.terminal.tables import Layout

_COLUMNS = ("id", "section", "stage", "note", "confidence", "votes")
_FEWER = (_COLUMNS, _COLUMNS[:5], _COLUMNS[:4], ("id", "stage", "note"), ("id", "stage"), ("id",))
"""Of which the first is taken that leaves room for the wording beside it."""
_MARK = "> "


class BulletList(ScrollView, can_focus=True):
    """One line a bullet; the cursor's line is reversed and marked, so it shows without colours too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown,space", "page(1)", show=False),
        Binding("home,g", "move(-1000000000)", show=False),
        Binding("end,G", "move(1000000000)", show=False),
    ]

    cursor: reactive[int] = reactive(0)

    class Moved(Message):
        """The cursor stands on another bullet, or the bullet has changed, or there is none."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._bullets: Sequence[Bullet] = ()
        self._everything: Sequence[Bullet] = ()
        self._fitted_width = 0
        self._base = Style()
        self._layout = Layout.fit((), 80, only=_COLUMNS)

    @property
    def current(self) -> Bullet | None:
        return self._bullets[self.cursor] if self.cursor < len(self._bullets) else None

    def show_bullets(self, bullets: Sequence[Bullet], everything: Sequence[Bullet]) -> None:
        """Show these; the cursor stays on its bullet if that is among them, else on its line.

        Columns are as wide as ``everything`` needs, so that they do not jump while a filter is typed.
        """
        before = self.current
        self._bullets = bullets
        if everything is not self._everything:
            self._everything = everything
            self._fitted_width = 0
        position = self.cursor
        if before is not None:
            position = next((i for i, b in enumerate(bullets) if b.id == before.id), position)
        self._fit()
        position = max(0, min(position, len(bullets) - 1))
        if position != self.cursor:
            self.cursor = position
        else:
            self.watch_cursor()

    def header(self) -> str:
        return " " * len(_MARK) + self._layout.header().plain

    def render_lines(self, crop: Region) -> list[Strip]:
        self._base = self.rich_style  # costs more than a line, and is the same for all of them
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        base = self._base
        if index >= len(self._bullets):
            text = "  No bullet matches." if not self._bullets and y == 0 else ""
            return Strip([Segment(text.ljust(width), base)], width)
        bullet = self._bullets[index]
        selected = index == self.cursor
        line = next(self._layout.rows(bullet))
        segments = [Segment(_MARK if selected else " " * len(_MARK)), *line.render(self.app.console, end="")]
        if self.app.no_color:  # Textual would turn red into a grey too dark to read
            segments = [Segment(s.text, s.style and s.style.without_color) for s in segments]
        if selected:
            base = base + Style(reverse=True, bold=self.has_focus)
            segments = [Segment(s.text, None) for s in segments]
        return Strip(segments).apply_style(base).adjust_cell_length(width, base)

    def on_resize(self) -> None:
        # The width that the scroll bar leaves is known only when the new layout stands.
        self.call_after_refresh(self._refit)

    def _refit(self) -> None:
        self._fit()
        self.refresh()
        self.watch_cursor()

    def on_click(self, event: Click) -> None:
        line = event.y + self.scroll_offset.y
        if line < len(self._bullets):
            self.cursor = line

    def watch_cursor(self) -> None:
        self._scroll_to_cursor()
        self.refresh()
        self.post_message(self.Moved())

    def action_move(self, lines: int) -> None:
        self.cursor = max(0, min(self.cursor + lines, len(self._bullets) - 1))

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(self.size.height - 1, 1))

    def _fit(self) -> None:
        # The height decides whether there is a scroll bar, and so the width that is left.
        self.virtual_size = Size(0, len(self._bullets))
        width = self.scrollable_content_region.width or 80
        if width != self._fitted_width:
            room = max(width - len(_MARK), 20)
            layouts = (Layout.fit(self._everything, room, only=columns) for columns in _FEWER)
            self._layout = next((layout for layout in layouts if layout.before), self._layout)
            self._fitted_width = width

    def _scroll_to_cursor(self) -> None:
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False)
