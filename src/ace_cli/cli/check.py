"""``ace check``: is everything ready for a run?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ace_cli.cli.options import with_settings
from ace_cli.cli.trust import Trust, asking
from ace_cli.errors import ExitCode
from ace_cli.report.text import json_text, printable


def check(
    flags: dict[str, Any],
    config: Annotated[Path | None, typer.Option(help="A TOML file with settings.", metavar="FILE")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
    trust: Trust = False,
) -> ExitCode:
    """Check settings, data, files, keys and models, and make one small call to each model.

    Takes the settings of `ace train`. Says what each server can do, and what the run would take. Makes no file. Ends with 0 if a
    run can start, 2 if something must be put right, 1 if a server does not answer.
    """
    from ace_cli.engine.trust import What, admit
    from ace_cli.report.format import count
    from ace_cli.report.terminal.check_view import check_lines
    from ace_cli.settings.layers import load
    from ace_cli.training.checkup import check_up

    loaded = load(flags, config)
    admit(loaded, asking(trust), only=[What.CODE, What.HOST])
    found = check_up(loaded.settings)
    if as_json:
        typer.echo(json_text(found.to_dict()))
    else:
        for line in check_lines(found):
            typer.echo(printable(line))
    if wrong := sum(finding.problem is not None for finding in found.findings):
        then = "no run would get far" if found.is_hopeless else "a run would go on with the other servers"
        typer.echo(f"error: {count(wrong, 'problem')}: {then}", err=True)
    return found.code


app = with_settings(check)
