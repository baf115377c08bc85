"""What becomes of bullets that are in the playbook: decided after each merge, recorded in its delta."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ace_cli.playbook import Answers, Change, Credit, Delta, Drop, Playbook, SetAside
from ace_cli.playbook.contests import any_linked, contests
from ace_cli.playbook.outcomes import Outcomes
from ace_cli.playbook.standing import FAILING
from ace_cli.settings import TrainingSettings
from ace_cli.stages.base import MergeItem


class Upkeep:
    """Keeps count over a run, and adds to each delta what the counts say. The same merges give the same decisions."""

    def __init__(self, settings: TrainingSettings) -> None:
        self._settings = settings
        self._credit = Credit(settings.credit)
        self._outcomes = Outcomes()

    def seen(self, delta: Delta) -> None:
        """A merge of an earlier session; in order, before :meth:`after` is called."""
        self._outcomes.add(delta)

    def after(
        self, playbook: Playbook, delta: Delta, items: Sequence[MergeItem], drops: Sequence[Drop] = ()
    ) -> Delta:
        """The curator's ``delta`` of ``items`` to ``playbook``, with what follows from it, and what was kept from the curator."""
        delta = _with(delta, drops)
        if self._credit is Credit.OPINION:  # a run of before there was any other
            return replace(delta, credit=Credit.OPINION)
        answers = tuple(answers_of(items))
        self._outcomes.add(Delta(delta.at, answers))
        delta = _with(delta, answers)
        grown = playbook.apply(delta)
        delta = _with(delta, self._failing(grown, items))
        return _with(delta, contests(playbook.apply(delta))) if any_linked(grown) else delta

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


def _with(delta: Delta, changes: Sequence[Change] | Iterator[Change]) -> Delta:
    return replace(delta, changes=(*delta.changes, *changes))
