"""Asking for the user's word, see :mod:`ace_cli.engine.trust`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ace_cli.report.text import printable

if TYPE_CHECKING:
    from ace_cli.engine.trust import Ask, Claim, Word

Trust = Annotated[
    bool,
    typer.Option(
        "--trust", help="Allow, for this time, the hosts, files and code that a run or project file names."
    ),
]


def asking(trust: bool) -> Ask:
    """How the user is asked: not with ``--trust``, at a terminal otherwise, and nowhere else."""
    from ace_cli.engine.trust import Word

    def ask(claims: Sequence[Claim]) -> Word:
        if trust:
            return Word.NOW
        if not all(stream and stream.isatty() for stream in (sys.stdin, sys.stderr)):
            return Word.NO
        for claim in dict.fromkeys(claims):
            typer.echo(printable(f"{claim.source} would have `ace` {claim}"), err=True)
        yes = typer.confirm("Trust that, from now on?", default=False, err=True)
        return Word.ALWAYS if yes else Word.NO

    return ask
