"""Near-duplicates that slipped in: found by going through the whole playbook, and merged with their evidence added up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ace_cli.embeddings import Embedder, VectorIndex, search_aside
from ace_cli.embeddings.index import MANY
from ace_cli.errors import AceError
from ace_cli.playbook import Bullet, Change, Join, Link, Playbook, Refined
from ace_cli.playbook.standing import contradicted_by
from ace_cli.sameness.base import Pair, Relation, Sameness
from ace_cli.stages.base import Ask

if TYPE_CHECKING:
    from ace_cli.embeddings.base import Vectors

NEIGHBOURS = 16
"""Nearest bullets that each one is compared with."""

_BLOCK = 256
"""Bullets that are looked up together."""


async def refine(
    playbook: Playbook, embedder: Embedder, sameness: Sameness, ask: Ask | None = None, known: int = 0
) -> tuple[Change, ...]:
    """What makes one of each group of bullets in use that say the same; those that contradict each other are linked.

    Of two, the one that more answers cited stays, else the one taught more often, else the older. A bullet is merged into one
    that it was found the same as, never along a chain. Content stays as it is.

    Args:
        known: that many bullets, the oldest, were compared with each other before.
    """
    used = [bullet for bullet in playbook.bullets if not bullet.is_quarantined]
    compared = {bullet.id for bullet in playbook.bullets[:known]}
    start = sum(bullet.id in compared for bullet in used)
    pairs = await _near(used, start, embedder, sameness.reach)
    found = await sameness.compare([pair for *_, pair in pairs], ask) if pairs else []
    if len(found) != len(pairs):
        raise AceError(f"the sameness gave {len(found)} judgements on {len(pairs)} pairs")
    order = {bullet.id: n for n, bullet in enumerate(used)}
    changes: list[Change] = []
    gone: set[str] = set()
    judged = sorted(zip(pairs, found, strict=True), key=lambda each: -each[0][2].similarity)
    for (newer, older, pair), judgement in judged:
        if judgement.relation is Relation.CONTRADICTS:
            if older.id not in contradicted_by(newer):
                changes.append(Link(newer.id, older.id, judgement.reason))
        elif judgement.relation is Relation.SAME and not gone & {newer.id, older.id}:
            weaker, stronger = sorted((newer, older), key=lambda b: (*_evidence(b), -order[b.id]))
            gone.add(weaker.id)
            changes.append(
                Join(
                    weaker.id,
                    stronger.id,
                    f"says the same as {stronger.id} (similarity {pair.similarity:.3f})",
                )
            )
            changes += [Link(stronger.id, other) for other in contradicted_by(weaker) if other != stronger.id]
    return (*changes, Refined(len(playbook)))


def _evidence(bullet: Bullet) -> tuple[int, int]:
    return bullet.citations, bullet.activation_count


async def _near(
    used: Sequence[Bullet], start: int, embedder: Embedder, reach: float
) -> list[tuple[Bullet, Bullet, Pair]]:
    """Bullets from ``start`` on beside older ones of their domain that are near to them."""
    if start >= len(used):
        return []
    vectors = await embedder.embed([bullet.content for bullet in used])
    of_domain: defaultdict[str, list[int]] = defaultdict(list)
    for n, bullet in enumerate(used):
        of_domain[bullet.domain_id].append(n)
    found: dict[int, list[tuple[int, float]]] = {}
    for places in of_domain.values():
        older: VectorIndex[int] = VectorIndex(MANY)
        for begin in range(0, len(places), _BLOCK):
            block = places[begin : begin + _BLOCK]
            if block[-1] >= start:
                found |= await _near_in(older, block, start, vectors, reach)
            older.add(block, vectors[block])
    return [
        (used[n], used[m], Pair(used[n].content, used[m].content, cosine))
        for n in range(start, len(used))
        for m, cosine in found[n]
    ]


async def _near_in(
    older: VectorIndex[int], block: Sequence[int], start: int, vectors: Vectors, reach: float
) -> dict[int, list[tuple[int, float]]]:
    """For each of ``block`` from ``start`` on what is near in ``older`` and in the block before it, best first."""
    known = await search_aside(older, vectors[block], NEIGHBOURS, reach)
    before: VectorIndex[int] = VectorIndex()
    found = {}
    for n, near in zip(block, known, strict=True):
        if n >= start:
            near = [*near, *before.search(vectors[n], NEIGHBOURS, reach)]
            found[n] = sorted(near, key=lambda each: -each[1])[:NEIGHBOURS]
        before.add([n], vectors[n][None])
    return found
