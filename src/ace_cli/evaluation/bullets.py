"""Which bullets earn their place, as far as citations can tell.

For each bullet: the examples with an answer that cites it, and how the other arm did on the same ones. Three cautions:

* A citation is no cause. An easy question may be right with any bullet cited, and a bullet may help without being cited. The paired
  difference takes out how hard the examples are, not why the bullet was cited. To know, leave it out: ``--ablate``.
* A few citations say little. So every bullet starts from the difference over all examples, and moves away from it as its own
  citations speak (empirical Bayes: DerSimonian and Laird 1986 for how much bullets differ, a normal posterior for each).
* Rows of one source are treated as if they were independent, and so are bullets that are cited together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import sqrt

from ace_cli.evaluation.records import Arm, BulletEffect, Estimate, Trial
from ace_cli.evaluation.statistics import below_zero

_LEAST_SPREAD = 0.1
"""Bullets are never taken to differ less than by this (a standard deviation): a handful cannot show that they do not."""
_Z = 1.96


def bullet_effects(trials: Sequence[Trial], bullet_ids: Iterable[str] = ()) -> tuple[BulletEffect, ...]:
    """The effect of each bullet that answers of the playbook's arm cite, and of ``bullet_ids``; the most doubtful last.

    Args:
        trials: of both arms.
        bullet_ids: of bullets that were shown; those that nobody cites are reported with ``cited = 0``.
    """
    trials = sorted(trials, key=lambda trial: (trial.example_id, trial.repeat))
    base = _means((t.example_id, t.score) for t in trials if t.arm is Arm.BASE)
    with_playbook = _means((t.example_id, t.score) for t in trials if t.arm is Arm.PLAYBOOK)
    everywhere = [with_playbook[key] - base[key] for key in with_playbook if key in base]
    if not everywhere:
        return ()
    prior, variance = _mean_and_variance(everywhere)
    cites = defaultdict[str, list[tuple[str, float]]](list)
    for trial in trials:
        if trial.arm is Arm.PLAYBOOK and trial.example_id in base:
            for bullet_id in dict.fromkeys(trial.bullet_ids):
                cites[bullet_id].append((trial.example_id, trial.score))
    cited = {bullet_id: _means(rows) for bullet_id, rows in cites.items()}
    differences = {
        bullet_id: [score - base[key] for key, score in scores.items()] for bullet_id, scores in cited.items()
    }
    spread = _spread([differences[bullet_id] for bullet_id in sorted(differences)], variance)
    effects = []
    for bullet_id in sorted({*cited, *bullet_ids}):
        own = differences.get(bullet_id, [])
        rows = cited.get(bullet_id, {})
        weight = spread / (spread + variance / len(own)) if own else 0.0
        centre = weight * (sum(own) / len(own)) + (1 - weight) * prior if own else prior
        error = sqrt((1 - weight) * spread + (1 - weight) ** 2 * variance / len(everywhere))
        effects.append(
            BulletEffect(
                bullet_id=bullet_id,
                cited=len(own),
                base=sum(base[key] for key in rows) / len(own) if own else None,
                playbook=sum(rows.values()) / len(own) if own else None,
                difference=Estimate(centre, max(centre - _Z * error, -1.0), min(centre + _Z * error, 1.0)),
                doubt=below_zero(centre, error),
            )
        )
    return tuple(sorted(effects, key=_most_doubtful_first, reverse=True))


def most_doubtful(effects: Iterable[BulletEffect], count: int) -> tuple[str, ...]:
    """The ids to leave out for ``--ablate``: the ``count`` most doubtful, the worst first; ties: fewer citations, then the id."""
    return tuple(effect.bullet_id for effect in sorted(effects, key=_most_doubtful_first)[:count])


def _most_doubtful_first(effect: BulletEffect) -> tuple[float, int, str]:
    return -round(effect.doubt, 9), effect.cited, effect.bullet_id


def _means(rows: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The mean score of each example."""
    scores = defaultdict[str, list[float]](list)
    for key, score in rows:
        scores[key].append(score)
    return {key: sum(own) / len(own) for key, own in scores.items()}


def _mean_and_variance(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and the variance of one value, which is never 0: as if one more row had differed."""
    mean = sum(values) / len(values)
    return mean, (sum((value - mean) ** 2 for value in values) + 1) / len(values)


def _spread(differences: Iterable[Sequence[float]], variance: float) -> float:
    """The variance of true effects between bullets, after DerSimonian and Laird, at least ``_LEAST_SPREAD`` squared."""
    groups = [(sum(rows) / len(rows), len(rows) / variance) for rows in differences]
    total = sum(weight for _, weight in groups)
    slack = total - sum(weight**2 for _, weight in groups) / total if total else 0.0
    if slack <= 0:
        return _LEAST_SPREAD**2
    middle = sum(mean * weight for mean, weight in groups) / total
    excess = sum(weight * (mean - middle) ** 2 for mean, weight in groups) - (len(groups) - 1)
    return float(max(excess / slack, _LEAST_SPREAD**2))
