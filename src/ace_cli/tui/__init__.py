"""`ace inspect --tui`: browse and edit a playbook full-screen. Textual is imported only when asked for."""

from __future__ import annotations

import os
import sys

from ace_cli.errors import UsageError
from ace_cli.tui.document import Document


def check_terminal() -> None:
    """Raises UsageError where there is nothing to draw on."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "--tui needs a terminal, and there is none here",
            "Over ssh, ask for one with `ssh -t`; without --tui you get a plain table.",
        )
    if os.environ.get("TERM", "") in ("dumb", "unknown"):
        raise UsageError(
            f"--tui cannot draw on a terminal of type {os.environ['TERM']!r}",
            "Set TERM to what your terminal is, for example xterm-256color, or leave --tui out.",
        )


def browse(document: Document) -> str:
    """Run the browser until the user leaves it; returns a line on what was saved."""
    from ace_cli.tui.app import Browser

    return Browser(document).run() or ""


__all__ = ["Document", "browse", "check_terminal"]
