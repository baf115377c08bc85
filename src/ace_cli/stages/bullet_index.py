"""The bullets of a playbook by meaning, domain by domain. Kept from merge to merge, only ever extended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
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
        self._insights: dict[str, NDArray[Any]] = {}
        self._clear()

    def _clear(self) -> None:
        self._known: list[tuple[str, str, str]] = []
        self._domains: defaultdict[str, VectorIndex[str]] = defaultdict(VectorIndex)
        self._by_words: dict[tuple[str, str], str] = {}

    async def embed(self, insights: Sequence[str]) -> list[NDArray[Any]]:
        """Their vectors; kept until the next call, since some of them become bullets."""
        self._insights = await self._embedded(insights)
        return [self._insights[text] for text in insights]

    async def follow(self, playbook: Playbook) -> None:
        """Take in the bullets that ``playbook`` has gained.

        Quarantined ones too: a lesson that did harm must be recognised when it is learned again. A
        playbook that is not a longer version of the known one is read from scratch.
        """
        rows = [(bullet.id, bullet.domain_id, bullet.content) for bullet in playbook.bullets]
        if rows[: len(self._known)] != self._known:
            self._clear()
        new = rows[len(self._known) :]
        vectors = self._insights | await self._embedded(
            [content for _, _, content in new if content not in self._insights]
        )
        by_domain: dict[str, list[tuple[str, str]]] = {}
        for bullet_id, domain, content in new:
            by_domain.setdefault(domain, []).append((bullet_id, content))
            self._by_words.setdefault((domain, bare_text(content)), bullet_id)
        for domain, bullets in by_domain.items():
            self._domains[domain].add([i for i, _ in bullets], [vectors[content] for _, content in bullets])
        self._known = rows

    def search(self, domain: str, vector: NDArray[Any], k: int, at_least: float) -> list[tuple[str, float]]:
        """The nearest bullet ids of one domain with their cosines, best first."""
        return self._domains[domain].search(vector, k, at_least) if domain in self._domains else []

    def same_words(self, words: tuple[str, str]) -> str | None:
        """The id of the oldest bullet of this domain with these words (``bare_text``)."""
        return self._by_words.get(words)

    async def _embedded(self, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
        unique = list(dict.fromkeys(texts))
        return dict(zip(unique, await self._embedder.embed(unique), strict=True)) if unique else {}
