"""Bullets as a model reads them. One place, since every prompt, export and token count relies on it."""

from __future__ import annotations

from collections.abc import Iterable

from ace_cli.playbook.bullet import Bullet, Section
from ace_cli.text import visible_line


def line(bullet: Bullet) -> str:
    """``[B007] content``, or ``[B008] (pitfall) content``; always one line, and text only: no terminal codes."""
    pitfall = "(pitfall) " if bullet.section is Section.HARMFUL else ""
    return f"[{bullet.id}] {pitfall}{visible_line(bullet.content)}"


def lines(bullets: Iterable[Bullet]) -> str:
    """One bullet a line, in the given order, without counts, so that a grown playbook extends its own prefix."""
    return "\n".join(line(bullet) for bullet in bullets)
