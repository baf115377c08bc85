"""``ace serve-mcp``: a playbook for agents, over the Model Context Protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ace_cli.cli.help import Command
from ace_cli.cli.trust import Trust, asking
from ace_cli.errors import UsageError
from ace_cli.report.text import printable

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
def serve_mcp(
    target: Annotated[
        Path, typer.Argument(metavar="PLAYBOOK|RUN", help="A playbook file, a checkpoint or a run directory.")
    ],
    include_quarantined: Annotated[
        bool, typer.Option("--include-quarantined", help="Quarantined bullets too.")
    ] = False,
    model: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="Model that reads the bullets: how many it is handed. By default the Generator's of the training.",
        ),
    ] = "",
    config: Annotated[Path | None, typer.Option(help="A TOML file with settings.", metavar="FILE")] = None,
    trust: Trust = False,
) -> None:
    """Hand agents the bullets for a question: an MCP server over standard input and output.

    An agent starts it itself: give it this command line. It reads, and writes nothing; a playbook that changes on disk is read
    again.
    """
    from ace_cli.report.format import count
    from ace_cli.serving.book import Book
    from ace_cli.serving.reader import settings_for
    from ace_cli.settings.layers import FLAG, Layer, read_layers

    layers = read_layers({}, config)
    if model:
        layers.append(Layer("flag", FLAG, {"models.generator.model": model}))
    book = Book(target, settings_for(layers, asking(trust), str(target)), everything=include_quarantined)
    try:
        from ace_cli.serving.mcp import make_server
    except ImportError:  # none, or version 1, which had other names
        raise UsageError(
            "ace serve-mcp needs the package mcp, version 2", "pip install 'ace-cli[mcp]'"
        ) from None
    server = make_server(book)
    said = (
        f"{count(len(book.playbook), 'bullet')} of {book.path} for an MCP client at standard input and output"
    )
    typer.echo(printable(said), err=True)
    server.run("stdio")
