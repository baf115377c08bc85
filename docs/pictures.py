"""The README's pictures, all of one real run: python docs/pictures.py [RUN].

Without RUN the quickstart's run is made first, in a terminal of its own that is recorded (about a minute, no network).
The page of the HTML report is photographed by Chromium, where there is one.
"""

from __future__ import annotations

import asyncio
import io
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterable
from fcntl import ioctl
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ace_cli.report.terminal.run_view import live_lines
from ace_cli.report.terminal.tables import Layout
from ace_cli.runs.overview import overview
from ace_cli.runs.target import Target, open_target
from ace_cli.tui.app import Browser
from ace_cli.tui.document import Document

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "img"
WIDTH = 110
TRAIN = ["train", "--config", "configs/quickstart.toml", "--run-dir", "runs/quickstart"]


def main(given: Path | None) -> None:
    if given is not None:
        draw(given)
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in ("configs", "examples"):
            shutil.copytree(ROOT / name, Path(folder, name))
        os.chdir(folder)
        screen = recorded([sys.executable, "-m", "ace_cli", *TRAIN])
        write("train", "make quickstart", map(Text.from_ansi, screen))
        draw(Path("runs", "quickstart"))


def draw(path: Path) -> None:
    """The pictures of what `ace inspect` and `ace export` show of a run or a playbook."""
    target = open_target(path)
    bullets = target.playbook.bullets[:16]
    flag = "" if target.run is None else " --bullets"
    write("table", f"ace inspect {path}{flag}", Layout.fit(bullets, WIDTH).lines(bullets))
    if target.run is not None:
        write("run", f"ace inspect {path}", live_lines(overview(target.run), WIDTH, 100))
    asyncio.run(browser(target))
    photograph(path)


def write(name: str, title: str, lines: Iterable[Text]) -> None:
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False)
    for line in lines:
        console.print(line, no_wrap=True, overflow="crop")
    console.save_svg(str(IMAGES / f"{name}.svg"), title=title)


async def browser(target: Target) -> None:
    document = Document(target.path, target.playbook, target.history(), target.run is None)
    app = Browser(document)
    async with app.run_test(size=(WIDTH + 10, 28)) as pilot:
        await pilot.press("down", "n")
        await app.workers.wait_for_complete()
        await pilot.pause()
        app.query_one("#detail").scroll_home(animate=False)
        await pilot.pause()
        (IMAGES / "tui.svg").write_text(app.export_screenshot(title="ace inspect --tui"))


def photograph(path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write("no Chromium: report.png is left as it is\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "report.html")
        export = [sys.executable, "-m", "ace_cli", "export", str(path), "-o", str(page)]
        subprocess.run(export, check=True)
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--window-size=1100,1250",
        ]
        picture = f"--screenshot={IMAGES / 'report.png'}"
        subprocess.run(
            [chromium, *options, picture, page.as_uri()], check=True, stderr=subprocess.DEVNULL, timeout=120
        )


def recorded(command: list[str]) -> list[str]:
    """What stands on the terminal when ``command`` has ended: lines with their colours as escape codes."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
        os.execv(command[0], command)
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, WIDTH, 0, 0))
    output = b""
    while True:
        try:
            output += os.read(terminal, 65536)
        except OSError:  # the program has ended
            break
    os.waitpid(pid, 0)
    return on_screen(output.decode())


_PARTS = re.compile(r"\x1b\[(?P<number>[0-9;?]*)(?P<code>[A-Za-z])|(?P<text>\r|\n|[^\r\n\x1b]+)")


def on_screen(output: str) -> list[str]:
    """Whole lines are written, erased and gone back to: that much of a terminal, no more."""
    lines, row = [""], 0
    for part in _PARTS.finditer(output):
        match part["code"], part["text"]:
            case "A", _:
                row = max(0, row - int(part["number"] or 1))
            case "K", _:
                lines[row] = ""
            case "m", _:
                lines[row] += part[0]
            case None, "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            case None, text if text != "\r":
                lines[row] += text
    return lines[:-1] if not lines[-1] else lines


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
