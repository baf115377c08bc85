"""`ace inspect`: look at a playbook, a checkpoint or a run. Needs no model and no network."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ace_cli.cli.filter_options import PANEL, with_filter
from ace_cli.errors import UsageError
from ace_cli.playbook.filters import BulletFilter

_TARGET = typer.Argument(
    metavar="TARGET", help="A playbook file, a checkpoint or a run directory; without it, the newest run."
)
_BULLET = typer.Argument(metavar="BULLET_ID", help="Show this one bullet with its history.")
_SIMILAR = typer.Option(metavar="TEXT", help="Nearest in meaning to TEXT first.", rich_help_panel=PANEL)
_view = partial(typer.Option, rich_help_panel="What to show")


def inspect(
    wanted: BulletFilter,
    target: Annotated[Path | None, _TARGET] = None,
    bullet_id: Annotated[str, _BULLET] = "",
    similar: Annotated[str, _SIMILAR] = "",
    bullets: Annotated[bool, _view("--bullets", help="List the bullets of a run.")] = False,
    full: Annotated[bool, _view("--full", help="Wrap long text instead of cutting it.")] = False,
    diff: Annotated[Path | None, _view(metavar="OTHER", help="What changed from TARGET to this one.")] = None,
    example: Annotated[str, _view(metavar="ID", help="Everything about one example of a run.")] = "",
    evidence: Annotated[
        Path | None,
        _view(metavar="EVALRUN", help="What an evaluation says of each bullet, the surest first."),
    ] = None,
    follow: Annotated[bool, _view("--follow", help="Watch a run until it ends.")] = False,
    refine: Annotated[
        bool, _view("--refine", help="What says the same: a preview of a playbook with it merged.")
    ] = False,
    restore: Annotated[
        list[str] | None,
        _view(
            metavar="ID",
            help="A bullet that was set aside, in use again with its evidence (may be repeated): a preview.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        _view(
            "--output", "-o", metavar="FILE", help="Write what --refine or --restore makes of the playbook."
        ),
    ] = None,
    tui: Annotated[bool, _view("--tui", help="Browse and edit full-screen.")] = False,
    as_json: Annotated[bool, _view("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Look at a playbook, a checkpoint or a run: its bullets, one bullet's history, what changed.

    Into a pipe, bullets come one a line, tab-separated and whole, under a line of column names.
    """
    from ace_cli.cli import inspect_bullets
    from ace_cli.report.terminal.paging import Output
    from ace_cli.runs.target import open_target

    filtered = bool(similar) or wanted != BulletFilter()
    views = {
        "BULLET_ID": bool(bullet_id),
        "--diff": diff is not None,
        "--example": bool(example),
        "--evidence": evidence is not None,
        "--refine": refine,
        "--restore": bool(restore),
        "--follow": follow,
        "--tui": tui,
        "filters or --bullets": filtered or bullets,
    }
    _one_of(views)
    _one_of({"--tui": tui, "--json": as_json})
    if output is not None and not (refine or restore):
        raise UsageError(
            "--output goes with --refine or --restore", "`ace export -o FILE` writes a playbook as it is."
        )
    out = Output(as_json=as_json, whole=full)
    if tui:
        from ace_cli.tui import check_terminal

        check_terminal()
    if target is None:
        from ace_cli.runs.folders import newest_run

        target = newest_run()
    opened = open_target(target)
    run = opened.run
    if (example or follow) and run is None:
        raise UsageError(
            f"{target} is a file, and {'--example' if example else '--follow'} needs a run",
            "Give the run directory that `ace train` printed first.",
        )
    if tui:
        inspect_bullets.browse(opened)
    elif bullet_id:
        inspect_bullets.show_bullet(opened, bullet_id, out)
    elif diff is not None:
        inspect_bullets.show_diff(opened, open_target(diff), out)
    elif refine:
        from ace_cli.cli.inspect_refine import show_refined

        show_refined(opened, output, out)
    elif restore:
        from ace_cli.cli.inspect_restore import show_restored

        show_restored(opened, restore, output, out)
    elif evidence is not None:
        inspect_bullets.show_effects(opened, open_target(evidence), out)
    elif run is not None and not (filtered or bullets):
        from ace_cli.cli import inspect_run

        if example:
            inspect_run.show_example(run, example, out)
        elif follow:
            inspect_run.follow(run, out)
        else:
            inspect_run.show_run(run, out)
    else:
        inspect_bullets.show_bullets(opened, wanted, similar, out)


def _one_of(asked: dict[str, bool]) -> None:
    chosen = [name for name, given in asked.items() if given]
    if len(chosen) > 1:
        raise UsageError(f"{chosen[0]} and {chosen[1]} cannot be combined", "Ask for one of them.")


app = with_filter(inspect, without=("include_quarantined", "top"))
