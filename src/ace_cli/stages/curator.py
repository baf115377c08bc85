"""The default Curator: an insight repeats the nearest bullet that says the same, or becomes a bullet.

The work has two steps, so that a model can have its say between them (:mod:`ace_cli.stages.llm_curator`):
:meth:`SemanticCurator.propose` compares, :func:`settle` writes the delta.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ace_cli.embeddings import Embedder, VectorIndex
from ace_cli.playbook import (
    Add,
    Bullet,
    Change,
    Confirm,
    Delta,
    Drop,
    Playbook,
    PlaybookStage,
    Vote,
    make_id,
)
from ace_cli.sameness.rules.contradiction import bare_text, contradiction
from ace_cli.stages.base import Ask, Insight, MergeItem
from ace_cli.stages.bullet_index import BulletIndex, add

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEIGHBOURS = 32
"""Nearest bullets that are looked at: in a domain of "the code for X is Y" many near ones contradict."""

MAX_CHARS = 4000
"""A longer insight is no lesson; it would be paid for in every prompt to come."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bullet near an insight: its cosine, and why it is not the same (empty: nothing says so)."""

    bullet: Bullet
    similarity: float
    contradiction: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the rules make of one insight.

    ``bullet`` is what it becomes if it is new: its id is preliminary. ``match`` is the bullet that it repeats by the
    rules, possibly one that an earlier insight of the batch would become. ``candidates`` are best first.
    """

    example_id: str
    bullet: Bullet
    match: Candidate | None
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a proposal in the end. ``merge_into`` is None for a new bullet; ``drop`` beats it."""

    merge_into: Candidate | None = None
    drop: bool = False
    reason: str = ""


Step = Vote | Drop | Proposal
"""A batch in plan order: what is clear at once, and insights."""


class SemanticCurator:
    """Merges by cosine and by the rules of :mod:`ace_cli.sameness.rules.contradiction`; calls no model.

    Args:
        embedder: wrap one that costs money in a ``CachedEmbedder``.
        similarity_threshold: cosine from which an insight repeats a bullet of its domain.
        target_stage: the stage of new bullets.
    """

    def __init__(
        self,
        embedder: Embedder,
        similarity_threshold: float = 0.8,
        target_stage: PlaybookStage = PlaybookStage.SHADOW,
    ) -> None:
        self.similarity_threshold = similarity_threshold
        self._target_stage = target_stage
        self._index = BulletIndex(embedder)

    async def curate(
        self,
        playbook: Playbook,
        lessons: Sequence[MergeItem],
        ask: Ask | None,  # noqa: ARG002 - the Protocol's
        *,
        at: str,
    ) -> Delta:
        """See :class:`ace_cli.stages.base.Curator`. ``ask`` is not used."""
        return settle(playbook, await self.propose(playbook, lessons, at=at), {}, at=at)

    async def propose(
        self, playbook: Playbook, lessons: Sequence[MergeItem], *, at: str, reach: float = 0.0
    ) -> list[Step]:
        """The batch's votes, drops and insights, each insight with what the rules say.

        Candidates below the threshold by up to ``reach`` are named too, but never matched.
        """
        await self._index.follow(playbook)
        insights = [insight for lesson in lessons for insight in lesson.reflection.insights]
        vectors = iter(await self._index.embed([clean(i.content) for i in insights if not _why_unfit(i)]))
        batch = _Batch(self._index, playbook, self.similarity_threshold, reach)
        number = playbook.next_id_number()
        steps: list[Step] = []
        for lesson in lessons:
            steps += _votes(playbook, lesson)
            for insight in lesson.reflection.insights:
                content = clean(insight.content)
                if unfit := _why_unfit(insight):
                    steps.append(Drop(lesson.example_id, content, insight.section, unfit))
                    continue
                bullet = Bullet(
                    id=make_id(number),
                    content=content,
                    domain_id=lesson.domain,
                    section=insight.section,
                    stage=self._target_stage,
                    sources=(lesson.example_id,),
                    created_at=at,
                    updated_at=at,
                )
                proposal = batch.propose(lesson.example_id, bullet, next(vectors))
                number += proposal.match is None
                steps.append(proposal)
        return steps


