"""How soon `ace` answers: `--help` beside that of a bare typer app, and other commands that need no model.

    python -m benchmarks.bench_startup [--rounds 15]

Each round starts every process once, so that a busy machine slows all alike. Aim: `ace --help` within 0.25 s.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from benchmarks.processes import Spent, machine, spend

from ace_cli.playbook import Bullet, Playbook
from ace_cli.playbook.formats import dump_playbook

BARE = """
import typer
app = typer.Typer(add_completion=False, rich_markup_mode=None)
@app.command()
def hello(name: str = "you") -> None:
    '''Say hello.'''
@app.command()
def bye(name: str = "you") -> None:
    '''Say goodbye.'''
app()
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        playbook = Path(folder) / "playbook.json"
        bullets = (Bullet(f"B{n:03d}", f"MergeItem {n}: read the question twice.") for n in range(1, 101))
        playbook.write_bytes(dump_playbook(Playbook(tuple(bullets))))
        ace = ("-m", "ace_cli")
        commands: dict[str, tuple[object, ...]] = {
            "python -c pass": ("-c", "pass"),
            "bare typer app --help": ("-c", BARE, "--help"),
            "ace --help": (*ace, "--help"),
            "ace train --help": (*ace, "train", "--help"),
            "ace inspect FILE": (*ace, "inspect", playbook),
            "ace export FILE": (*ace, "export", playbook, "-f", "prompt"),
        }
        for arguments in commands.values():
            spend(*arguments)  # from the disk into memory
        measured: dict[str, list[Spent]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, arguments in commands.items():
                measured[name].append(spend(*arguments))
    print(f"{machine()}; {rounds} rounds; seconds\n")
    print(f"{'':<24}{'median':>8}{'least':>8}{'CPU':>8}")
    for name, spent in measured.items():
        seconds = [s.seconds for s in spent]
        cpu = statistics.median(s.cpu for s in spent)
        print(f"{name:<24}{statistics.median(seconds):>8.3f}{min(seconds):>8.3f}{cpu:>8.3f}")


if __name__ == "__main__":
    main()
