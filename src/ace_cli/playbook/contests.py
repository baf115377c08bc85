"""Bullets that contradict each other: at most one of them is used at a time, the one with more evidence.

Two lessons that say the opposite leave a model with neither, so they are never in one prompt. Which one is used is decided
after every merge, in this order:

1. verdicts, once one side leads by :data:`LEAD` answers that cite it: a bullet with that many more right answers than wrong ones
   comes before one without, and both before one with that many more wrong ones; of two such the one with the higher confidence;
2. how often it was taught;
3. the one that is used already, else the older.

So while evidence is even the first one stays, and is replaced when the other is taught more often or it fails itself. The other
one is kept in quarantine with a pointer, and comes back when the first one fails or is quarantined for another reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ace_cli.playbook.bullet import Bullet
from ace_cli.playbook.delta import Change, Link, SetAside, TakeBack
from ace_cli.playbook.playbook import Playbook
from ace_cli.playbook.standing import CONTRADICTED, CONTRADICTS, contradicted_by, note_of

LEAD = 2
"""One answer alone decides nothing."""


def contests(playbook: Playbook) -> Iterator[Change]:
    """What is to change so that no two bullets in use contradict each other, and the better of them is used."""
    linked = [bullet for bullet in playbook.bullets if CONTRADICTS in bullet.extra and _takes_part(bullet)]
    order = {bullet.id: number for number, bullet in enumerate(linked)}
    used: dict[str, Bullet] = {}
    for bullet in sorted(linked, key=lambda b: (*_strength(b), order[b.id])):
        rivals = [used[i] for i in contradicted_by(bullet) if i in used]
        if rivals:
            if not bullet.is_quarantined:
                yield SetAside(bullet.id, CONTRADICTED, _why(bullet, rivals[0]), rivals[0].id)
            continue
        used[bullet.id] = bullet
        if bullet.is_quarantined and (note := note_of(bullet)) is not None:
            rival = playbook.by_id.get(note.bullet)
            why = "nothing in use contradicts it any more" if rival is None else _won(bullet, rival)
            yield TakeBack(bullet.id, why, note.bullet)


def any_linked(playbook: Playbook, changes: Iterable[Change] = ()) -> bool:
    """Whether any bullets contradict each other, after ``changes`` or before: else there is nothing to decide."""
    return any(isinstance(change, Link) for change in changes) or any(
        CONTRADICTS in bullet.extra for bullet in playbook.bullets
    )


def _takes_part(bullet: Bullet) -> bool:
    """Whether it is in use, or could be if it were not contradicted."""
    note = note_of(bullet)
    return not bullet.is_quarantined or (note is not None and note.cause == CONTRADICTED)


def _lead(bullet: Bullet) -> int:
    """What verdicts say of it: 1 for it, -1 against it, 0 not enough."""
    ahead = bullet.helpful_count - bullet.harmful_count
    return (ahead >= LEAD) - (ahead <= -LEAD)


def _strength(bullet: Bullet) -> tuple[int, float, int, bool]:
    """Smaller is stronger."""
    lead = _lead(bullet)
    return -lead, -bullet.confidence if lead else 0.0, -_taught(bullet), bullet.is_quarantined


def _taught(bullet: Bullet) -> int:
    return 1 + bullet.repeats


def _why(loser: Bullet, winner: Bullet) -> str:
    """``contradicts B007, which was taught 3 times (this one 1)``."""
    if _strength(loser)[:2] != _strength(winner)[:2]:
        return f"contradicts {winner.id}, which has {_record(winner)} (this one {_record(loser)})"
    if _taught(loser) != _taught(winner):
        return f"contradicts {winner.id}, which was taught {_times(winner)} (this one {_times(loser)})"
    return f"contradicts {winner.id}, which was there first"


def _won(bullet: Bullet, rival: Bullet) -> str:
    if not _takes_part(rival):
        return f"{rival.id}, which contradicts it, is quarantined itself"
    return (
        _why(rival, bullet).replace(f"contradicts {bullet.id}, which", "it", 1).replace("this one", rival.id)
    )


def _record(bullet: Bullet) -> str:
    return f"{bullet.helpful_count} right and {bullet.harmful_count} wrong answers"


def _times(bullet: Bullet) -> str:
    return "once" if bullet.repeats == 0 else f"{_taught(bullet)} times"
