"""The README's pictures of `ace inspect`, from a real run or playbook: python docs/pictures.py RUN_OR_PLAYBOOK."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ace_cli.cli.inspect_target import Target, open_target
from ace_cli.report.bullet_view import merge_events
from ace_cli.report.run_view import live_lines, run_view
from ace_cli.report.tables import table_lines
from ace_cli.tui.app import Browser
from ace_cli.tui.document import Document

IMAGES = Path(__file__).parent / "img"
WIDTH = 110


def main(path: Path) -> None:
    target = open_target(path)
    bullets = target.playbook.bullets[:16]
    flag = "" if target.run is None else " --bullets"
    write("table", f"ace inspect {path.name}{flag}", table_lines(bullets, WIDTH))
    if target.run is not None:
        write("run", f"ace inspect {path.name}", live_lines(run_view(target.run), WIDTH, 100))
    asyncio.run(browser(target))


def write(name: str, title: str, lines: Iterable[Text]) -> None:
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False)
    for line in lines:
        console.print(line, no_wrap=True, overflow="crop")
    console.save_svg(str(IMAGES / f"{name}.svg"), title=title)


async def browser(target: Target) -> None:
    document = Document(target.path, target.playbook, merge_events(target.deltas()), target.run is None)
    app = Browser(document)
    async with app.run_test(size=(WIDTH + 10, 28)) as pilot:
        await pilot.press("down", "n")
        await app.workers.wait_for_complete()
        await pilot.pause()
        app.query_one("#detail").scroll_home(animate=False)
        await pilot.pause()
        (IMAGES / "tui.svg").write_text(app.export_screenshot(title="ace inspect --tui"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
