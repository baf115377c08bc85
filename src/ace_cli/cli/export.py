"""`ace export`: take a playbook along, in the form that is wanted."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ace_cli.cli.filter_options import PANEL, with_filter
from ace_cli.errors import UsageError
from ace_cli.playbook import Playbook
from ace_cli.playbook.filters import BulletFilter
from ace_cli.report.text import printable

_FORMATS = "json, jsonl, csv, parquet, markdown, prompt, paper, skill, agents-md, html or hub"
_DOMAIN = "Bullets of this domain (prompt, paper, skill, agents-md: and the general ones)."
_TARGET = typer.Argument(metavar="PLAYBOOK|RUN", help="A playbook file, a checkpoint or a run directory.")
_into = partial(typer.Option, rich_help_panel="Where to, and how")
_which = partial(typer.Option, rich_help_panel=PANEL)


def export(
    wanted: BulletFilter,
    target: Annotated[Path, _TARGET],
    format: Annotated[
        str,
        _into(
            "--format",
            "-f",
            metavar="FORMAT",
            help=f"{_FORMATS}; by default, the one that the output's name implies.",
        ),
    ] = "",
    output: Annotated[
        Path | None,
        _into(
            "--output",
            "-o",
            metavar="FILE|-",
            help="File to write (hub: folder; skill: folder, or the one in which its own is made); without it, standard output.",
        ),
    ] = None,
    force: Annotated[bool, _into("--force", help="Replace an existing file without asking.")] = False,
    name: Annotated[
        str, _into(metavar="TEXT", help="Name of the skill, title of the HTML page or of the card.")
    ] = "",
    description: Annotated[
        str, _into(metavar="TEXT", help="When to use the skill, at most 1,024 characters.")
    ] = "",
    max_tokens: Annotated[
        int | None,
        _which(
            help="Keep the best bullets that fit into N tokens (of the text for models, else of the prompt lines).",
            metavar="N",
            min=1,
        ),
    ] = None,
    evidence: Annotated[
        Path | None, _which(metavar="EVALRUN", help="An evaluation, for --max-doubt.")
    ] = None,
    max_doubt: Annotated[
        float,
        _which(
            metavar="N",
            min=0,
            max=1,
            help="Leave out bullets that --evidence doubts more (0.5: more likely no gain than one).",
        ),
    ] = 0.5,
    model: Annotated[
        str,
        _which(
            metavar="TEXT", help="Model whose tokenizer counts for --max-tokens; by default the generator's."
        ),
    ] = "",
) -> None:
    """Write a playbook as a file for other tools, as text for a prompt, or as a page to read.

    Quarantined bullets are left out unless asked for. What json, jsonl and paper write is read back by
    `ace train --initial-playbook`.
    """
    from ace_cli.report.export import choose, describe
    from ace_cli.report.formats import Content, find_format
    from ace_cli.runs.target import open_target

    if str(output) == "-":
        output = None
    source = open_target(target)
    form = find_format(format, output)
    if output is None and form.is_folder:
        raise UsageError(f"{form.name} is a folder of several files", "Name it: -o FOLDER")
    if output is None and not form.is_text and sys.stdout.isatty():
        raise UsageError(f"{form.name} is not text for a terminal", f"Name a file: -o playbook.{form.name}")
    path = form.place(output, name) if output is not None else None
    title = name or (form.title(path) if path else "") or source.name
    playbook = source.playbook if evidence is None else _undoubted(source.playbook, evidence, max_doubt)
    everything = Content(playbook, title, description, source.run)
    chosen, tokens = choose(everything, form, wanted, max_tokens, model)
    if path is not None:
        form.put(chosen, path, None if force else _ask)
    elif form.is_text and sys.stdout.isatty():
        typer.echo(printable(form.render(chosen).decode(), keep_lines=True), nl=False)
    else:
        typer.echo(form.render(chosen), nl=False)
    for line in (tokens, describe(everything, chosen, form, path)):
        if line:
            typer.echo(line, err=True)


def _undoubted(playbook: Playbook, evidence: Path, most: float) -> Playbook:
    """Without the bullets that an evaluation doubts; what it did not measure stays."""
    from ace_cli.evaluation.finding import effects_of
    from ace_cli.runs.target import open_target

    evaluation = open_target(evidence)
    if evaluation.run is None:
        raise UsageError(f"{evidence} is not an evaluation", "Give the run directory of `ace eval`.")
    effects = effects_of(evaluation.run, playbook)
    kept = [b for b in playbook.bullets if b.id not in effects or effects[b.id].doubt <= most]
    left = len(playbook) - len(kept)
    typer.echo(f"{left} of {len(playbook)} bullets left out: doubt above {most:g}", err=True)
    return playbook.with_bullets(kept)


def _ask(*files: Path) -> None:
    """Files that are in the way are replaced only if somebody says so."""
    names = ", ".join(map(str, files))
    exist, them, were = ("exist", "them", "were") if len(files) > 1 else ("exists", "it", "was")
    if not sys.stdin.isatty():
        raise UsageError(f"{names} {exist}", f"Give --force to replace {them}.")
    if not typer.confirm(f"{printable(names)} {exist}. Replace {them}?", err=True):
        raise UsageError(f"{names} {exist} and {were} left as {'they are' if len(files) > 1 else 'it is'}")


app = with_filter(export, domain=_DOMAIN)
