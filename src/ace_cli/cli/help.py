"""A command from its function, with options that are defined elsewhere, and its help under headings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import typer
from typer.core import TyperCommand


def command(
    run: Callable[..., Any],
    into: str,
    options: Mapping[str, tuple[Any, Any]],
    gather: Callable[[dict[str, Any]], Any],
) -> typer.Typer:
    """``run`` as a command of that name.

    Args:
        into: the parameter of ``run`` that is no option itself: it gets what ``gather`` makes of further options.
        options: name -> annotation and default of these options.
        gather: from name -> value of these options.
    """

    def called(**arguments: Any) -> Any:
        gathered = gather({name: arguments.pop(name) for name in options})
        return run(**arguments, **{into: gathered})

    own = inspect.signature(run, eval_str=True).parameters
    parameters = {name: (p.annotation, p.default) for name, p in own.items() if name != into} | dict(options)
    called.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for name, (annotation, default) in parameters.items()
        ]
    )
    called.__annotations__ = {name: annotation for name, (annotation, _) in parameters.items()}
    called.__doc__ = run.__doc__
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(run.__name__, cls=Command)(called)
    return app


class Command(TyperCommand):
    """Options stand under their ``rich_help_panel``: fifty in one list are not read by anybody.

    In plain text, so that no other library is loaded for it.
    """

    def format_options(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
                sections.setdefault(getattr(parameter, "rich_help_panel", None) or usual, []).append(record)
        if "Options" in sections:  # --help among them: where people look last
            sections["Options"] = sections.pop("Options")
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)
