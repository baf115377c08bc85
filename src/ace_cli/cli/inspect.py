"""`ace inspect`: look at a playbook, a checkpoint or a run. Needs no model and no network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ace_cli.cli import filter_options as filters
from ace_cli.cli.help import Command
from ace_cli.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_VIEWS = "What to show"


@app.command(name="inspect", cls=Command)
def inspect(
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="A playbook file, a checkpoint or a run directory.")
    ],
    bullet_id: Annotated[
        str, typer.Argument(metavar="BULLET_ID", help="Show this one bullet with its history.")
    ] = "",
    domain: filters.Domain = None,
    section: filters.SectionIs = None,
    stage: filters.StageIs = None,
    min_confidence: filters.MinConfidence = 0.0,
    min_activations: filters.MinActivations = 0,
    search: filters.Search = "",
    similar: Annotated[
        str,
        typer.Option(metavar="TEXT", help="Nearest to this in meaning first.", rich_help_panel=filters.PANEL),
    ] = "",
    sort: filters.Sort = "",
    reverse: filters.Reverse = False,
    limit: filters.Limit = None,
    bullets: Annotated[
        bool, typer.Option("--bullets", help="List the bullets of a run.", rich_help_panel=_VIEWS)
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Wrap long text instead of cutting it.", rich_help_panel=_VIEWS)
    ] = False,
    diff: Annotated[
        Path | None,
        typer.Option(metavar="OTHER", help="What changed from TARGET to this one.", rich_help_panel=_VIEWS),
    ] = None,
    example: Annotated[
        str,
        typer.Option(metavar="ID", help="The whole story of one example of a run.", rich_help_panel=_VIEWS),
    ] = "",
    follow: Annotated[
        bool, typer.Option("--follow", help="Stay with a run until it ends.", rich_help_panel=_VIEWS)
    ] = False,
    tui: Annotated[
        bool, typer.Option("--tui", help="Browse and edit full-screen.", rich_help_panel=_VIEWS)
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="As JSON, for scripts.", rich_help_panel=_VIEWS)
    ] = False,
) -> None:
    """Look at a playbook, a checkpoint or a run: its bullets, one bullet's history, what changed.

    Into a pipe, bullets come one a line, tab-separated and whole, under a line of column names.
    """
    from ace_cli.cli import inspect_bullets as views
    from ace_cli.cli.inspect_target import open_target
    from ace_cli.playbook.filters import BulletFilter
    from ace_cli.report.terminal.paging import make_console

    wanted = BulletFilter(
        domain=domain,
        section=section,
        stage=stage,
        min_confidence=min_confidence,
        min_activations=min_activations,
        search=search,
        sort=sort,
        reverse=reverse,
        limit=limit,
    )
    filtered = bool(similar) or wanted != BulletFilter()
    _one_view(
        {
            "BULLET_ID": bool(bullet_id),
            "--diff": diff is not None,
            "--example": bool(example),
            "--follow": follow,
            "--tui": tui,
            "filters or --bullets": filtered or bullets,
        }
    )
    _one_view({"--tui": tui, "--json": as_json})
    console = make_console()
    if tui:
        from ace_cli.tui import check_terminal

        check_terminal()
    opened = open_target(target)
    if tui:
        views.browse(opened)
    elif bullet_id:
        views.show_bullet(opened, bullet_id, as_json=as_json, console=console)
    elif diff is not None:
        views.show_diff(opened, open_target(diff), as_json=as_json, console=console)
    elif example or follow:
        if opened.run is None:
            raise UsageError(
                f"{target} is a file, and {'--example' if example else '--follow'} needs a run",
                "Give the run directory that `ace train` printed first.",
            )
        from ace_cli.cli import inspect_run

        if example:
            inspect_run.show_example(opened.run, example, as_json=as_json, console=console)
        else:
            inspect_run.follow(opened.run, as_json=as_json, console=console)
    elif opened.run is not None and not (filtered or bullets):
        from ace_cli.cli import inspect_run

        inspect_run.show_run(opened.run, as_json=as_json, whole=full, console=console)
    else:
        views.show_bullets(opened, wanted, similar, as_json=as_json, whole=full, console=console)


def _one_view(asked: dict[str, bool]) -> None:
    chosen = [name for name, given in asked.items() if given]
    if len(chosen) > 1:
        raise UsageError(f"{chosen[0]} and {chosen[1]} cannot be shown together", "Ask for one of them.")


command = typer.main.get_command(app)
