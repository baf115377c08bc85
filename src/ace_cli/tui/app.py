"""The browser: a filter line, the list, the bullet under the cursor with its history, the keys."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import ClassVar, Literal

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Input, Static

from ace_cli.errors import AceError
from ace_cli.playbook import PlaybookStage
from ace_cli.playbook.filters import SORT_KEYS
from ace_cli.report.format import count
from ace_cli.report.terminal.bullet_view import Story, story_lines
from ace_cli.report.text import printable
from ace_cli.tui.bullet_list import BulletList
from ace_cli.tui.dialogs import KeysDialog, LeaveDialog, RewordDialog, SaveDialog
from ace_cli.tui.document import Document
from ace_cli.tui.query import HELP, Finder

_SORTS = ["", *SORT_KEYS]
_KEYS = [
    ("/", "filter by words, or by"),
    *(("", field) for field in HELP.split("  ")[1:]),
    ("Enter", "scroll in the bullet; Esc: back"),
    ("Up Down", "move, as k j; PgUp PgDn Space: by pages"),
    ("Home End", "first and last, as g G"),
    ("p s", "stage production, stage shadow"),
    ("x", "quarantine: kept out of prompts"),
    ("e d u", "edit the wording, delete, undo"),
    ("o", "sort by another key"),
    ("n", "nearest bullets of the domain"),
    ("w q", "save, quit: both ask first"),
]
"""What ``?`` shows."""


class FilterLine(Input):
    """Filters with every key; Enter, Escape and Down go back to the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,escape,down", "app.list", "Back to the list", key_display="Enter"),
        Binding("ctrl+u", "delete_left_all", "Clear", key_display="Ctrl+U"),
    ]


