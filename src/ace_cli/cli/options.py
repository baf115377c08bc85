"""Flags from the settings' definitions, so that flag, key, variable and help text cannot drift apart."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from ace_cli.settings import DEFINITIONS, Definition, Kind
from ace_cli.settings.definition import SWITCH


def with_settings(command: Callable[..., Any], *, hide: Kind | None = None) -> Callable[..., Any]:
    """``command`` with one option for every setting that has a flag.

    It is called with ``flags``, a dict of dotted path -> text of the options that were given. Values are
    checked by the settings model, not here, so that a wrong one is told alike wherever it came from.

    Args:
        hide: options of this kind work, but are left out of the help.
    """
    flagged = {d.path.replace(".", "__"): d for d in DEFINITIONS.values() if d.flag}

    def wrapper(**arguments: Any) -> Any:
        flags = {d.path: arguments.pop(name) for name, d in flagged.items()}
        return command(**arguments, flags={path: value for path, value in flags.items() if value is not None})

    own = inspect.signature(command, eval_str=True).parameters
    parameters = [parameter for name, parameter in own.items() if name != "flags"]
    for name, definition in flagged.items():
        kind: Any = bool | None if definition.form is SWITCH else str | None
        annotation = Annotated[kind, _option(definition, definition.kind is hide)]
        parameters.append(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        )
    wrapper.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    )
    wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
    wrapper.__doc__ = command.__doc__
    wrapper.__name__ = command.__name__
    return wrapper


def _option(definition: Definition, hidden: bool) -> Any:
    flag = definition.flag or ""
    names = [f"{flag}/--no-{flag[2:]}"] if definition.form is SWITCH else [flag]
    default = "" if definition.default in (None, False) else f" [{definition.shown_default}]"
    return typer.Option(
        *names,
        help=f"{definition.help}.{default}",
        show_default=False,
        hidden=hidden,
        metavar=definition.form.metavar or None,
        rich_help_panel=definition.section.title(),
    )
