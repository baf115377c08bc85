"""`ace inspect` on large playbooks: the first page on 100,000 bullets, a key press in the browser on 10,000.

    python -m benchmarks.bench_inspect

Aims: first page within 1.5 s and 400 MB; the browser answers a key press within 100 ms.
"""

from __future__ import annotations

import asyncio
import json
import os
import pty
import random
import resource
import statistics
import struct
import sys
import tempfile
import termios
import time
from fcntl import ioctl
from pathlib import Path

WORDS = [
    "unit",
    "convert",
    "round",
    "price",
    "percentage",
    "ratio",
    "asset",
    "liability",
    "cash",
    "flow",
    "period",
    "divide",
    "multiply",
    "subtract",
    "read",
    "question",
    "answer",
    "twice",
    "half",
    "total",
    "final",
    "result",
    "before",
    "after",
    "each",
    "sum",
]


def write_playbook(path: Path, count: int) -> None:
    pick = random.Random(1)
    bullets: list[dict[str, object]] = []
    for number in range(1, count + 1):
        helpful, harmful = pick.randint(0, 20), pick.randint(0, 5)
        bullets.append(
            {
                "id": f"B{number:03d}",
                "content": f"{' '.join(pick.choices(WORDS, k=18)).capitalize()}, case {number}.",
                "domain_id": pick.choice(["math", "finance", "general"]),
                "section": pick.choice(["helpful", "harmful", "neutral"]),
                "stage": pick.choice(["shadow", "production"]),
                "activation_count": helpful + harmful,
                "confidence": round((helpful + 1) / (helpful + harmful + 2), 4),
                "helpful_count": helpful,
                "harmful_count": harmful,
                "neutral_count": 0,
                "sources": [f"train-{number}"],
                "created_at": "2026-11-22T09:00:00Z",
                "updated_at": "2026-11-22T09:00:00Z",
            }
        )
    path.write_text(
        json.dumps({"version": "v1.0.0", "created_at": "", "training_config": {}, "bullets": bullets})
    )


def first_page(path: Path, *flags: str) -> tuple[float, float, float]:
    """(seconds until a screen of 40 lines is there, CPU seconds, peak MB) at a terminal, pager included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(PAGER="less -R", TERM="xterm-256color", COLUMNS="120", LINES="40")
        os.execv(sys.executable, [sys.executable, "-m", "ace_cli", "inspect", str(path), *flags])
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    seen = b""
    while seen.count(b"\n") < 39:
        seen += os.read(terminal, 65536)
    seconds = time.perf_counter() - started
    os.write(terminal, b"q")
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:  # the terminal is gone: the child has ended
        pass
    os.waitpid(child, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu, after.ru_maxrss / 1024


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large.json"
        write_playbook(large, 100_000)
        for flags in ((), ("--sort", "best"), ("--search", "percentage ratio")):
            times, cpu, megabytes = zip(*(first_page(large, *flags) for _ in range(3)), strict=True)
            print(
                f"first page, 100,000 bullets {' '.join(flags):25} {statistics.median(times):5.2f} s"
                f"  CPU {statistics.median(cpu):5.2f} s  {max(megabytes):4.0f} MB   (aim 1.5 s, 400 MB)"
            )
        medium = Path(folder) / "medium.json"
        for count in (40, 10_000):
            write_playbook(medium, count)
            pressed = asyncio.run(key_presses(medium))
            print(
                f"browser, {count:6,} bullets, from a key in the filter to the list drawn anew: median"
                f" {statistics.median(pressed) * 1000:3.0f} ms, worst {max(pressed) * 1000:3.0f} ms   (aim 100 ms)"
            )


async def key_presses(path: Path) -> list[float]:
    """Seconds from a key press in the filter until the changed list is drawn, key by key.

    The pilot's own ``press`` sleeps in steps of 20 ms until the process is idle, at least three of them,
    so keys are sent as events here and the moment of the list's first drawing is noted.
    """
    from textual.events import Key
    from textual.geometry import Region
    from textual.strip import Strip

    from ace_cli.playbook.formats import read_playbook
    from ace_cli.tui.app import Browser
    from ace_cli.tui.bullet_list import BulletList
    from ace_cli.tui.document import Document

    drawn = 0.0
    draw = BulletList.render_lines

    def noted(self: BulletList, crop: Region) -> list[Strip]:
        nonlocal drawn
        strips = draw(self, crop)
        drawn = drawn or time.perf_counter()
        return strips

    BulletList.render_lines = noted  # type: ignore[method-assign]
    app = Browser(Document(path, read_playbook(path)))
    times = []
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("slash")
        for key in [*"percentage", "space", *"ratio", *["backspace"] * 10]:
            character = " " if key == "space" else key if len(key) == 1 else None
            drawn, started = 0.0, time.perf_counter()
            app.post_message(Key(key, character))
            await pilot.pause(0.2)
            assert drawn, f"{key} changed nothing"
            times.append(drawn - started)
    BulletList.render_lines = draw  # type: ignore[method-assign]
    return times


if __name__ == "__main__":
    main()