class Browser(App[str]):
    """Returns a line on what was saved."""

    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = "browser.tcss"
    TITLE = "ace inspect"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Find", key_display="/"),
        Binding("question_mark", "keys", "Keys", key_display="?"),
        Binding("q", "leave", "Quit"),  # early: a narrow terminal cuts the last ones off
        Binding("w", "save", "Save"),
        Binding("p", "stage('production')", "Prod"),
        Binding("s", "stage('shadow')", "Shadow"),
        Binding("x", "stage('quarantined')", "Quar"),
        Binding("e", "reword", "Edit"),
        Binding("d", "delete", "Del"),
        Binding("u", "undo", "Undo"),
        Binding("o", "sort", "Sort"),
        Binding("n", "neighbours", "Near"),
        Binding("ctrl+q", "leave", show=False, priority=True),
        Binding("ctrl+c", "leave", show=False, priority=True),
        Binding("escape", "clear", show=False),
        Binding("enter", "detail", show=False),
    ]

    def __init__(self, document: Document) -> None:
        super().__init__()
        self.document = document
        self._finder = Finder()
        self._sort = ""
        self._saved = ""

    # -- what is on the screen

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        yield FilterLine(placeholder=f"/ to filter: {HELP}", id="filter", compact=True)
        with Container(id="body"):
            with Vertical(id="left"):
                yield Static(id="columns")
                yield BulletList(id="list")
            with VerticalScroll(id="detail"):
                yield Static(id="story")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        gc.freeze()  # bullets stay: the collector need not visit each of them between two key presses
        self._list.focus()
        self._show_list()

    @property
    def _list(self) -> BulletList:
        return self.query_one("#list", BulletList)

    def _show_list(self) -> None:
        session = self.document.session
        everything = session.playbook.bullets
        found = self._finder.find(everything, self.query_one("#filter", Input).value, sort=self._sort)
        self._list.show_bullets(found, everything)
        name = printable(self.document.path.name)
        parts = [f"{name}  {len(found):,} of {count(len(everything), 'bullet')}"]
        if self._sort:
            parts.append(f"by {self._sort}")
        if session.is_dirty:
            parts.append(f"* {sum(map(len, session.unsaved))} unsaved (w saves)")
        self.query_one("#title", Static).update(Content("  ".join(parts)), layout=False)

    def _show_story(self, story: Story | None = None) -> None:
        bullet = self._list.current
        text = Text()
        if bullet is not None:
            text = Text("\n").join(story_lines(story or self.document.story(bullet)))
        if self.no_color:
            text = Text(text.plain)
        self.query_one("#story", Static).update(text)

    def on_bullet_list_moved(self) -> None:
        self.query_one("#columns", Static).update(Content(self._list.header()), layout=False)
        self._show_story()
        self.query_one("#detail", VerticalScroll).scroll_home(animate=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "filter":
            self._show_list()

    # -- keys

    def action_keys(self) -> None:
        self.push_screen(KeysDialog(_KEYS))

    def action_filter(self) -> None:
        self.query_one("#filter", Input).focus()

    def action_list(self) -> None:
        self._list.focus()

    def action_clear(self) -> None:
        """Escape: from the detail to the list; on the list, drop the filter."""
        if self._list.has_focus:
            self.query_one("#filter", Input).value = ""
        self._list.focus()

    def action_detail(self) -> None:
        self.query_one("#detail", VerticalScroll).focus()

    def action_sort(self) -> None:
        self._sort = _SORTS[(_SORTS.index(self._sort) + 1) % len(_SORTS)]
        self._show_list()

    def action_stage(self, stage: str) -> None:
        bullet = self._list.current
        if bullet is not None and self.document.session.set_stage(bullet.id, PlaybookStage(stage)):
            self._show_list()

    def action_delete(self) -> None:
        bullet = self._list.current
        if bullet is not None:
            self.document.session.delete(bullet.id)
            self._show_list()
            self._tell(f"{bullet.id} deleted; u undoes it")

    def action_undo(self) -> None:
        edit = self.document.session.undo()
        self._show_list()
        self._tell(f"{edit.id}: {edit.action} taken back" if edit else "Nothing to undo")

    def action_reword(self) -> None:
        bullet = self._list.current
        if bullet is None:
            return

        def keep(text: str | None) -> None:
            try:
                if text is not None:
                    self.document.session.reword(bullet.id, text)
            except AceError as error:
                self._tell(f"{error.message}. {error.hint}", severity="error")
            self._show_list()

        self.push_screen(RewordDialog(bullet), keep)

    def action_neighbours(self) -> None:
        bullet = self._list.current
        if bullet is None:
            return
        bullets = self.document.session.playbook.bullets

        def look() -> None:
            from dataclasses import replace

            from ace_cli.report.terminal.similar import neighbours

            near = tuple(neighbours(bullet, bullets))
            note = "" if near else "No neighbours: too many bullets in this domain, or no other one."
            story = replace(self.document.story(bullet), neighbours=near, note=note)
            self.call_from_thread(self._show_found, bullet.id, story)

        self.run_worker(look, thread=True, exclusive=True, exit_on_error=True)

    def _show_found(self, bullet_id: str, story: Story) -> None:
        current = self._list.current
        if current is not None and current.id == bullet_id:
            self._show_story(story)
            self.query_one("#detail", VerticalScroll).scroll_end(animate=False)

    def action_save(self) -> None:
        if not self.document.session.is_dirty:
            self._tell("Nothing to save")
        else:
            self.push_screen(SaveDialog(self.document), self._after_save)

    def action_leave(self) -> None:
        session = self.document.session
        if len(self.screen_stack) > 1:
            return  # a dialog is open and has its own way out
        if not session.is_dirty:
            self.exit(self._saved)
            return

        def answer(word: str | None) -> None:
            if word == "discard":
                self.exit(self._saved)
            elif word == "save":
                self.push_screen(SaveDialog(self.document), self._after_last_save)

        self.push_screen(LeaveDialog(sum(map(len, session.unsaved))), answer)

    def _after_save(self, path: Path | None) -> None:
        if path is not None:
            self._saved = f"{count(len(self.document.session.edits), 'edit')} saved to {path}"
            self._tell(self._saved)
        self._show_list()

    def _after_last_save(self, path: Path | None) -> None:
        self._after_save(path)
        if path is not None:
            self.exit(self._saved)

    def _tell(self, text: str, severity: Literal["information", "error"] = "information") -> None:
        self.notify(printable(text), markup=False, timeout=3, severity=severity)
