"""Small records of the field, made in one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ace_cli.data import Example
from ace_cli.playbook import Bullet, Playbook
from ace_cli.stages.base import BulletTag, Insight, MergeItem, Reflection

CITIES = [
    "Oslo",
    "Bergen",
    "Berlin",
    "Madrid",
    "Lisbon",
    "Turin",
    "Vienna",
    "Prague",
    "Warsaw",
    "Athens",
    "Dublin",
    "Porto",
]


def book(*contents: str, domain: str = "math", **fields: Any) -> Playbook:
    """Bullets B001, B002 ... with these contents, all of one domain."""
    return Playbook(
        tuple(Bullet(f"B{n:03d}", text, domain_id=domain, **fields) for n, text in enumerate(contents, 1))
    )


def examples(count: int, answer: str = "4") -> list[Example]:
    """Examples e0, e1 ... that all have the same answer."""
    return [Example(f"e{n}", f"question {n}", answer) for n in range(count)]


def item(
    *insights: str | Insight, example: str = "e1", domain: str = "math", tags: Sequence[BulletTag] = ()
) -> MergeItem:
    """What the Curator gets of one example: these insights and votes."""
    made = tuple(Insight(i) if isinstance(i, str) else i for i in insights)
    return MergeItem(example, domain, Reflection(insights=made, bullet_tags=tuple(tags)))
