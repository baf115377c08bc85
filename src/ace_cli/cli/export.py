"""`ace export`: take a playbook along, in the form that is wanted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ace_cli.cli import filter_options as flags
from ace_cli.cli.help import Command
from ace_cli.errors import UsageError
from ace_cli.report.text import printable

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_FORM = "Where to, and how"
_FORMATS = "json, jsonl, csv, parquet, markdown, prompt, paper, skill, agents-md or html"


@app.command(name="export", cls=Command)
def export(
    target: Annotated[
        Path, typer.Argument(metavar="PLAYBOOK|RUN", help="A playbook file, a checkpoint or a run directory.")
    ],
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help=f"{_FORMATS}; by default what the name of the output says.",
            rich_help_panel=_FORM,
        ),
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|-",
            help="File to write (skill: folder); without it, standard output.",
            rich_help_panel=_FORM,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing file without asking.", rich_help_panel=_FORM)
    ] = False,
    name: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="Name of the skill, title of the HTML page.", rich_help_panel=_FORM
        ),
    ] = "",
    description: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="When to use the skill, at most 1,024 characters.", rich_help_panel=_FORM
        ),
    ] = "",
    domain: Annotated[
        str | None,
        typer.Option(
            help="Bullets of this domain (prompt, paper, skill, agents-md: and the general ones).",
            rich_help_panel=flags.PANEL,
        ),
    ] = None,
    section: flags.SectionIs = None,
    stage: flags.StageIs = None,
    min_confidence: flags.MinConfidence = 0.0,
    min_activations: flags.MinActivations = 0,
    search: flags.Search = "",
    include_quarantined: flags.IncludeQuarantined = False,
    top: flags.Top = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            help="As many of the best as fit into N tokens (of the text for models, else of the prompt lines).",
            min=1,
            rich_help_panel=flags.PANEL,
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="Whose tokenizer counts for --max-tokens; by default that of the generator.",
            rich_help_panel=flags.PANEL,
        ),
    ] = "",
    sort: flags.Sort = "",
    reverse: flags.Reverse = False,
    limit: flags.Limit = None,
) -> None:
    """Write a playbook as a file for other tools, as text for a prompt, or as a page to read.

    Quarantined bullets are left out unless asked for. What json, jsonl and paper write is read back by
    `ace train --initial-playbook`.
    """
    from ace_cli.cli.inspect_target import open_target
    from ace_cli.playbook.filters import BulletFilter
    from ace_cli.report import export as exporting
    from ace_cli.report.formats import find_format

    if str(output) == "-":
        output = None
    form = find_format(format, output)
    if output is None and not form.is_text and sys.stdout.isatty():
        raise UsageError(f"{form.name} is not text for a terminal", f"Name a file: -o playbook.{form.name}")
    wanted = BulletFilter(
        domain=domain,
        and_general=form.for_models,
        section=section,
        stage=stage,
        min_confidence=min_confidence,
        min_activations=min_activations,
        search=search,
        include_quarantined=include_quarantined,
        top=top,
        sort=sort,
        reverse=reverse,
        limit=limit,
    )
    opened = open_target(target)
    done = exporting.export(
        opened.playbook,
        opened.run,
        form,
        wanted,
        output=output,
        name=name,
        default_name=target.resolve().name if target.is_dir() else target.stem,
        description=description,
        max_tokens=max_tokens,
        model=model,
    )
    if done.path is not None:
        form.write(done.data, done.path, None if force else _ask)
    elif form.is_text and sys.stdout.isatty():
        typer.echo(printable(done.data.decode(), keep_lines=True), nl=False)
    else:
        typer.echo(done.data, nl=False)
    for line in done.words:
        typer.echo(line, err=True)


def _ask(path: Path) -> None:
    """A file that is in the way is replaced only if somebody says so."""
    if not sys.stdin.isatty():
        raise UsageError(f"{path} exists", "Give --force to replace it.")
    if not typer.confirm(f"{path} exists. Replace it?", err=True):
        raise UsageError(f"{path} exists and was left as it is")


command = typer.main.get_command(app)
