"""What becomes of bullets that are in the playbook: decided after each merge, recorded in its delta."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from ace_cli.playbook import Answers, Bullet, Change, Credit, Delta, Playbook, Refined, SetAside
from ace_cli.playbook.contests import any_linked, contests
from ace_cli.playbook.outcomes import Outcomes
from ace_cli.playbook.render import line
from ace_cli.playbook.retire import retire
from ace_cli.playbook.standing import FAILING
from ace_cli.settings import TrainingSettings
from ace_cli.stages.base import MergeItem

Refine = Callable[[Playbook, int], Awaitable[Sequence[Change]]]
"""What makes one of bullets that say the same; so many, the oldest, were compared before."""


class Upkeep:
    """Keeps count over a run, and adds to each delta what the counts say. The same merges give the same decisions.

    Args:
        count_tokens: of the model that reads the bullets.
    """

    def __init__(self, settings: TrainingSettings, count_tokens: Callable[[str], int]) -> None:
        self._settings = settings
        self._credit = Credit(settings.credit)
        self._outcomes = Outcomes()
        self._refined = 0
        self._count_tokens = cache(count_tokens)

    def seen(self, delta: Delta) -> None:
        """A merge of an earlier session; in order, before :meth:`after` is called."""
        self._outcomes.add(delta)
        self._refined = max([self._refined, *(c.bullets for c in delta.changes if isinstance(c, Refined))])

    async def after(
        self,
        playbook: Playbook,
        delta: Delta,
        items: Sequence[MergeItem],
        refine: Refine | None = None,
        *,
        ends_epoch: bool = False,
    ) -> tuple[Delta, Playbook]:
        """The curator's ``delta`` of ``items`` to ``playbook``, with what follows from it; and the playbook after all of it.

        Bullets under which answers do worse are set aside; of those that contradict each other the better one is used; at the end of
        an epoch, or when there are too many tokens, what says the same is merged; and what is still too much is retired.
        """
        if self._credit is Credit.OPINION:  # a run of before there was any other
            delta = replace(delta, credit=Credit.OPINION)
            return delta, playbook.apply(delta, quarantine_min_votes=self._settings.quarantine_min_votes)
        growth = _Growth(playbook, delta)
        growth.add(answers_of(items))
        self._outcomes.add(growth.delta)
        growth.add(self._failing(growth.playbook, items))
        growth.add(_contests(growth))
        if refine is not None and (ends_epoch or self._is_too_large(growth.playbook)):
            changes = await refine(growth.playbook, self._refined)
            growth.add(changes)
            self.seen(Delta(delta.at, tuple(changes)))
            growth.add(_contests(growth))
        if (most := self._settings.max_playbook_tokens) is not None:
            growth.add(retire(growth.playbook, self._outcomes, self._tokens, most))
        return growth.delta, growth.playbook

    def _is_too_large(self, playbook: Playbook) -> bool:
        most = self._settings.max_playbook_tokens
        used = (bullet for bullet in playbook.bullets if not bullet.is_quarantined)
        return most is not None and sum(map(self._tokens, used)) > most

    def _tokens(self, bullet: Bullet) -> int:
        return self._count_tokens(line(bullet) + "\n")

    def _failing(self, playbook: Playbook, items: Sequence[MergeItem]) -> Iterator[Change]:
        """Bullets that were cited just now, often enough, and under which answers do worse."""
        least = self._settings.quarantine_min_votes
        for bullet_id in dict.fromkeys(bullet_id for item in items for bullet_id in item.cited):
            bullet = playbook.by_id.get(bullet_id)
            if bullet is None or bullet.is_quarantined or not least:
                continue
            if self._outcomes.citations(bullet_id) >= least and (
                worse := self._outcomes.does_worse(bullet_id)
            ):
                yield SetAside(bullet_id, FAILING, worse)


def answers_of(items: Sequence[MergeItem]) -> Iterator[Answers]:
    """How the items' answers did, one record a domain, in the order in which domains come."""
    judged = [item for item in items if item.correct is not None]
    for domain in dict.fromkeys(item.domain for item in judged):
        cited: dict[bool, list[str]] = {True: [], False: []}
        rights = [item.correct is True for item in judged if item.domain == domain]
        for item in judged:
            if item.domain == domain:
                cited[item.correct is True] += item.cited
        right = sum(rights)
        yield Answers(domain, right, len(rights) - right, tuple(cited[True]), tuple(cited[False]))


class _Growth:
    """A delta that grows, and the playbook after it."""

    def __init__(self, playbook: Playbook, delta: Delta) -> None:
        self.delta = delta
        self.playbook = playbook.apply(delta)

    def add(self, changes: Iterable[Change]) -> None:
        if more := tuple(changes):
            if not all(isinstance(change, Answers | Refined) for change in more):  # those change no bullet
                self.playbook = self.playbook.apply(replace(self.delta, changes=more))
            self.delta = replace(self.delta, changes=(*self.delta.changes, *more))


def _contests(growth: _Growth) -> Iterable[Change]:
    return tuple(contests(growth.playbook)) if any_linked(growth.playbook) else ()
