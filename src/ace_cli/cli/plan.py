"""What ``--dry-run`` says besides the plan."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import typer

from ace_cli.report.text import printable

if TYPE_CHECKING:
    from ace_cli.settings.layers import Loaded


def warn_of_servers(loaded: Loaded, roles: Collection[str], *, trust: bool) -> None:
    """Say where nobody listens. The plan holds all the same, so it is no error.

    Hosts that need the user's word (``trust`` gives it) are left alone without it.
    """
    from ace_cli.engine.checks import doubtful_servers
    from ace_cli.engine.trust import What, is_heard

    if trust or is_heard(loaded, What.HOST):
        for doubt in doubtful_servers(loaded.settings.models, roles):
            typer.echo(f"warning: {printable(doubt)}", err=True)
