"""The default Curator: an insight repeats the nearest bullet that says the same, or becomes a bullet.

The work has two steps, so that a model can have its say between them (:mod:`ace_cli.stages.llm_curator`):
:meth:`SemanticCurator.propose` compares, :meth:`ace_cli.stages.batch.MergeBatch.settle` writes the delta.
"""

from __future__ import annotations

import operator
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import compress
from typing import TYPE_CHECKING

from ace_cli.embeddings import Embedder, VectorIndex, add_aside, search_aside
from ace_cli.embeddings.index import MANY
from ace_cli.errors import AceError
from ace_cli.playbook import Bullet, Change, Delta, Drop, Playbook, PlaybookStage, Vote
from ace_cli.sameness.base import Judgement, Pair, Relation, Sameness
from ace_cli.sameness.rules.contradiction import bare_text
from ace_cli.stages.admission import Admission
from ace_cli.stages.base import Ask, MergeItem
from ace_cli.stages.batch import MergeBatch, Near, Proposal, Step
from ace_cli.stages.refine import refine
from ace_cli.text import single_spaced

if TYPE_CHECKING:
    from ace_cli.embeddings.base import Vectors

NEIGHBOURS = 32
"""Nearest bullets that are looked at: in a domain of "the code for X is Y" many near ones contradict."""

BLOCK = 9600
"""Bullets of a large playbook that are taken in at once, so that their vectors are held once: a hundred calls of a provider."""


class SemanticCurator:
    """Merges what is near, and the same by a :class:`Sameness`.

    Args:
        embedder: one that remembers (``CachedEmbedder``): an insight that becomes a bullet is asked for again.
        sameness: tells which near lessons say the same.
        target_stage: the stage of new bullets.
        admission: tells which insights are no lessons; they are dropped with its reason.
        link_repeated: what an insight contradicts is linked to the bullet that it repeats (runs of before link new bullets alone).
        approximate_from: bullets of a domain from which a near one may be missed; None for never.
    """

    def __init__(
        self,
        embedder: Embedder,
        sameness: Sameness,
        target_stage: PlaybookStage = PlaybookStage.SHADOW,
        admission: Admission | None = None,
        *,
        link_repeated: bool = True,
        approximate_from: int | None = MANY,
    ) -> None:
        self.sameness = sameness
        self._target_stage = target_stage
        self._admission = admission or Admission()
        self._link_repeated = link_repeated
        self._embedder = embedder
        self._approximate_from = approximate_from
        self._forget()

    def _forget(self) -> None:
        """What is known of the bullets: themselves, their positions by domain, and by what they say word for word."""
        self._known: tuple[Bullet, ...] = ()
        self._index: defaultdict[str, VectorIndex[int]] = defaultdict(
            lambda: VectorIndex(self._approximate_from)
        )
        self._by_words: dict[tuple[str, str], int] = {}

    async def curate(
        self, playbook: Playbook, items: Sequence[MergeItem], ask: Ask | None, *, at: str
    ) -> Delta:
        """See :class:`ace_cli.stages.base.Curator`. ``ask`` is for a Sameness that uses a model."""
        return (await self.propose(playbook, items, ask, at=at)).settle()

    async def propose(
        self, playbook: Playbook, items: Sequence[MergeItem], ask: Ask | None, *, at: str
    ) -> MergeBatch:
        """The batch's votes, drops and insights, each insight with what is near to it.

        Near are bullets, and earlier insights of the batch that match nothing themselves.
        """
        await self._follow(playbook)
        steps = [step for item in items for step in _steps(playbook, item, self._admission)]
        insights = {position: step for position, step in enumerate(steps) if isinstance(step, Proposal)}
        by_words: dict[tuple[str, str], Bullet | int] = {
            insight.words: playbook.bullets[self._by_words[insight.words]]
            for insight in insights.values()
            if insight.words in self._by_words
        }
        unknown = {p: insight for p, insight in insights.items() if insight.words not in by_words}
        compared = await self._compare(playbook, unknown, ask, self.sameness.reach)
        new: set[int] = set()
        for position, insight in insights.items():
            if (same := by_words.get(insight.words)) is not None:
                # Texts with the same words are the same, even if the words have no vector (a text of signs).
                near = [Near(same, 1.0, Judgement(Relation.SAME, sure=True))]
            else:
                near = [n for n in compared[position] if isinstance(n.target, Bullet) or n.target in new]
            steps[position] = proposal = replace(insight, near=tuple(near[:NEIGHBOURS]))
            if proposal.match is None:
                by_words[insight.words] = position
                new.add(position)
        return MergeBatch(playbook, tuple(steps), self._target_stage, at, self._link_repeated)

    async def refine(self, playbook: Playbook, ask: Ask | None, *, known: int = 0) -> tuple[Change, ...]:
        """See :func:`ace_cli.stages.refine.refine`."""
        return await refine(playbook, self._embedder, self.sameness, ask, known)

    async def _follow(self, playbook: Playbook) -> None:
        """Take the bullets that ``playbook`` has gained into the index of their domain.

        Quarantined ones too: a lesson that did harm must be recognised when it is learned again. A
        playbook that is not a longer version of the known one is read from scratch. An index does not depend on how it
        was built, so a resumed run, with one that was built at once, decides like an undisturbed one.
        """
        bullets = playbook.bullets
        if not _continues(self._known, bullets):
            self._forget()
        for start in range(len(self._known), len(bullets), BLOCK):
            block = bullets[start : start + BLOCK]
            vectors = await self._embedder.embed([bullet.content for bullet in block])
            places: defaultdict[str, list[int]] = defaultdict(list)
            for place, bullet in enumerate(block, start):
                places[bullet.domain_id].append(place)
                self._by_words.setdefault((bullet.domain_id, bare_text(bullet.content)), place)
            for domain, those in places.items():
                await add_aside(self._index[domain], those, vectors[[place - start for place in those]])
            self._known = bullets[: start + len(block)]
        self._known = bullets

    async def _compare(
        self, playbook: Playbook, insights: Mapping[int, Proposal], ask: Ask | None, at_least: float
    ) -> Mapping[int, Sequence[Near]]:
        """What lies around each insight with a cosine of ``at_least``, best first, the older of equals first.

        All earlier insights of the batch are among it: which of them become bullets is not known yet.
        """
        near: defaultdict[int, list[Near]] = defaultdict(list)
        if not insights:
            return near
        earlier: defaultdict[str, VectorIndex[int]] = defaultdict(VectorIndex)
        found: list[tuple[int, Bullet | int, Pair]] = []
        vectors = await self._embedder.embed([insight.content for insight in insights.values()])
        domains = [insight.domain for insight in insights.values()]
        known = await self._around(domains, vectors, at_least)
        for (position, insight), vector, bullets in zip(insights.items(), vectors, known, strict=True):
            batch = earlier[insight.domain]
            around: list[tuple[Bullet | int, float]] = [
                (playbook.bullets[place], cosine) for place, cosine in bullets
            ]
            around += batch.search(vector, len(batch), at_least)
            for target, cosine in sorted(around, key=lambda pair: -pair[1]):
                other = target if isinstance(target, Bullet) else insights[target]
                found.append((position, target, Pair(insight.content, other.content, cosine)))
            batch.add([position], vector[None])
        judgements = await self.sameness.compare([pair for *_, pair in found], ask) if found else []
        if len(judgements) != len(found):
            raise AceError(f"the sameness gave {len(judgements)} judgements on {len(found)} pairs")
        for (position, target, pair), judgement in zip(found, judgements, strict=True):
            near[position].append(Near(target, pair.similarity, judgement))
        return near

    async def _around(
        self, domains: Sequence[str], vectors: Vectors, at_least: float
    ) -> Sequence[Sequence[tuple[int, float]]]:
        """The places of the nearest bullets of its domain to each of ``vectors``, with their cosines."""
        found: list[Sequence[tuple[int, float]]] = [()] * len(domains)
        for domain in dict.fromkeys(domains):
            those = [n for n, name in enumerate(domains) if name == domain]
            index = self._index[domain]
            for n, near in zip(
                those, await search_aside(index, vectors[those], NEIGHBOURS, at_least), strict=True
            ):
                found[n] = near
        return found


