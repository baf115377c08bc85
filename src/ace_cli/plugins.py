"""Finding a replaceable part by its spec: a built-in name, an entry point's name, or ``package.module:attr``."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any

from ace_cli.errors import UsageError


def load_part(kind: str, spec: str, builtin: Mapping[str, Callable[[], Any]]) -> Any:
    """An instance of the part.

    Args:
        kind: what it is for (``generator`` ...), for messages; entry points are in the group ``ace_cli.KINDs``.
        spec: the user's word for it. A class is called without arguments.
        builtin: name -> factory of ours.

    Raises:
        UsageError: nothing has that name, it cannot be imported, or it has not the method that a part of its kind needs.
    """
    if spec in builtin:
        return builtin[spec]()
    group = f"ace_cli.{kind}s"
    plugins = {point.name: point for point in entry_points(group=group)}
    try:
        if spec in plugins:
            found = plugins[spec].load()
        elif ":" in spec:
            module, _, name = spec.partition(":")
            found = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
        else:
            known = [*builtin, *plugins]
            near = difflib.get_close_matches(spec, known, 1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise UsageError(
                f"there is no {kind} {spec!r}", f"{hint}Known: {', '.join(known)}; or package.module:Class."
            )
        part = found() if isinstance(found, type) else found
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"cannot load {kind} {spec!r}: {type(error).__name__}: {error}") from error
    method = {"generator": "generate", "reflector": "reflect", "curator": "curate"}[kind]
    if not callable(getattr(part, method, None)):
        raise UsageError(
            f"{kind} {spec!r} has no method {method!r}", "See ace_cli.stages.base for what a part must offer."
        )
    return part
