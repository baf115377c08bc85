"""How answers did that cited a bullet, and how those did that did not: what decides whether a bullet does harm.

A bullet is cited where it applies, and what it applies to may be hard: few right answers alone say nothing. So
answers that cited it are compared with the other answers of the same domain, seen so far. It *does worse* if, were citing without
effect, so few right ones among those that cited it would come by chance in at most :data:`CHANCE` of all cases: the one-sided exact
test of Fisher, over several domains (of a general bullet) the same with all of them added up. Three wrong answers beside
three right ones are not enough for that, three beside six are.

Verdicts alone count here. A wrong answer that the Reflector does not blame on the bullet counts as wrong, since nobody excuses
those that the comparison is with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, lgamma

from ace_cli.playbook.bullet import GENERAL
from ace_cli.playbook.delta import Add, Answers, Delta, Join

CHANCE = 0.025
"""Tested after each batch with a citation. Of bullets without any effect, cited by a fifth of 400 answers, 8 % are quarantined
at some point; one under which 60 % right become 30 %, in all cases, after 70 answers in the median (simulated)."""


@dataclass(slots=True)
class _Count:
    right: int = 0
    wrong: int = 0


class Outcomes:
    """Counts over a run's answers, from its deltas alone."""

    def __init__(self) -> None:
        self._answers: defaultdict[str, _Count] = defaultdict(_Count)
        self._cited: defaultdict[str, defaultdict[str, _Count]] = defaultdict(lambda: defaultdict(_Count))
        self._before: dict[str, int] = {}

    def add(self, delta: Delta) -> None:
        for change in delta.changes:
            if isinstance(change, Answers):
                domain = self._answers[change.domain]
                domain.right += change.right
                domain.wrong += change.wrong
                for bullet_id in change.cited_right:
                    self._cited[bullet_id][change.domain].right += 1
                for bullet_id in change.cited_wrong:
                    self._cited[bullet_id][change.domain].wrong += 1
        for change in delta.changes:
            match change:
                case Add(bullet):  # the batch's own answers did not see it
                    self._before[bullet.id] = self.answers(bullet.domain_id)
                case Join(bullet_id, into):
                    for domain_id, count in self._cited.pop(bullet_id, {}).items():
                        self._cited[into][domain_id].right += count.right
                        self._cited[into][domain_id].wrong += count.wrong
                case _:
                    pass

    def chances(self, bullet_id: str, domain: str) -> int:
        """Answers of this run that could have cited the bullet: those to examples that see its ``domain``, since it came."""
        return self.answers(domain) - self._before.get(bullet_id, 0)

    def citations(self, bullet_id: str) -> int:
        """Answers of this run that cited the bullet."""
        return sum(count.right + count.wrong for count in self._cited.get(bullet_id, {}).values())

    def answers(self, domain: str) -> int:
        """Answers to examples that see the bullets of a domain: all see the general ones."""
        counts: Iterable[_Count] = self._answers.values() if domain == GENERAL else [self._answers[domain]]
        return sum(count.right + count.wrong for count in counts)

    def does_worse(self, bullet_id: str) -> str:
        """In words, how much worse answers do that cite the bullet; empty where that is not shown."""
        tables = []
        for domain, cited in self._cited.get(bullet_id, {}).items():
            all_ = self._answers[domain]
            tables.append((cited.right, cited.wrong, all_.right - cited.right, all_.wrong - cited.wrong))
        if not tables or chance_of_so_few(tables) > CHANCE:  # with nothing to compare to, the chance is 1
            return ""
        right, wrong, right_without, wrong_without = (sum(column) for column in zip(*tables, strict=True))
        return (
            f"of {right + wrong} answers that cite it {right} are right, "
            f"of {right_without + wrong_without} others {right_without}"
        )


def chance_of_so_few(tables: Sequence[tuple[int, int, int, int]]) -> float:
    """The probability of as few right ones with the bullet, or fewer, if it had no effect.

    Args:
        tables: right and wrong with it, right and wrong without it; one a domain. Margins are taken as given, so that the
            number of right ones with it is hypergeometric in each, and their sum is what is looked at.
    """
    total = [1.0]
    for right, wrong, right_without, wrong_without in tables:
        drawn, rights, wrongs = right + wrong, right + right_without, wrong + wrong_without
        low = max(0, drawn - wrongs)
        chances = [0.0] * low + [
            exp(_log_choose(rights, n) + _log_choose(wrongs, drawn - n) - _log_choose(rights + wrongs, drawn))
            for n in range(low, min(drawn, rights) + 1)
        ]
        summed = [0.0] * (len(total) + len(chances) - 1)
        for i, one in enumerate(total):
            for j, other in enumerate(chances):
                summed[i + j] += one * other
        total = summed
    return sum(total[: sum(table[0] for table in tables) + 1])


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
