"""``ace init``: a settings file from a look at the data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ace_cli.cli.help import Command
from ace_cli.errors import UsageError
from ace_cli.report.text import printable

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
def init(
    data: Annotated[
        Path | None,
        typer.Argument(metavar="DATA", help="Your rows; without it, the one data file of this folder."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model of both roles.", metavar="MODEL")] = None,
    generator_model: Annotated[str | None, typer.Option(help="Model that answers.", metavar="MODEL")] = None,
    reflector_model: Annotated[str | None, typer.Option(help="Model that learns.", metavar="MODEL")] = None,
    api_base: Annotated[
        str | None, typer.Option(help="Address of a server of your own.", metavar="URL")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.", metavar="FILE")] = Path(
        "ace.toml"
    ),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file without asking.")] = False,
) -> None:
    """Look at your rows and write a commented ace.toml for them.

    It names the fields, the scorer, the domains and the models. `ace train` takes it as it is. Calls no model.
    """
    from ace_cli.data.look import look_at
    from ace_cli.engine.trust import claims_of, remember
    from ace_cli.files import write_atomic
    from ace_cli.report.init_file import Chosen, found_lines, init_lines
    from ace_cli.settings.layers import FLAG, Layer, fold

    chosen = Chosen(generator_model or model, reflector_model or model, api_base)
    named = {
        "models.generator.model": chosen.generator,
        "models.reflector.model": chosen.reflector,
        "models.api_base": chosen.api_base,
    }
    flags = fold([Layer("flag", FLAG, {path: value for path, value in named.items() if value is not None})])
    look = look_at(data if data is not None else _only_data_file())
    text = "\n".join(init_lines(look, chosen)) + "\n"
    if output.exists() or output.is_symlink():
        _may_replace(output, force)
    write_atomic(output, text.encode())
    remember(claim for claim in claims_of(flags) if not claim.source)  # a flag is the user's word
    for line in found_lines(look):
        typer.echo(printable(line))
    use = "" if output == Path("ace.toml") else f" --config {output}"
    typer.echo(printable(f"{'written':<10} {output}; next: ace train{use} --dry-run"))


def _only_data_file() -> Path:
    from ace_cli.data.localfile import EXTENSIONS, extension

    found = sorted(
        path
        for path in Path().iterdir()
        if extension(path) in EXTENSIONS and path.is_file() and path.name[0] != "."
    )
    if len(found) == 1:
        return found[0]
    names = ", ".join(str(path) for path in found[:8])
    raise UsageError(
        f"{len(found)} data files are here" if found else "there is no data file here",
        f"Name one: ace init {found[0]}. There is: {names}."
        if found
        else f"Name one: ace init FILE ({', '.join(EXTENSIONS)}).",
    )


def _may_replace(path: Path, force: bool) -> None:
    if not path.is_file():
        raise UsageError(f"{path} is not a file that can be replaced", "Name another one with --output.")
    if force:
        return
    asked = all(stream and stream.isatty() for stream in (sys.stdin, sys.stderr))
    if not asked or not typer.confirm(f"Replace {printable(str(path))}?", default=False, err=True):
        raise UsageError(
            f"{path} exists, and is left as it is", "--force replaces it; --output names another file."
        )
