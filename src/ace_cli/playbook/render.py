"""Bullets as a model reads them. One place, since every prompt, export and token count relies on it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from ace_cli.playbook.bullet import Bullet, Section
from ace_cli.text import visible_line


def line(bullet: Bullet) -> str:
    """``[B007] content``, or ``[B008] (pitfall) content``; always one line, and text only: no terminal codes."""
    return _line(bullet.id, bullet.section is Section.HARMFUL, bullet.content)


@lru_cache(maxsize=16_384)
def _line(bullet_id: str, is_pitfall: bool, content: str) -> str:
    return f"[{bullet_id}] {'(pitfall) ' if is_pitfall else ''}{visible_line(content)}"


def unmarked(text: str) -> str:
    """``text`` without the marks of :func:`line`, which models copy with the words that stand behind them."""
    return _MARKS.sub("", text)


_MARKS = re.compile(r"^(?:\[[\w-]*\d\]\s+)?(?:\(pitfall\)\s+)?(?=\S)", re.IGNORECASE)


def lines(bullets: Iterable[Bullet]) -> str:
    """One bullet a line, in the given order, without counts, so that a grown playbook extends its own prefix."""
    if isinstance(bullets, tuple) and len(bullets) > _FEW:
        return _lines_of(_These(bullets))
    return "\n".join(line(bullet) for bullet in bullets)


_FEW = 8
"""Bullets that are written down sooner than they are looked for."""


class _These:
    """The very bullets that many examples of a version are shown: equal to itself alone, since to compare them would take as long."""

    __slots__ = ("bullets",)

    def __init__(self, bullets: tuple[Bullet, ...]) -> None:
        self.bullets = bullets

    def __hash__(self) -> int:
        return id(self.bullets)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _These) and other.bullets is self.bullets


@lru_cache(maxsize=16)
def _lines_of(these: _These) -> str:
    return "\n".join(map(line, these.bullets))
