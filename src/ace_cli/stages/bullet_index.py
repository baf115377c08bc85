"""The bullets of a playbook by meaning, domain by domain. Kept from merge to merge, only ever extended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ace_cli.embeddings import Embedder, VectorIndex
from ace_cli.playbook import Bullet, Playbook
from ace_cli.sameness.rules.contradiction import bare_text

if TYPE_CHECKING:
    from numpy.typing import NDArray


class BulletIndex:
    """One exact index a domain. It follows a playbook that grows.

    Search is exact and queried one text at a time, so an index that was kept over many merges answers as one that
    was built at once: a resumed run decides like an undisturbed one.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: list[tuple[str, str, str]] = []
        self._domains: dict[str, VectorIndex] = {}
        self._fresh: dict[str, NDArray[Any]] = {}
        self._by_text: dict[tuple[str, str], str] = {}

    async def embed(self, texts: Sequence[str]) -> list[NDArray[Any]]:
        """Vectors of insights; kept until the next call, in case they become bullets."""
        unique = list(dict.fromkeys(texts))
        self._fresh = dict(zip(unique, await self._embedder.embed(unique), strict=True)) if unique else {}
        return [self._fresh[text] for text in texts]

    async def follow(self, playbook: Playbook) -> None:
        """Take in the bullets that ``playbook`` has gained.

        Quarantined ones too: a lesson that did harm must be recognised when it is learned again. A
        playbook that is not a longer version of the known one is read from scratch.
        """
        bullets = playbook.bullets
        rows = [(bullet.id, bullet.domain_id, bullet.content) for bullet in bullets]
        if rows[: len(self._known)] != self._known:
            self._known, self._domains, self._by_text = [], {}, {}
        new = bullets[len(self._known) :]
        if not new:
            return
        unknown = list(dict.fromkeys(b.content for b in new if b.content not in self._fresh))
        vectors = dict(self._fresh)
        if unknown:
            vectors.update(zip(unknown, await self._embedder.embed(unknown), strict=True))
        by_domain: dict[str, list[Bullet]] = {}
        for bullet in new:
            by_domain.setdefault(bullet.domain_id, []).append(bullet)
            self._by_text.setdefault((bullet.domain_id, bare_text(bullet.content)), bullet.id)
        for domain, group in by_domain.items():
            add(self._domains.setdefault(domain, VectorIndex()), group, [vectors[b.content] for b in group])
        self._known = rows

    def search(self, domain: str, vector: NDArray[Any], k: int) -> list[tuple[str, float]]:
        """The nearest bullet ids of one domain with their cosines, best first."""
        index = self._domains.get(domain)
        return index.search(vector, k) if index is not None else []

    def same_text(self, domain: str, content: str) -> str | None:
        """The id of the oldest bullet with these very words."""
        return self._by_text.get((domain, bare_text(content)))


def add(index: VectorIndex, bullets: Sequence[Bullet], vectors: Sequence[NDArray[Any]]) -> None:
    """Extend ``index`` by ``bullets`` under their ids."""
    import numpy as np

    index.add([bullet.id for bullet in bullets], np.stack(vectors))
