"""A playbook that may hold so many tokens: what goes when it holds more, and why.

First bullets that nobody cites, though they had their chance; then those of the lowest confidence. Among equals the one that was taught less
often goes, then the older one. What is retired is kept, set aside with its reason, and is recognised when it is learned again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ace_cli.playbook.bullet import Bullet
from ace_cli.playbook.delta import SetAside
from ace_cli.playbook.outcomes import Outcomes
from ace_cli.playbook.playbook import Playbook
from ace_cli.playbook.standing import RETIRED

CHANCE_ANSWERS = 20
"""Answers that could have cited a bullet, after which it had its chance."""


def retire(
    playbook: Playbook, outcomes: Outcomes, tokens: Callable[[Bullet], int], most: int
) -> Iterator[SetAside]:
    """Until at most ``most`` tokens are in use. ``tokens`` are those of a bullet's line in a prompt."""
    used = [bullet for bullet in playbook.bullets if not bullet.is_quarantined]
    total = sum(map(tokens, used))
    if total <= most:
        return
    uncited = {
        bullet.id: chances
        for bullet in used
        if not bullet.citations
        and (chances := outcomes.chances(bullet.id, bullet.domain_id)) >= CHANCE_ANSWERS
    }
    size = f"the playbook has {total:,} tokens and may have {most:,}"
    for bullet in sorted(used, key=lambda b: (b.id not in uncited, b.confidence, b.repeats)):
        if total <= most:
            return
        total -= tokens(bullet)
        why = (
            f"none of {uncited[bullet.id]} answers cites it"
            if bullet.id in uncited
            else f"with {bullet.confidence:.2f} its confidence is the lowest"
        )
        yield SetAside(bullet.id, RETIRED, f"{why}; {size}")