def settle(playbook: Playbook, steps: Sequence[Step], decisions: Mapping[int, Decision], *, at: str) -> Delta:
    """The delta of a batch.

    Args:
        playbook: the version that the delta changes.
        steps: as proposed.
        decisions: by position in ``steps``, what a model decided; the rules hold for the others.
        at: the time of the merge.
    """
    number = playbook.next_id_number()
    final: dict[str, str | None] = {}  # what became of preliminary ids: a bullet's id, or None when dropped
    changes: list[Change] = []
    for position, step in enumerate(steps):
        if not isinstance(step, Proposal):
            changes.append(step)
            continue
        decision = decisions.get(position, Decision(step.match))
        content, section = step.bullet.content, step.bullet.section
        if decision.drop:
            changes.append(Drop(step.example_id, content, section, decision.reason))
            became = None
        else:
            target = decision.merge_into
            became = final.get(target.bullet.id, target.bullet.id) if target else None
            if target and became:
                changes.append(
                    Confirm(became, step.example_id, content, section, target.similarity, decision.reason)
                )
            else:
                became = make_id(number)
                number += 1
                changes.append(
                    Add(replace(step.bullet, id=became), step.example_id, _why_new(step, decision))
                )
        if step.match is None:  # later insights may have been matched with this one's preliminary id
            final[step.bullet.id] = became
    return Delta(at, tuple(changes))


def clean(content: str) -> str:
    """An insight as one line, without the marks of the list that it stood in; the wording stays."""
    text = " ".join(content.split())
    return _LIST_MARKS.sub("", text)


_LIST_MARKS = re.compile(r"^(?:[-*•·–—]\s+|\d{1,2}[.)]\s+|\[[A-Za-z]{1,10}-?\d+\]\s*|\(pitfall\)\s*)+")


class _Batch:
    """The insights of one batch so far, searched together with the playbook."""

    def __init__(self, index: BulletIndex, playbook: Playbook, threshold: float, reach: float) -> None:
        self._index = index
        self._playbook = playbook
        self._threshold = threshold
        self._reach = reach
        self._new: dict[str, Bullet] = {}
        self._domains: dict[str, VectorIndex] = {}
        self._by_text: dict[tuple[str, str], Bullet] = {}

    def propose(self, example_id: str, bullet: Bullet, vector: NDArray[Any]) -> Proposal:
        twin = self._twin(bullet)
        if twin is not None:  # the same words, even if they have no vector (a text of signs)
            candidate = Candidate(twin, 1.0)
            return Proposal(example_id, bullet, candidate, (candidate,))
        candidates = self._near(bullet, vector)
        match = next(
            (c for c in candidates if not c.contradiction and c.similarity >= self._threshold),
            None,
        )
        if match is None:
            self._new[bullet.id] = bullet
            self._by_text[_text_key(bullet)] = bullet
            add(self._domains.setdefault(bullet.domain_id, VectorIndex()), [bullet], [vector])
        return Proposal(example_id, bullet, match, candidates)

    def _twin(self, bullet: Bullet) -> Bullet | None:
        known = self._index.same_text(bullet.domain_id, bullet.content)
        return self._playbook.by_id[known] if known else self._by_text.get(_text_key(bullet))

    def _near(self, bullet: Bullet, vector: NDArray[Any]) -> tuple[Candidate, ...]:
        """Bullets of the playbook and of this batch within reach, best first, the older of equals first."""
        found = self._index.search(bullet.domain_id, vector, NEIGHBOURS)
        if bullet.domain_id in self._domains:
            found += self._domains[bullet.domain_id].search(vector, NEIGHBOURS)
            found.sort(key=lambda pair: -pair[1])
        candidates = []
        for bullet_id, similarity in found[:NEIGHBOURS]:
            if similarity < self._threshold - self._reach:
                break
            near = self._new.get(bullet_id) or self._playbook.by_id[bullet_id]
            reason = contradiction(bullet.content, near.content) or ""
            candidates.append(Candidate(near, similarity, reason))
        return tuple(candidates)


def _text_key(bullet: Bullet) -> tuple[str, str]:
    return bullet.domain_id, bare_text(bullet.content)


def _votes(playbook: Playbook, lesson: MergeItem) -> list[Step]:
    """One vote a cited bullet; what cannot be counted is said."""
    steps: list[Step] = []
    voted: set[str] = set()
    for tag in lesson.reflection.bullet_tags:
        if tag.id not in playbook.by_id or tag.id in voted:
            reason = (
                "a second vote on the bullet" if tag.id in voted else "a vote on a bullet that does not exist"
            )
            steps.append(Drop(lesson.example_id, f"[{tag.id}] {tag.tag.value}", tag.tag, reason))
            continue
        voted.add(tag.id)
        steps.append(Vote(tag.id, lesson.example_id, tag.tag))
    return steps


def _why_unfit(insight: Insight) -> str:
    """Why the insight cannot become a bullet; empty when it can."""
    content = clean(insight.content)
    if not any(character.isalnum() for character in content):
        return "it is empty"
    if len(content) > MAX_CHARS:
        return f"it has {len(content):,} characters; a lesson has at most {MAX_CHARS:,}"
    return ""


def _why_new(step: Proposal, decision: Decision) -> str:
    if decision.reason:
        return decision.reason
    near = next((c for c in step.candidates if c.contradiction), None)
    return f"near {near.bullet.id} but {near.contradiction}" if near else ""
