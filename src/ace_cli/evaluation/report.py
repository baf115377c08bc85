"""From trials to an :class:`EvalReport`: the one way in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum

from ace_cli.evaluation.bullets import bullet_effects
from ace_cli.evaluation.records import (
    Added,
    Arm,
    ArmSummary,
    Changed,
    DomainRow,
    EvalReport,
    Outcome,
    Trial,
)
from ace_cli.evaluation.statistics import Mean, mcnemar, mean, mean_score
from ace_cli.evaluation.verdict import conclude

_FEW_CLUSTERS = 10


def report(
    trials: Sequence[Trial],
    *,
    min_gain: float = 0.0,
    base_name: str = "no playbook",
    playbook_name: str = "playbook",
    bullet_ids: Iterable[str] = (),
) -> EvalReport:
    """What the trials of both arms say. The order of ``trials`` does not matter, and nothing is drawn at random.

    Args:
        trials: every example in both arms, with the same number of repeats everywhere.
        min_gain: the gain that is asked for, as a fraction (0.05: five points).
        bullet_ids: of the bullets that were shown, so that those which nobody cites are reported too.

    Raises:
        ValueError: the arms are not paired: an example is missing in one, or has another number of repeats there.
    """
    pairs = _paired(trials)
    repeats = len(pairs[0].base)
    clusters = [pair.cluster for pair in pairs] if any(pair.cluster is not None for pair in pairs) else None
    differences = [pair.difference for pair in pairs]
    whole = all(trial.score in (0, 1) for trial in trials)
    single = repeats == 1 and whole and clusters is None
    spread = mean(differences, clusters)
    difference, groups = spread.estimate(), None if clusters is None else _count(clusters)
    conclusion = conclude(difference, examples=len(pairs), detectable=spread.detectable, min_gain=min_gain)
    changed = [_changed(pair) for pair in pairs if pair.difference]
    base = [trial for pair in pairs for trial in pair.base]
    playbook = [trial for pair in pairs for trial in pair.playbook]
    return EvalReport(
        base_name=base_name,
        playbook_name=playbook_name,
        examples=len(pairs),
        repeats=repeats,
        clusters=groups,
        base=summarise(base),
        playbook=summarise(playbook),
        difference=difference,
        method=_method(repeats, groups),
        mcnemar=mcnemar(differences) if single else None,
        detectable=spread.detectable,
        min_gain=min_gain,
        conclusion=conclusion,
        domains=_domains(pairs),
        better=tuple(sorted((c for c in changed if _gain(c) > 0), key=lambda c: (-_gain(c), c.example_id))),
        worse=tuple(sorted((c for c in changed if _gain(c) < 0), key=lambda c: (_gain(c), c.example_id))),
        added=_added(base, playbook),
        bullets=bullet_effects(trials, bullet_ids),
        notes=tuple(_notes(base, playbook, groups, spread, conclusion.outcome)),
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    """An example's trials in both arms, by repeat."""

    base: tuple[Trial, ...]
    playbook: tuple[Trial, ...]

    @property
    def first(self) -> Trial:
        return self.base[0]

    @property
    def cluster(self) -> str | None:
        return self.first.cluster

    @property
    def difference(self) -> float:
        return _score(self.playbook) - _score(self.base)


def _paired(trials: Sequence[Trial]) -> list[_Pair]:
    """The examples in the order of their ids.

    Raises:
        ValueError: see :func:`report`.
    """
    if not trials:
        raise ValueError("no trials")
    by_example = defaultdict[str, dict[Arm, dict[int, Trial]]](lambda: {arm: {} for arm in Arm})
    for trial in trials:
        repeats = by_example[trial.example_id][trial.arm]
        if trial.repeat in repeats:
            raise ValueError(f"example {trial.example_id!r} has repeat {trial.repeat} twice in one arm")
        repeats[trial.repeat] = trial
    wanted = {trial.repeat for trial in trials}
    pairs = []
    for example_id in sorted(by_example):
        for arm, repeats in by_example[example_id].items():
            if repeats.keys() != wanted:
                raise ValueError(
                    f"the arms are not paired: example {example_id!r} has {len(repeats)} of {len(wanted)} repeats in arm {arm}"
                )
        base, playbook = (
            tuple(by_example[example_id][arm][number] for number in sorted(wanted)) for arm in Arm
        )
        pairs.append(_Pair(base, playbook))
    return pairs


