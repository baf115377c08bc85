"""Bullets by meaning. Loads the embedder that needs no network; whatever a run was trained with."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ace_cli.playbook import Bullet
from ace_cli.report.terminal.bullet_view import Neighbour

EMBEDDER = "wordllama"
MOST_NEIGHBOURS_OF = 20_000
"""Bullets beyond which a bullet's neighbours are not worth the wait (more than a second)."""


def ranked(text: str, bullets: Sequence[Bullet], most: int | None = None) -> list[Neighbour]:
    """``bullets`` with their similarity to ``text`` (cosine, -1..1), the nearest first; all, or ``most`` of them."""
    from ace_cli.embeddings import VectorIndex, make_embedder

    vectors = asyncio.run(make_embedder(EMBEDDER).embed([text, *(bullet.content for bullet in bullets)]))
    index: VectorIndex[Bullet] = VectorIndex()
    index.add(bullets, vectors[1:])
    return [Neighbour(bullet, cosine) for bullet, cosine in index.search(vectors[0], most or len(bullets))]


def neighbours(bullet: Bullet, bullets: Sequence[Bullet], count: int = 5) -> list[Neighbour]:
    """The bullets of the same domain that are nearest to ``bullet``: those it may be merged with."""
    others = [b for b in bullets if b.domain_id == bullet.domain_id and b.id != bullet.id]
    if not others or len(others) > MOST_NEIGHBOURS_OF:
        return []
    return ranked(bullet.content, others, count)
