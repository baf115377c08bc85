"""``ace runs``: what there is, two of them side by side, and away with those that nobody needs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ace_cli.cli.help import Command
from ace_cli.errors import ExitCode, UsageError
from ace_cli.report.text import printable

_Folder = Annotated[Path, typer.Option("--runs", help="Where runs are looked for.", metavar="FOLDER")]
_Json = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]
_RUN = "A run directory, or the end of its name as `ace runs` shows it."
_HERE = Path("runs")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def runs(context: typer.Context, folder: _Folder = _HERE, as_json: _Json = False) -> None:
    """List, compare and remove runs.

    Without a command: every run with its start (local time), size on disk, state, kind, model, accuracy and cost, newest
    first. Into a pipe, tab-separated and whole.
    """
    if context.invoked_subcommand is not None:
        return
    from ace_cli.report.terminal.runs import ALL, print_runs
    from ace_cli.runs.folders import list_runs

    print_runs(list_runs(folder), folder, ALL, as_json=as_json)


@app.command(cls=Command)
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help=_RUN)],
    second: Annotated[Path, typer.Argument(metavar="B", help=_RUN)],
    folder: _Folder = _HERE,
    as_json: _Json = False,
) -> None:
    """Two runs side by side: settings that differ, curves, cost, playbooks."""
    from contextlib import closing

    from ace_cli.report.terminal.compare_view import Compared, compare_lines, comparison
    from ace_cli.report.terminal.paging import Output
    from ace_cli.runs.folders import find_run
    from ace_cli.runs.target import open_target

    sides = []
    for named in (first, second):
        opened = open_target(find_run(named, folder))
        if opened.run is None:
            raise UsageError(
                f"{named} is a file, not a run", "`ace inspect FILE --diff OTHER` compares playbook files."
            )
        with closing(opened.run):
            sides.append(Compared.read(opened.run))
    out = Output(as_json=as_json)
    a, b = sides
    out.show(lambda: comparison(a, b), compare_lines(a, b, out.width, ascii_only=out.ascii_only))


@app.command(cls=Command)
def rm(
    named: Annotated[list[Path], typer.Argument(metavar="RUN...", help=_RUN)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    folder: _Folder = _HERE,
) -> ExitCode:
    """Remove runs for good.

    Playbook and metrics that a run wrote elsewhere stay. So does whatever in its folder is not from the run, and a run that a
    process works on.
    """
    from ace_cli.report.format import count, size
    from ace_cli.runs.folders import find_run, size_on_disk
    from ace_cli.runs.removal import check_removable, remove_run

    found = list(dict.fromkeys(find_run(path, folder) for path in named))
    for run_dir in found:
        check_removable(run_dir)
    if not yes:
        if not all(stream and stream.isatty() for stream in (sys.stdin, sys.stderr)):
            raise UsageError(f"removing {count(len(found), 'run')} needs your word", "--yes gives it.")
        for run_dir in found:
            typer.echo(printable(f"{run_dir}  {size(size_on_disk(run_dir))}"), err=True)
        if not typer.confirm(f"Remove {count(len(found), 'run')}, for good?", default=False, err=True):
            typer.echo("nothing was removed", err=True)
            return ExitCode.FAILED
    for run_dir in found:
        freed = size_on_disk(run_dir)
        left = remove_run(run_dir)
        rest = f"; left in it: {', '.join(map(printable, left[:5]))}" if left else ""
        typer.echo(f"removed {printable(str(run_dir))} ({size(freed)}){rest}")
    return ExitCode.DONE
