"""One loader for every replaceable part: generator, reflector, curator, sameness, scorer, embedder, callback.

A part is named by a built-in name, the name of an entry point, or ``package.module:Attr``. A class (and a built-in part)
is called with the keyword arguments of the part's table in the settings, such as ``[stages.curator_args]``;
anything else that is found is the part itself.
"""

from __future__ import annotations

import difflib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any

from ace_cli.errors import UsageError
from ace_cli.import_path import elsewhere

_KINDS = {
    "generator": ("ace_cli.generators", ("generate",)),
    "reflector": ("ace_cli.reflectors", ("reflect",)),
    "curator": ("ace_cli.curators", ("curate",)),
    "sameness": ("ace_cli.sameness", ("compare", "reach")),
    "scorer": ("ace_cli.scorers", ("__call__", "name")),
    "embedder": ("ace_cli.embedders", ("embed", "name")),
    "callback": ("ace_cli.callbacks", ("log_success_event", "async_log_success_event")),
}
"""For each kind of part the group of its entry points, and what a part of that kind must have."""


def load(
    kind: str,
    spec: str,
    builtin: Mapping[str, Callable[..., Any]],
    arguments: Mapping[str, Any] = MappingProxyType({}),
) -> Any:
    """A part that has what the Protocol of its kind asks for.

    Args:
        kind: what the part is for (``generator`` ...).
        spec: the user's word for it.
        builtin: name -> what makes a part of ours.
        arguments: the user's keyword arguments.

    Raises:
        UsageError: nothing has that name, it cannot be imported or does not take these arguments, or it is no such part.
    """
    try:
        part = builtin[spec] if spec in builtin else _find(kind, spec, builtin)
        if spec in builtin or isinstance(part, type):
            _check_arguments(kind, spec, part, arguments)
            part = part(**arguments)
        elif arguments:
            raise UsageError(f"the {kind} {spec!r} takes no arguments: it is not a class")
    except UsageError:
        raise
    except Exception as error:
        lost = isinstance(error, ImportError | AttributeError)
        raise UsageError(
            f"cannot load the {kind} {spec!r}: {type(error).__name__}: {error}",
            "Is the package installed, and is the name right?" if lost else "",
        ) from error
    members = _KINDS[kind][1]
    if missing := [member for member in members if not hasattr(part, member)]:
        raise UsageError(
            f"{spec!r} cannot be the {kind}: it has no {missing[0]!r}",
            f"A {kind} has {' and '.join(members)}.",
        )
    return part


def names_a_part(kind: str, spec: str) -> bool:
    """Whether ``spec`` is an entry point's name or ``package.module:Attr``, where it may also be something else."""
    return spec in _installed(kind) or re.fullmatch(r"[^\W\d][\w.]*:[^\W\d][\w.]*", spec) is not None


def is_imported(kind: str, spec: str) -> bool:
    """Whether ``spec`` names code by its module, rather than a part of ours or one that a package has registered."""
    return (names_a_part(kind, spec) if kind == "embedder" else ":" in spec) and spec not in _installed(kind)


def is_installed(spec: str) -> bool:
    """Whether the code of ``package.module:Attr`` is found elsewhere than in the working directory. Imports nothing."""
    top, path = spec.partition(":")[0].partition(".")[0], sys.path[:]
    sys.path[:] = elsewhere()
    try:  # not importlib.util.find_spec: it takes what is imported already for found
        return any(finder.find_spec(top, None) for finder in sys.meta_path)
    except (ImportError, ValueError):
        return False
    finally:
        sys.path[:] = path


def _installed(kind: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=_KINDS[kind][0])}


def _find(kind: str, spec: str, builtin: Mapping[str, Any]) -> Any:
    installed = _installed(kind)
    if spec in installed:
        return installed[spec].load()
    if ":" in spec:
        return pkgutil.resolve_name(spec)
    known = [*builtin, *sorted(installed)]
    raise UsageError(
        f"there is no {kind} {spec!r}",
        f"{_guess(spec, known)}Known: {', '.join(known)}; or package.module:Class.",
    )


def _check_arguments(kind: str, spec: str, make: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    try:
        parameters = inspect.signature(make).parameters.values()
    except ValueError:  # made in C, without a signature: the call will tell
        return
    named = {p.name: p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    for name in arguments:
        if name not in named and not takes_any:
            raise UsageError(
                f"the {kind} {spec!r} has no argument {name!r}",
                f"{_guess(name, named)}It takes {', '.join(named) or 'none'}.",
            )
    missing = [name for name, p in named.items() if p.default is p.empty and name not in arguments]
    if missing:
        raise UsageError(
            f"the {kind} {spec!r} needs the argument {missing[0]!r}",
            f"Arguments stand in a table of the settings: {kind}_args = {{{missing[0]} = ...}}.",
        )


def _guess(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"Did you mean {near[0]!r}? " if near else ""