def _continues(known: Sequence[Bullet], bullets: Sequence[Bullet]) -> bool:
    """Whether ``bullets`` are ``known`` and more; what else is known of one may have changed."""
    changed = compress(zip(known, bullets, strict=False), map(operator.is_not, known, bullets))
    return len(known) <= len(bullets) and all(
        (old.domain_id, old.id, old.content) == (new.domain_id, new.id, new.content) for old, new in changed
    )


def without_list_marks(content: str) -> str:
    """An insight as one line, without the marks of the list that it stood in; the wording stays."""
    return _LIST_MARKS.sub("", single_spaced(content))


_LIST_MARKS = re.compile(r"^(?:[-*•·–—]\s+|\d{1,2}[.)]\s+|\[[A-Za-z]{1,10}-?\d+\]\s*|\(pitfall\)\s*)+")


def _steps(playbook: Playbook, item: MergeItem, admission: Admission) -> Iterator[Step]:
    """One vote a cited bullet, then the insights; what cannot be counted or taken up is said."""
    voted: set[str] = set()
    for tag in item.reflection.bullet_tags:
        if tag.id in playbook.by_id and tag.id not in voted:
            voted.add(tag.id)
            yield Vote(tag.id, item.example_id, tag.tag)
        else:
            again = tag.id in voted
            reason = "a second vote on the bullet" if again else "a vote on a bullet that does not exist"
            yield Drop(item.example_id, f"[{tag.id}] {tag.tag.value}", tag.tag, reason, "vote")
    for insight in item.reflection.insights:
        content = without_list_marks(insight.content)
        if unfit := admission.refusal(content):
            yield Drop(item.example_id, content, insight.section, unfit)
        else:
            yield Proposal(item.example_id, item.domain, content, insight.section)
