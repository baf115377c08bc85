"""Flags from the settings' definitions, so that flag, key, variable and help text cannot drift apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from ace_cli.cli.help import command
from ace_cli.settings import DEFINITIONS
from ace_cli.settings.definition import SWITCH, Definition

MOST_USED = (
    "data.input",
    "data.num_examples",
    "models.model",
    "models.api_base",
    "training.epochs",
    "output.playbook",
    "limits.max_cost",
)
"""What stands first in the help: all that a first run needs."""


def with_settings(
    run: Callable[..., Any], *, hide: Callable[[Definition], bool] = lambda _: False
) -> typer.Typer:
    """``run`` as a command with one option for every setting that has a flag.

    It is called with ``flags``, a dict of dotted path -> text of the options that were given. Values are
    checked by the settings model, not here, so that a wrong one is reported alike wherever it came from.

    Args:
        hide: options of which this is true work, but are left out of the help.
    """
    ordered = [*(DEFINITIONS[path] for path in MOST_USED), *DEFINITIONS.values()]
    flagged = {d.path.replace(".", "__"): d for d in ordered if d.flag}
    options = {name: (_option(d, hidden=hide(d)), None) for name, d in flagged.items()}
    return command(
        run,
        "flags",
        options,
        lambda given: {flagged[name].path: text for name, text in given.items() if text is not None},
    )


def _option(definition: Definition, *, hidden: bool) -> Any:
    flag, is_switch = definition.flag or "", definition.form is SWITCH
    default = "" if definition.default in (None, False) else f" [{definition.shown_default}]"
    option = typer.Option(
        f"{flag}/--no-{flag[2:]}" if is_switch else flag,
        help=f"{definition.help}.{default}",
        show_default=False,
        hidden=hidden,
        metavar=definition.form.metavar or None,
        rich_help_panel="Most used" if definition.path in MOST_USED else definition.section.title(),
    )
    return Annotated[bool | None if is_switch else str | None, option]
