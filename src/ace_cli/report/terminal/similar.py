"""Bullets by meaning. Loads the embedder that needs no network; whatever a run was trained with."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ace_cli.playbook import Bullet
from ace_cli.report.terminal.bullet_view import Neighbour

EMBEDDER = "wordllama"
MOST_NEIGHBOURS_OF = 20_000
"""Bullets beyond which a bullet's neighbours are not worth the wait (more than a second)."""


def ranked(text: str, bullets: Sequence[Bullet]) -> list[Neighbour]:
    """All ``bullets`` with their similarity to ``text`` (cosine, -1..1), the nearest first."""
    from ace_cli.embeddings import make_embedder

    vectors = asyncio.run(make_embedder(EMBEDDER).embed([text, *(bullet.content for bullet in bullets)]))
    scores = (vectors[1:] @ vectors[0]).tolist()
    found = [Neighbour(bullet, score) for bullet, score in zip(bullets, scores, strict=True)]
    return sorted(found, key=lambda near: -near.similarity)


def neighbours(bullet: Bullet, bullets: Sequence[Bullet], count: int = 5) -> list[Neighbour]:
    """The bullets of the same domain that are nearest to ``bullet``: those it may be merged with."""
    others = [b for b in bullets if b.domain_id == bullet.domain_id and b.id != bullet.id]
    if not others or len(others) > MOST_NEIGHBOURS_OF:
        return []
    return ranked(bullet.content, others)[:count]
