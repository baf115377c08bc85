"""The flags of :class:`~ace_cli.playbook.filters.BulletFilter`, one definition for every command that has them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated, Any

import typer

from ace_cli.cli.help import command
from ace_cli.playbook import PlaybookStage, Section
from ace_cli.playbook.filters import SORT_KEYS, BulletFilter

PANEL = "Which bullets"

_FLAGS: dict[str, tuple[Any, Any, str, str | None]] = {
    # name: type, default, help, metavar
    "domain": (str | None, None, "Bullets of this domain.", "TEXT"),
    "section": (Section | None, None, "Bullets of this section.", None),
    "stage": (PlaybookStage | None, None, "Bullets of this stage.", None),
    "min_confidence": (float, 0.0, "At least this confidence, 0 to 1.", "N"),
    "min_activations": (int, 0, "Cited or learned at least this often.", "N"),
    "search": (str, "", "All these words, ignoring case.", "TEXT"),
    "include_quarantined": (bool, False, "Quarantined bullets too.", None),
    "top": (int | None, None, "The best N, by confidence, then activations.", "N"),
    "sort": (str, "", f"{', '.join(SORT_KEYS)}; numbers largest first.", "KEY"),
    "reverse": (bool, False, "Reverse the order.", None),
    "limit": (int | None, None, "At most this many, after sorting.", "N"),
}


def with_filter(run: Callable[..., Any], *, without: Collection[str] = (), domain: str = "") -> typer.Typer:
    """``run`` as a command with a flag for each field of a filter; it is called with ``wanted``, the filter that they ask for.

    Args:
        without: fields that have no flag.
        domain: the help text of ``--domain``, if another one than usual.
    """
    options: dict[str, tuple[Any, Any]] = {}
    for name, (kind, default, text, metavar) in _FLAGS.items():
        if name not in without:
            flag = f"--{name.replace('_', '-')}"  # alone, so that a switch has no opposite
            help_text = domain if domain and name == "domain" else text
            option = typer.Option(flag, metavar=metavar, help=help_text, rich_help_panel=PANEL)
            options[name] = Annotated[kind, option], default
    return command(run, "wanted", options, lambda fields: BulletFilter(**fields))
