"""A batch on its way into the playbook: what each insight is near to, what becomes of it, and the delta."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ace_cli.playbook import (
    Add,
    Bullet,
    Change,
    Confirm,
    Delta,
    Drop,
    Link,
    Playbook,
    PlaybookStage,
    Section,
    Vote,
    make_id,
)
from ace_cli.playbook.contests import any_linked, contests
from ace_cli.playbook.joining import survivor
from ace_cli.playbook.standing import contradicted_by
from ace_cli.sameness.base import Judgement, Relation
from ace_cli.sameness.rules.contradiction import bare_text


@dataclass(frozen=True, slots=True)
class Near:
    """What an insight may repeat: a bullet, or an insight earlier in the batch (its position among the steps)."""

    target: Bullet | int
    similarity: float
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Proposal:
    """An insight of a batch, and what is near to it, best first."""

    example_id: str
    domain: str
    content: str
    section: Section
    near: tuple[Near, ...] = ()

    @property
    def words(self) -> tuple[str, str]:
        """Lessons of one domain and with the same words are equal in this."""
        return self.domain, bare_text(self.content)

    @property
    def match(self) -> Near | None:
        """The nearest that says the same: what the insight repeats, unless the curator decides otherwise."""
        return next((near for near in self.near if near.judgement.relation is Relation.SAME), None)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an insight: it repeats ``merge_into``, is new (None), or, with ``drop``, is not taken up."""

    merge_into: Near | None = None
    drop: bool = False
    reason: str = ""


Step = Vote | Drop | Proposal
"""What is clear at once, and insights."""


@dataclass(frozen=True, slots=True)
class MergeBatch:
    """The steps of a merge into ``playbook``, in plan order. ``stage`` is that of new bullets.

    ``link_repeated``: an insight that repeats a bullet speaks for it, so what the insight contradicts the bullet does too.
    """

    playbook: Playbook
    steps: tuple[Step, ...]
    stage: PlaybookStage
    at: str
    link_repeated: bool = True

    def settle(self, decisions: Mapping[int, Decision] | None = None) -> Delta:
        """The delta: one change a step, then what follows for bullets that contradict each other.

        ``decisions``, by position, overrule what the insights match.
        """
        number = self.playbook.next_id_number()
        changes: list[Change] = []
        for position, step in enumerate(self.steps):
            if isinstance(step, Proposal):
                decision = (decisions or {}).get(position) or Decision(step.match)
                changes.append(self._change(step, decision, make_id(number), changes))
                number += isinstance(changes[-1], Add)
            else:
                changes.append(step)
        changes += self._links(tuple(changes))
        delta = Delta(self.at, tuple(changes))
        if not any_linked(self.playbook, changes):
            return delta
        return replace(delta, changes=(*changes, *contests(self.playbook.apply(delta))))

    def _change(
        self, insight: Proposal, decision: Decision, new_id: str, earlier: Sequence[Change]
    ) -> Change:
        """What ``decision`` makes of ``insight``, after the ``earlier`` changes of the batch."""
        example_id, content, section = insight.example_id, insight.content, insight.section
        if decision.drop:
            return Drop(example_id, content, section, decision.reason, "curator")
        repeated = decision.merge_into
        if repeated and (known := _bullet_id(repeated, earlier)):
            known = survivor(self.playbook.by_id, known)
            return Confirm(known, example_id, content, section, repeated.similarity, decision.reason)
        bullet = Bullet(
            id=new_id,
            content=content,
            domain_id=insight.domain,
            section=section,
            stage=self.stage,
            sources=(example_id,),
            created_at=self.at,
            updated_at=self.at,
        )
        return Add(bullet, example_id, decision.reason or _why_new(insight, earlier))

    def _links(self, changes: Sequence[Change]) -> Iterator[Link]:
        """Of each new bullet, and of those that are repeated, to what the insight contradicts."""
        told: set[frozenset[str]] = set()
        for step, change in zip(self.steps, changes, strict=True):
            if not isinstance(step, Proposal) or not isinstance(change, Add | Confirm):
                continue
            for near in step.near:
                other = _bullet_id(near, changes)
                if near.judgement.relation is not Relation.CONTRADICTS or not other:
                    continue
                if isinstance(change, Add):
                    bullet = change.bullet.id
                elif self.link_repeated and not self._is_linked(change.bullet_id, other, told):
                    bullet = change.bullet_id
                else:
                    continue
                told.add(frozenset((bullet, other)))
                yield Link(bullet, other, near.judgement.reason)

    def _is_linked(self, one: str, other: str, told: Container[frozenset[str]]) -> bool:
        known = self.playbook.by_id.get(one)
        linked = known is not None and other in contradicted_by(known)
        return linked or one == other or frozenset((one, other)) in told


def _bullet_id(near: Near, earlier: Sequence[Change]) -> str | None:
    """The bullet that ``near`` is, or has ended in; None for an insight that was dropped."""
    if isinstance(near.target, Bullet):
        return near.target.id
    change = earlier[near.target]
    if isinstance(change, Add):
        return change.bullet.id
    return change.bullet_id if isinstance(change, Confirm) else None


def _why_new(insight: Proposal, earlier: Sequence[Change]) -> str:
    """What keeps the insight apart from the nearest bullet that it does not repeat; empty if nothing is near."""
    for near in insight.near:
        relation, reason = near.judgement.relation, near.judgement.reason
        bullet_id = _bullet_id(near, earlier)
        if relation is not Relation.SAME and reason and bullet_id:
            return f"near {bullet_id} but {reason}"
    return ""
