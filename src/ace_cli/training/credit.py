"""What an answered example gives to the merge: its insights, and what it says of the bullets that it cites.

Evidence, not opinion: a right answer speaks for the bullets that it cites, a wrong one against them. The Reflector has one say: a bullet
that it calls neutral was not to blame for a wrong answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ace_cli.playbook import Credit, Playbook, Tag
from ace_cli.playbook.joining import survivor
from ace_cli.runs.records import Episode
from ace_cli.stages.base import BulletTag, MergeItem, Reflection


def merge_item(episode: Episode, playbook: Playbook, credit: Credit = Credit.OUTCOME) -> MergeItem | None:
    """What the Curator gets of an episode: the insights of the last reflection, and the votes. None of a failed one.

    The first try alone is counted: later ones have been told what was wrong with it. What is cited but not in ``playbook`` is left out; what
    was merged meanwhile is the bullet that stands for it.
    """
    reflections = [r.reflection for r in episode.rounds if r.reflection is not None]
    if episode.failed or not episode.rounds or not (reflections or credit is Credit.OUTCOME):
        return None
    tags = {tag.id: tag for reflection in reversed(reflections) for tag in reflection.bullet_tags}
    named = [i for i in dict.fromkeys(episode.rounds[0].attempt.bullet_ids) if i in playbook.by_id]
    cited = tuple(dict.fromkeys(survivor(playbook.by_id, i) for i in named))
    if credit is Credit.OUTCOME:
        votes: Sequence[BulletTag] = [BulletTag(i, _vote(episode.correct, tags.get(i))) for i in cited]
    else:
        votes = list(tags.values())
    last = reflections[-1] if reflections else Reflection()
    return MergeItem(
        episode.example_id, episode.domain, replace(last, bullet_tags=tuple(votes)), cited, episode.correct
    )


def _vote(correct: bool, said: BulletTag | None) -> Tag:
    if correct:
        return Tag.HELPFUL
    return Tag.NEUTRAL if said is not None and said.tag is Tag.NEUTRAL else Tag.HARMFUL
