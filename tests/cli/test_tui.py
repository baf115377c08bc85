"""The browser, through Textual's pilot: what a user presses, what is on the screen and in the file."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from rich.style import Style
from textual.pilot import Pilot
from textual.widgets import Input, Label, Static, TextArea

import support.inspect_samples as samples
from ace_cli.playbook.formats import read_playbook
from ace_cli.runs.history import Moment
from ace_cli.tui.app import Browser
from ace_cli.tui.bullet_list import BulletList
from ace_cli.tui.document import Document
from ace_cli.tui.query import parse_query

pytestmark = pytest.mark.patient

Story = Callable[[Browser, Pilot[str]], Awaitable[None]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return samples.write(tmp_path / "playbook.json", note="kept")


def play(path: Path, story: Story, size: tuple[int, int] = (80, 24), **about: Any) -> Browser:
    """Open ``path``, let ``story`` press keys, and return the browser as it was left."""
    app = Browser(Document(path, read_playbook(path), **about))
    app.document.session.by = "alice"

    async def session() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await story(app, pilot)

    asyncio.run(session())
    return app


def press(*keys: str) -> Story:
    async def story(app: Browser, pilot: Pilot[str]) -> None:
        for key in keys:
            await pilot.press(key)
        await pilot.pause()

    return story


def screen(app: Browser) -> list[str]:
    """What is on the screen, line by line."""
    return ["".join(part.text for part in strip) for strip in app.screen._compositor.render_strips()]


def problem(app: Browser) -> str:
    """What the save dialog says."""
    return str(app.screen.query_one("#problem", Label).content)


def listed(app: Browser) -> list[str]:
    """The ids of all bullets in the list, those below the screen included."""
    rows = app.query_one(BulletList)
    lines = (rows.render_line(y - rows.scroll_offset.y).text for y in range(rows.virtual_size.height))
    return [found[0] for line in lines if (found := re.search(r"B\d+", line))]


def saved(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


@pytest.mark.parametrize("size", [(80, 24), (130, 40), (60, 16)])
def test_list_detail_and_keys_are_on_the_screen(path: Path, size: tuple[int, int]) -> None:
    async def story(app: Browser, pilot: Pilot[str]) -> None:
        lines = screen(app)
        assert len(lines) == size[1]
        assert all(len(line) == size[0] for line in lines)
        assert "12 of 12 bullets" in lines[0]
        assert any(
            line.startswith("> B001 helpful production") and "Write down the" in line for line in lines
        )
        assert any("confidence   0.8824" in line for line in lines)
        always, where_there_is_room = (
            ("/ Find", "? Keys", "q Quit", "w Save"),
            ("p Prod", "x Quar", "e Edit", "d Del", "u Undo"),
        )
        for key in always if size[0] < 80 else always + where_there_is_room:
            assert key in lines[-1]
        await pilot.press("down", "down")
        await pilot.pause()
        assert any(line.startswith("> B003") for line in screen(app))
        assert any("B003  harmful  shadow" in line for line in screen(app))

    play(path, story, size)


def test_colours_are_not_needed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def story(app: Browser, pilot: Pilot[str]) -> None:
        for strip in app.screen._compositor.render_strips():
            for segment in strip:
                style = segment.style or Style()
                for colour in (style.color, style.bgcolor):
                    if colour is not None and colour.triplet is not None:
                        assert len(set(colour.triplet)) == 1, "only greys"
        assert any(line.startswith("> B001") for line in screen(app)), "the cursor is marked by a character"

    play(path, story)


def test_the_filter_works_with_every_key(path: Path) -> None:
    async def story(app: Browser, pilot: Pilot[str]) -> None:
        await pilot.press("slash", *"PRICE")
        assert listed(app) == ["B002"]
        await pilot.press("ctrl+u", *"stage:q")
        assert listed(app) == ["B007"]
        await pilot.press("ctrl+u", *"domain:fin", "space", *"flow")
        assert listed(app) == ["B009"]
        await pilot.press("ctrl+u", *"zzz")
        assert listed(app) == []
        assert any("No bullet matches" in line for line in screen(app))
        await pilot.press("enter", "p", "d", "e", "u", "n")  # nothing there: nothing happens
        assert not app.document.session.edits
        await pilot.press("escape")
        assert len(listed(app)) == 12

    play(path, story)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("cash Flow", {"search": "cash Flow"}),
        ("domain:math cash", {"domain": "math", "search": "cash"}),
        ("stage:prod section:harm", {"stage": "production", "section": "harmful"}),
        ("conf:0.8", {"min_confidence": 0.8}),
        ("conf:7 conf:x stage:zz domain:", {"search": "conf:7 conf:x stage:zz domain:"}),
        ("ratio 2:1", {"search": "ratio 2:1"}),
    ],
)
def test_what_the_filter_line_means(text: str, expected: dict[str, Any]) -> None:
    wanted = parse_query(text)
    assert {name: getattr(wanted, name) for name in expected} == expected
    assert wanted.search == expected.get("search", "")


def test_sorting_by_a_key(path: Path) -> None:
    async def story(app: Browser, pilot: Pilot[str]) -> None:
        await pilot.press("o", "o")
        await pilot.pause()
        assert "by best" in screen(app)[0]
        assert listed(app)[0] == "B012"

    play(path, story)


def test_edits_are_saved_only_on_confirmation_with_a_note_of_who(path: Path) -> None:
    before = path.read_bytes()

    async def story(app: Browser, pilot: Pilot[str]) -> None:
        await pilot.press("p")  # is production already: no edit
        await pilot.press("down", "x", "down", "p", "down", "d")
        await pilot.pause()
        assert "* 3 unsaved" in screen(app)[0]
        await pilot.press("w")
        await pilot.pause()
        assert any("2 moved to another stage, 1 deleted (by alice)" in line for line in screen(app))
        await pilot.press("escape")
        assert path.read_bytes() == before
        await pilot.press("w", "enter")
        await pilot.pause()
        assert "unsaved" not in screen(app)[0]
        await pilot.press("q")

    app = play(path, story)
    assert app.return_value == f"3 edits saved to {path}"
    after = saved(path)
    assert after["note"] == "kept"
    stages = {bullet["id"]: bullet["stage"] for bullet in after["bullets"]}
    assert (stages["B002"], stages["B003"]) == ("quarantined", "production")
    assert "B004" not in stages
    assert [(e["by"], e["id"], e["action"], e["before"], e["after"]) for e in after["edits"][:2]] == [
        ("alice", "B002", "stage", "production", "quarantined"),
        ("alice", "B003", "stage", "shadow", "production"),
    ]
    assert after["edits"][2]["before"]["content"] == samples.LESSONS[3][0], (
        "what was deleted is kept in the note"
    )
    assert after["edits"][2]["after"] is None
    assert [p.name for p in path.parent.iterdir()] == ["playbook.json"], "nothing is left beside it"


def test_a_new_wording(path: Path) -> None:
    async def story(app: Browser, pilot: Pilot[str]) -> None:
        await pilot.press("e")
        await pilot.pause()
        app.screen.query_one(TextArea).text = "Convert units first."
        await pilot.press("escape")
        assert not app.document.session.edits
        await pilot.press("e")
        await pilot.pause()
        app.screen.query_one(TextArea).text = "Convert units first."
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert any("Convert units first." in line for line in screen(app))
        assert any("reworded, was: Write down the units" in line for line in screen(app))
        await pilot.press("e")
        await pilot.pause()
        app.screen.query_one(TextArea).text = "   "
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert len(app.document.session.edits) == 1, "an empty wording is refused"
        await pilot.press("w", "enter", "q")

    play(path, story, (130, 40))
    after = saved(path)
    assert after["bullets"][0]["content"] == "Convert units first."
    assert after["bullets"][0]["helpful_count"] == 14
    assert after["edits"][0]["before"] == samples.LESSONS[0][0]


def test_undo_takes_back_one_edit_after_the_other(path: Path) -> None:
    before = path.read_bytes()

    async def story(app: Browser, pilot: Pilot[str]) -> None:
        await pilot.press("d", "x", "s")
        assert len(app.document.session.edits) == 3
        await pilot.press("u", "u")
        assert listed(app)[0] == "B002"
        await pilot.press("u", "u")
        await pilot.pause()
        assert listed(app)[0] == "B001"
        assert "unsaved" not in screen(app)[0]
        await pilot.press("w", "q")

    app = play(path, story)
    assert app.return_value == ""
    assert path.read_bytes() == before


def test_what_is_unsaved_is_counted_from_the_last_save(path: Path) -> None:
    async def story(app: Browser, pilot: Pilot[str]) -> None:
        async def unsaved(*keys: str) -> str:
            await pilot.press(*keys)
            await pilot.pause()
            return screen(app)[0].partition("* ")[2].strip()

        assert await unsaved("x", "down", "x", "down", "x") == "3 unsaved (w saves)"
        assert await unsaved("w", "enter") == ""
        assert await unsaved("down", "x") == "1 unsaved (w saves)"
        assert await unsaved("u") == ""
        assert await unsaved("u") == "1 unsaved (w saves)"
        await pilot.press("w")
        await pilot.pause()
        assert any("Save 1 taken back (by alice)" in line for line in screen(app))
        await pilot.press("escape", "q")
        await pilot.pause()
        assert any("1 unsaved edit." in line for line in screen(app))

    play(path, story)


@pytest.mark.parametrize("size", [(60, 16), (80, 24)])
def test_no_message_lies_on_top_of_a_question(path: Path, size: tuple[int, int]) -> None:
    async def story(app: Browser, pilot: Pilot[str]) -> None:
        await pilot.press("d", "d", "d", "d")
        await pilot.pause()
        await pilot.press("q")
        await pilot.pause()
        shown = "\n".join(screen(app))
        assert "deleted; u undoes it" not in shown
        assert "4 unsaved edits." in shown
        assert all(button in shown for button in ("Save (s)", "Discard (d)", "Stay (Esc)"))

    play(path, story, size)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (130, 40)])
def test_a_question_mark_shows_the_keys(path: Path, size: tuple[int, int]) -> None:
    async def story(app: Browser, pilot: Pilot[str]) -> None:
        await pilot.press("question_mark")
        await pilot.pause()
        shown = "\n".join(screen(app))
        for what in (
            "section:harmful",
            "edit the wording",
            "quarantine: kept out of prompts",
            "nearest bullets",
        ):
            assert what in shown
        await pilot.press("question_mark")
        await pilot.pause()
        assert len(app.screen_stack) == 1
        await pilot.press("down")
        assert any(line.startswith("> B002") for line in screen(app))

    play(path, story, size)


def test_at_every_width_there_is_wording_beside_the_id(path: Path) -> None:
    async def story(app: Browser, pilot: Pilot[str]) -> None:
        assert any(line.startswith("> B001") and "Write down" in line for line in screen(app))

    for width in (40, 50, 60, 70):
        play(path, story, (width, 20))


def test_saved_as_a_new_file_the_old_one_stays(path: Path) -> None:
    before = path.read_bytes()
    new, taken = path.with_name("new.json"), path.with_name("taken.json")
    taken.write_text("mine")

    async def story(app: Browser, pilot: Pilot[str]) -> None:
        await pilot.press("x", "w")
        await pilot.pause()
        field = app.screen.query_one(Input)
        field.value = ""
        await pilot.press("enter")
        field.value = str(path.parent)
        await pilot.press("enter")
        await pilot.pause()
        assert "is a folder" in problem(app)
        field.value = str(taken)
        await pilot.press("enter")
        await pilot.pause()
        assert "Press Enter again to replace it" in problem(app)
        assert taken.read_text() == "mine"
        field.value = str(new)
        await pilot.press("enter", "q")

    play(path, story)
    assert path.read_bytes() == before
    assert taken.read_text() == "mine"
    assert saved(new)["bullets"][0]["stage"] == "quarantined"
    again = play(new, press("down", "x", "w", "enter", "q"))
    assert [e["id"] for e in saved(new)["edits"]] == ["B001", "B002"], "notes of earlier sessions stay"
    assert again.document.story(again.document.playbook.bullets[0]).moments[0].kind == "edited"


def test_what_changed_on_disk_meanwhile_is_not_overwritten(path: Path) -> None:
    async def story(app: Browser, pilot: Pilot[str]) -> None:
        await pilot.press("x", "w")
        path.write_text("someone else's")
        await pilot.press("enter")
        await pilot.pause()
        assert "changed by someone else" in problem(app)

    play(path, story)
    assert path.read_text() == "someone else's"


def test_what_is_not_our_own_form_is_saved_as_a_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    foreign = tmp_path / "paper.txt"
    foreign.write_text("## STRATEGIES\n[sec-00001] helpful=5 harmful=0 :: Convert units first.\n")
    before = foreign.read_bytes()

    async def story(app: Browser, pilot: Pilot[str]) -> None:
        await pilot.press("p", "w")
        await pilot.pause()
        field = app.screen.query_one(Input)
        assert field.value == "paper-edited.json"
        field.value = str(foreign)
        await pilot.press("enter")
        await pilot.pause()
        assert "Save as a new file" in problem(app)
        field.value = "paper-edited.json"
        await pilot.press("enter", "q")

    play(foreign, story)
    assert foreign.read_bytes() == before
    assert saved(tmp_path / "paper-edited.json")["bullets"][0]["stage"] == "production"


@pytest.mark.parametrize(
    ("answer", "is_saved", "is_left"), [("d", False, True), ("escape", False, False), ("s", True, True)]
)
def test_leaving_with_unsaved_edits_asks(path: Path, answer: str, is_saved: bool, is_left: bool) -> None:
    before = path.read_bytes()

    async def story(app: Browser, pilot: Pilot[str]) -> None:
        await pilot.press("x", "q")
        await pilot.pause()
        assert any("1 unsaved edit." in line for line in screen(app))
        await pilot.press(answer)
        await pilot.pause()
        if answer == "s":
            await pilot.press("enter")
            await pilot.pause()
        assert app._exit is is_left

    play(path, story)
    assert (path.read_bytes() != before) is is_saved


def test_the_history_of_a_run_is_in_the_detail(path: Path) -> None:
    events = {"B001": [Moment("merged", "2026-11-22", "Units first.", "train-4", 3, similarity=0.91)]}

    async def story(app: Browser, pilot: Pilot[str]) -> None:
        shown = str(app.query_one("#story", Static).content)
        assert "merged from train-4 (similarity 0.910): Units first." in shown

    play(path, story, (150, 40), history=events, in_place=False)


def test_neighbours_on_request(path: Path) -> None:
    async def story(app: Browser, pilot: Pilot[str]) -> None:
        await pilot.press("n")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert any("Nearest neighbours" in line for line in screen(app))

    play(path, story, (130, 40))


def test_hostile_text_is_shown_harmlessly_everywhere(tmp_path: Path) -> None:
    rows = samples.rows()
    rows[0] |= {"content": samples.HOSTILE, "domain_id": samples.HOSTILE, "sources": [samples.HOSTILE]}
    hostile = samples.write(tmp_path / "[red]name.json", rows)

    async def story(app: Browser, pilot: Pilot[str]) -> None:
        def check() -> None:
            shown = "\n".join(screen(app))
            assert not set(shown) & {"\x1b", "\x00", "\u202e", "\x9b"}
            assert "[bold]loud" in shown

        check()
        assert "[red]name.json" in screen(app)[0]
        await pilot.press("e")
        await pilot.pause()
        check()
        await pilot.press("ctrl+s")
        assert not app.document.session.edits, "looking at it changes nothing"
        await pilot.press("slash", *"[bold]")
        await pilot.pause()
        check()

    play(hostile, story, (150, 40))


def test_a_long_list_scrolls(tmp_path: Path) -> None:
    many = samples.write(tmp_path / "p.json", [{"id": f"B{n:03d}", "content": "x"} for n in range(1, 3001)])

    async def story(app: Browser, pilot: Pilot[str]) -> None:
        await pilot.press("end")
        await pilot.pause()
        assert any(line.startswith("> B3000") for line in screen(app))
        await pilot.press("pageup", "home", "down")
        await pilot.pause()
        assert any(line.startswith("> B002") for line in screen(app))

    play(many, story)