def summarise(trials: Sequence[Trial]) -> ArmSummary:
    """One arm. The accuracy is Wilson's with one trial an example, else of the examples' means."""
    scores, clusters = defaultdict[str, list[float]](list), dict[str, str | None]()
    for trial in trials:
        scores[trial.example_id].append(trial.score)
        clusters[trial.example_id] = trial.cluster
    means = [sum(scores[key]) / len(scores[key]) for key in sorted(scores)]
    groups = [clusters[key] for key in sorted(scores)]
    grouped = any(group is not None for group in groups)
    single = len(means) == len(trials) and all(score in (0, 1) for score in means) and not grouped
    costs = [trial.cost_usd for trial in trials]
    return ArmSummary(
        accuracy=mean_score(means, groups if grouped else None, binomial=single),
        trials=len(trials),
        right=sum(trial.score == 1 for trial in trials),
        failed=sum(trial.failed for trial in trials),
        prompt_tokens=sum(trial.prompt_tokens for trial in trials),
        completion_tokens=sum(trial.completion_tokens for trial in trials),
        cost_usd=None if None in costs else fsum(cost for cost in costs if cost is not None),
        seconds=fsum(trial.seconds for trial in trials),
    )


def _domains(pairs: Sequence[_Pair]) -> tuple[DomainRow, ...]:
    by_domain = defaultdict[str, list[_Pair]](list)
    for pair in pairs:
        by_domain[pair.first.domain].append(pair)
    return tuple(
        DomainRow(
            domain=domain,
            examples=len(rows),
            base=sum(_score(row.base) for row in rows) / len(rows),
            playbook=sum(_score(row.playbook) for row in rows) / len(rows),
            difference=mean([row.difference for row in rows], [row.cluster for row in rows]).estimate(),
        )
        for domain, rows in sorted(by_domain.items())
    )


def _changed(pair: _Pair) -> Changed:
    both = zip(pair.base, pair.playbook, strict=True)
    up = pair.difference > 0
    base, playbook = next((b, p) for b, p in both if (p.score > b.score if up else p.score < b.score))
    return Changed(
        example_id=pair.first.example_id,
        domain=pair.first.domain,
        truth=pair.first.truth,
        base_answer=base.answer,
        playbook_answer=playbook.answer,
        base_score=_score(pair.base),
        playbook_score=_score(pair.playbook),
    )


def _gain(changed: Changed) -> float:
    return changed.playbook_score - changed.base_score


def _score(trials: Sequence[Trial]) -> float:
    return sum(trial.score for trial in trials) / len(trials)


def _added(base: Sequence[Trial], playbook: Sequence[Trial]) -> Added:
    before, after, answers = summarise(base), summarise(playbook), len(base)
    priced = before.cost_usd is not None and after.cost_usd is not None
    return Added(
        prompt_tokens=(after.prompt_tokens - before.prompt_tokens) / answers,
        completion_tokens=(after.completion_tokens - before.completion_tokens) / answers,
        cost_usd=((after.cost_usd or 0.0) - (before.cost_usd or 0.0)) / answers if priced else None,
        seconds=(after.seconds - before.seconds) / answers,
    )


def _count(clusters: Sequence[str | None]) -> int:
    return len({cluster for cluster in clusters if cluster is not None}) + clusters.count(None)


def _method(repeats: int, clusters: int | None) -> str:
    averaged = f" of means over {repeats} repeats" if repeats > 1 else ""
    grouped = f", standard error by {clusters:,} clusters" if clusters is not None else ""
    return f"paired differences{averaged}, t distribution, half a row added each way{grouped}"


def _notes(
    base: Sequence[Trial], playbook: Sequence[Trial], clusters: int | None, spread: Mean, outcome: Outcome
) -> Iterable[str]:
    lost = [sum(trial.failed for trial in arm) for arm in (base, playbook)]
    if any(lost):
        yield f"failed calls count as wrong: {lost[0]:,} without, {lost[1]:,} with the playbook"
    if abs(lost[1] - lost[0]) / len(base) > abs(spread.value) / 2 and outcome in (
        Outcome.HELPS,
        Outcome.HARMS,
    ):
        yield "half or more of the difference comes from failed calls: see to them and evaluate again"
    if not spread.df:
        yield "all rows share one source: no interval can be told"
    elif clusters is not None and clusters < _FEW_CLUSTERS:
        yield f"{clusters} clusters are few: the interval is wide, and as good as it gets"
