"""The bullets of a playbook by meaning, domain by domain. Kept from merge to merge, only ever extended."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from ace_cli.embeddings import Embedder, VectorIndex
from ace_cli.playbook import Playbook
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
        self._domains: defaultdict[str, VectorIndex[str]] = defaultdict(VectorIndex)
        self._by_words: dict[tuple[str, str], str] = {}

    async def follow(self, playbook: Playbook) -> None:
        """Take in the bullets that ``playbook`` has gained.

        Quarantined ones too: a lesson that did harm must be recognised when it is learned again. A
        playbook that is not a longer version of the known one is read from scratch.
        """
        rows = [(bullet.domain_id, bullet.id, bullet.content) for bullet in playbook.bullets]
        if rows[: len(self._known)] != self._known:
            self._known, self._domains, self._by_words = [], defaultdict(VectorIndex), {}
        if not (new := rows[len(self._known) :]):
            return
        vectors = await self._embedder.embed([content for _, _, content in new])
        for (domain, bullet_id, content), vector in zip(new, vectors, strict=True):
            self._by_words.setdefault((domain, bare_text(content)), bullet_id)
            self._domains[domain].add([bullet_id], vector[None])
        self._known = rows

    def search(self, domain: str, vector: NDArray[Any], k: int, at_least: float) -> list[tuple[str, float]]:
        """The nearest bullet ids of one domain with their cosines, best first."""
        return self._domains[domain].search(vector, k, at_least)

    def same_words(self, words: tuple[str, str]) -> str | None:
        """The id of the oldest bullet of this domain with these words (``bare_text``)."""
        return self._by_words.get(words)
