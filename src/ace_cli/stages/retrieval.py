"""Which bullets an example sees when the playbook is larger than the prompt may be."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from ace_cli.embeddings import WORDLLAMA, Embedder, VectorIndex
from ace_cli.embeddings.wordllama_embedder import WordLlamaEmbedder
from ace_cli.playbook import Bullet
from ace_cli.playbook.render import line
from ace_cli.settings import TrainingSettings
from ace_cli.stages.lexicon import Lexicon, Weighing
from ace_cli.stages.salience import built_in

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ace_cli.embeddings.base import Vectors

CONFIDENCE_WEIGHT = 0.1
"""Confidence lies in 0..1 and moves a bullet by at most this much cosine: it decides between near ones."""

_PLACES = 6

MANY = 4
"""Times as many bullets as stand near are many: a list that is no longer than that is not lost sight of."""

_SPACES = 16
"""Sets of bullets (by domain and version) that are kept as they lie."""

_MISSES = 20
"""As many bullets in a row that no longer fit end the search; a shorter one may still fit after a long one."""


@dataclass(frozen=True)
class _Space:
    """Where bullets and questions lie: what words count (None: texts are embedded whole), and the bullets so far."""

    weighing: Weighing | None
    index: VectorIndex[str] = field(default_factory=VectorIndex)
    positions: dict[str, int] = field(default_factory=dict)
    """Of contents in the index."""


@dataclass(frozen=True, slots=True)
class _Laid:
    """Candidates in their space: where they are in its index and (if words are weighed) in the lexicon, and what their confidence adds."""

    candidates: Sequence[Bullet]
    space: _Space
    positions: NDArray[np.int64]
    places: NDArray[np.int64] | None
    bonus: NDArray[np.float64]


class Nearest:
    """Ranks bullets by a question. Bullets are embedded once, questions once a call.

    With the built-in embedder, words count by how much they tell (:mod:`ace_cli.stages.salience`); what they count among the bullets
    is looked at anew whenever those have doubled, so that not every new bullet moves all others.

    Args:
        common: words that many questions hold.
        by_words: whether words are weighed, where the embedder can do that.
    """

    def __init__(self, embedder: Embedder, common: Iterable[str] = (), *, by_words: bool = True) -> None:
        self._embedder = embedder
        by_words = by_words and embedder.name == WORDLLAMA
        self._lexicon = Lexicon(built_in(), common) if by_words else None
        self._spaces: OrderedDict[tuple[str, ...], _Space] = OrderedDict()
        self._laid: OrderedDict[int, _Laid] = OrderedDict()
        self._lock = asyncio.Lock()

    async def rank(self, candidates: Sequence[Bullet], question: str) -> list[int]:
        """Positions in ``candidates``, best first: cosine plus :data:`CONFIDENCE_WEIGHT` times confidence; of equals the earlier.

        Raises:
            ModelError: the embedder's.
        """
        import numpy as np

        async with self._lock:  # examples ask at once: the first embeds, the others find it done
            laid = await self._lie(candidates)
            (query,) = await self._embed_question(question, laid.space)
        scores = laid.space.index.cosines(query, laid.positions) + laid.bonus
        positions: list[int] = np.argsort(-scores.round(_PLACES), kind="stable").tolist()
        return positions

    async def best(
        self, candidates: Sequence[Bullet], chosen: Sequence[int], question: str, count: int
    ) -> list[int]:
        """The first ``count`` (of more) that :meth:`rank` would give of the candidates at ``chosen`` alone: positions in ``candidates``.

        Every question has a choice of its own, where words count something else: so only rows of those are made anew that may be
        among the best.

        Raises:
            ModelError: the embedder's.
        """
        import numpy as np

        if self._lexicon is None:
            ranked = await self.rank([candidates[position] for position in chosen], question)
            return [chosen[place] for place in ranked[:count]]
        async with self._lock:
            laid = await self._lie(candidates)
            assert laid.places is not None  # words are weighed
            at = np.array(chosen, dtype=np.int64)
            places, bonus = laid.places[at], laid.bonus[at]
            weighing = self._lexicon.weigh(places[: _basis(len(places))])
            (query,) = await built_in().embed([question], weighing)
            near = self._lexicon.hopeful(places, weighing, query, bonus, count)
            index = VectorIndex[int]()
            index.add(near.tolist(), self._lexicon.embed(places[near], weighing))
        scores = index.cosines(query, np.arange(len(near))) + bonus[near]
        order = np.argsort(-scores.round(_PLACES), kind="stable")[:count]
        best: list[int] = at[near[order]].tolist()
        return best

    async def _lie(self, candidates: Sequence[Bullet]) -> _Laid:
        """As they were laid before, or now."""
        laid = self._laid.get(id(candidates))
        if laid is None or laid.candidates is not candidates:
            laid = await self._lay(candidates)
        return laid

    async def _lay(self, candidates: Sequence[Bullet]) -> _Laid:
        """Embed what is new of the candidates. Those of a version are asked for again and again, and kept as they lie."""
        import numpy as np

        contents = [bullet.content for bullet in candidates]
        places = None
        if self._lexicon is not None:
            await self._lexicon.learn(contents)
            places = self._lexicon.places(contents)
        space = self._space(contents)
        if new := list(dict.fromkeys(content for content in contents if content not in space.positions)):
            vectors = (
                await self._embedder.embed(new)
                if self._lexicon is None or space.weighing is None
                else self._lexicon.embed(self._lexicon.places(new), space.weighing)
            )
            space.index.add(new, vectors)
            space.positions.update((content, n) for n, content in enumerate(new, len(space.positions)))
        positions = np.array([space.positions[content] for content in contents], dtype=np.int64)
        bonus = CONFIDENCE_WEIGHT * np.array([bullet.confidence for bullet in candidates])
        laid = _Laid(candidates, space, positions, places, bonus)
        if isinstance(candidates, tuple):  # nobody changes it
            self._laid[id(candidates)] = laid
            if len(self._laid) > _SPACES:
                self._laid.popitem(last=False)
        return laid

    def _space(self, contents: Sequence[str]) -> _Space:
        lexicon = self._lexicon
        basis = () if lexicon is None else tuple(contents[: _basis(len(contents))])
        if basis not in self._spaces:
            self._spaces[basis] = _Space(None if lexicon is None else lexicon.weigh(lexicon.places(basis)))
            if len(self._spaces) > _SPACES:
                self._spaces.popitem(last=False)
        self._spaces.move_to_end(basis)
        return self._spaces[basis]

    async def _embed_question(self, question: str, space: _Space) -> Vectors:
        if space.weighing is None:
            return await self._embedder.embed([question])
        return await built_in().embed([question], space.weighing)


def _basis(bullets: int) -> int:
    """Of so many bullets, how many decide what words count: the first ones, twice as many whenever there are."""
    return 1 << (bullets.bit_length() - 1) if bullets else 0


@dataclass(frozen=True, slots=True)
class Shown:
    """The bullets of a prompt, in the order of ids; ``near`` are those of many that stand in it once more, next to the question."""

    bullets: tuple[Bullet, ...] = ()
    near: tuple[Bullet, ...] = ()


def make_selector(
    training: TrainingSettings,
    embedder: Embedder,
    common: Iterable[str],
    count_tokens: Callable[[str], int],
    max_bullets: int | None,
) -> BulletSelector:
    """The selector of these settings. Bullets stand near by the built-in word vectors: that costs nothing."""
    by_words = training.retrieval == "words"
    nearest = Nearest(embedder, common, by_words=by_words)
    return BulletSelector(
        nearest,
        count_tokens,
        budget_tokens=training.context_budget,
        max_bullets=max_bullets,
        near_bullets=training.near_bullets,
        near_by=nearest if embedder.name == WORDLLAMA else Nearest(WordLlamaEmbedder(), common),
    )


@dataclass(frozen=True, slots=True)
class _Counted:
    """Candidates: whether all fit into the budget, and the tokens of their lines where they were counted."""

    candidates: Sequence[Bullet]
    fit: bool
    tokens: list[int | None]


class BulletSelector:
    """Selects bullets for questions.

    Args:
        nearest: ranks them.
        count_tokens: of the model that reads the bullets; called once a bullet.
        budget_tokens: of the bullets' lines together.
        max_bullets: None for as many as fit.
        near_bullets: of more than four times as many, so many are shown once more.
        near_by: ranks those.
    """

    def __init__(
        self,
        nearest: Nearest,
        count_tokens: Callable[[str], int],
        *,
        budget_tokens: int,
        max_bullets: int | None = None,
        near_bullets: int = 0,
        near_by: Nearest | None = None,
    ) -> None:
        self._nearest = nearest
        self._near_by = near_by or nearest
        self._most_near = near_bullets
        self._count_tokens = cache(count_tokens)
        self._counted: OrderedDict[int, _Counted] = OrderedDict()
        self._budget = budget_tokens
        self._max = max_bullets

    async def show(self, candidates: Sequence[Bullet], question: str) -> Shown:
        """What a prompt holds of ``candidates``.

        Raises:
            ModelError: the embedder's.
        """
        chosen = await self._choose(candidates, question)
        bullets = _at(candidates, chosen)
        if not self._most_near or len(bullets) <= MANY * self._most_near:
            return Shown(bullets)
        if chosen is None:
            near = (await self._near_by.rank(bullets, question))[: self._most_near]
        else:
            near = await self._near_by.best(candidates, chosen, question, self._most_near)
        return Shown(bullets, _at(candidates, sorted(near)))

    async def select(self, candidates: Sequence[Bullet], question: str) -> tuple[Bullet, ...]:
        """All ``candidates`` if they fit, in their order; else those that serve ``question`` best, in the same order.

        The same candidates and question give the same bullets.

        Raises:
            ModelError: the embedder's.
        """
        return _at(candidates, await self._choose(candidates, question))

    async def _choose(self, candidates: Sequence[Bullet], question: str) -> list[int] | None:
        """The positions of those that :meth:`select` gives; None for all."""
        few = self._max is None or len(candidates) <= self._max
        counted = self._count(candidates)
        if few and counted.fit:
            return None
        if not self._budget or self._max == 0:
            return []
        chosen: list[int] = []
        left, misses = self._budget, 0
        for position in await self._nearest.rank(candidates, question):
            tokens = counted.tokens[position]
            if tokens is None:
                tokens = counted.tokens[position] = self._line_tokens(candidates[position])
            if tokens <= left:
                left, misses = left - tokens, 0
                chosen.append(position)
            else:
                misses += 1
            if len(chosen) == self._max or misses == _MISSES:
                break
        return sorted(chosen)

    def _count(self, candidates: Sequence[Bullet]) -> _Counted:
        """The candidates' tokens, counted as far as the budget goes; once for the candidates of a version."""
        found = self._counted.get(id(candidates))
        if found is not None and found.candidates is candidates:
            return found
        tokens: list[int | None] = [None] * len(candidates)
        total = 0
        for position, bullet in enumerate(candidates):
            tokens[position] = length = self._line_tokens(bullet)
            total += length
            if total > self._budget:
                break
        counted = _Counted(candidates, total <= self._budget, tokens)
        if isinstance(candidates, tuple):  # nobody changes it
            self._counted[id(candidates)] = counted
            if len(self._counted) > _SPACES:
                self._counted.popitem(last=False)
        return counted

    def _line_tokens(self, bullet: Bullet) -> int:
        return self._count_tokens(line(bullet) + "\n")


def _at(candidates: Sequence[Bullet], positions: Sequence[int] | None) -> tuple[Bullet, ...]:
    """The candidates at ``positions``; all of them for None."""
    return tuple(candidates) if positions is None else tuple(candidates[position] for position in positions)
