"""The browser's questions: another wording, where to save, what to do with unsaved edits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, TextArea

from ace_cli.errors import AceError
from ace_cli.playbook import Bullet
from ace_cli.report.format import count
from ace_cli.report.text import printable
from ace_cli.tui.document import Document

T = TypeVar("T")


class Dialog(ModalScreen[T | None]):
    """A question with buttons, whose ids name the actions that they stand for. The answer is None for Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back")]

    def __init__(self) -> None:
        super().__init__()
        self.app.clear_notifications()  # they would lie on top of the question

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        await self.run_action(event.button.id or "leave")

    def action_leave(self) -> None:
        self.dismiss(None)


class RewordDialog(Dialog[str]):
    """Asks for a bullet's new wording; None if it stays as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "keep", "Keep this wording", priority=True)]

    def __init__(self, bullet: Bullet) -> None:
        super().__init__()
        self._bullet = bullet
        self._shown = printable(bullet.content, keep_lines=True)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(Content(f"Wording of {printable(self._bullet.id)}"))
            if self._shown != self._bullet.content:
                yield Label(
                    "Invisible and control characters are shown as escapes; kept, they are that text."
                )
            yield TextArea(self._shown, soft_wrap=True, tab_behavior="focus")
            with Horizontal(classes="buttons"):
                yield Button("Keep (Ctrl+S)", id="keep", variant="primary")
                yield Button("Cancel (Esc)", id="leave")

    def action_keep(self) -> None:
        text = self.query_one(TextArea).text
        self.dismiss(None if text == self._shown else text)


class SaveDialog(Dialog[Path]):
    """Asks where to save, and saves; returns where, or None if the user thought better of it."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._warned_of: Path | None = None

    def compose(self) -> ComposeResult:
        session = self._document.session
        fresh, taken_back = session.unsaved
        actions = Counter(edit.action for edit in fresh)
        parts = [f"{number} {_DONE[action]}" for action, number in actions.items()]
        done = ", ".join([*parts, f"{len(taken_back)} taken back"] if taken_back else parts)
        with Vertical(classes="dialog"):
            yield Label(Content(f"Save {done} (by {printable(session.by)}) to:"))
            yield Input(str(self._document.suggested_path()), id="path")
            yield Label("", id="problem")
            with Horizontal(classes="buttons"):
                yield Button("Save (Enter)", id="save", variant="primary")
                yield Button("Back (Esc)", id="leave")

    def on_mount(self) -> None:
        self.on_input_changed()
        self.query_one(Input).focus()

    def on_input_changed(self) -> None:
        path = self._path()
        if self._document.is_own(path):
            self._tell("This replaces the file that you opened.")
        else:
            self._tell("A new file." if not path.exists() else "")

    def on_input_submitted(self) -> None:
        self.action_save()

    def action_save(self) -> None:
        path = self._path()
        if not self.query_one(Input).value.strip():
            self._tell("Give the name of a file.")
        elif path.is_file() and not self._document.is_own(path) and self._warned_of != path:
            self._warned_of = path
            self._tell("That file exists. Press Enter again to replace it.")
        else:
            try:
                self._document.save(path)
            except AceError as error:
                self._tell(f"{error.message}. {error.hint}")
            else:
                self.dismiss(path)

    def _path(self) -> Path:
        return Path(self.query_one(Input).value.strip()).expanduser()

    def _tell(self, text: str) -> None:
        self.query_one("#problem", Label).update(Content(printable(text)))


class KeysDialog(Dialog[None]):
    """All keys: the footer of a narrow terminal has no room for them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark,enter,q", "leave", show=False)]

    def __init__(self, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog keys"):
            size = max(len(key) for key, _ in self._keys)
            for key, what in self._keys:
                yield Label(Content(f"{key:<{size}}  {what}"))
            yield Label("Esc or ? closes this.", classes="last")


class LeaveDialog(Dialog[str]):
    """Unsaved edits: ``save``, ``discard``, or None to stay."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("s", "save", "Save"), Binding("d", "discard", "Discard")]

    def __init__(self, unsaved: int) -> None:
        super().__init__()
        self._unsaved = unsaved

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(f"{count(self._unsaved, 'unsaved edit')}.")
            with Horizontal(classes="buttons"):
                yield Button("Save (s)", id="save", variant="primary")
                yield Button("Discard (d)", id="discard", variant="error")
                yield Button("Stay (Esc)", id="leave")

    def action_save(self) -> None:
        self.dismiss("save")

    def action_discard(self) -> None:
        self.dismiss("discard")


_DONE = {"stage": "moved to another stage", "reword": "reworded", "delete": "deleted"}
