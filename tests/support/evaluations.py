"""Evaluations made up at random, of which the truth is known. Seeded; one row of an array is one evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ace_cli.evaluation.records import Arm, Estimate, Trial
from ace_cli.evaluation.statistics import mean

Floats = NDArray[np.float64]
Method = Callable[[Sequence[float], Sequence[str | None] | None], Estimate]


@dataclass(frozen=True, slots=True)
class Population:
    """Where examples come from, on the scale of log odds.

    Attributes:
        level, spread: mean and standard deviation of how easy an example is without the playbook.
        effect, variety: mean and standard deviation of what the playbook adds.
        shared: how much of both the examples of a cluster share, as a share of the variance.
    """

    level: float = 0.0
    spread: float = 1.5
    effect: float = 0.0
    variety: float = 0.0
    shared: float = 0.0


@dataclass(frozen=True, slots=True)
class Simulated:
    differences: Floats
    clusters: list[str | None] | None
    truth: float


def simulate(
    population: Population, *, sizes: Sequence[int], repeats: int = 1, times: int = 2000, seed: int = 0
) -> Simulated:
    """``times`` evaluations; ``sizes`` are the numbers of rows of the clusters (``[1] * n``: no clusters)."""
    rng = np.random.default_rng(seed)
    index = np.repeat(np.arange(len(sizes)), sizes)

    def draw(mean: float, deviation: float, times: int, index: NDArray[np.int64]) -> Floats:
        together = rng.normal(0, 1, (times, index.max() + 1))[:, index] * np.sqrt(population.shared)
        alone = rng.normal(0, 1, (times, len(index))) * np.sqrt(1 - population.shared)
        return np.asarray(mean + deviation * (together + alone))

    def chances(times: int, index: NDArray[np.int64]) -> tuple[Floats, Floats]:
        easy = draw(population.level, population.spread, times, index)
        helped = easy + draw(population.effect, population.variety, times, index)
        return 1 / (1 + np.exp(-easy)), 1 / (1 + np.exp(-helped))

    without, with_playbook = chances(times, index)
    right = rng.binomial(repeats, with_playbook).astype(float) - rng.binomial(repeats, without)
    before, after = chances(1, np.arange(400_000))
    is_null = not population.effect and not population.variety
    clusters: list[str | None] | None = None if max(sizes) == 1 else [f"source {at}" for at in index]
    return Simulated(right / repeats, clusters, 0.0 if is_null else float((after - before).mean()))


def ours(differences: Sequence[float], clusters: Sequence[str | None] | None) -> Estimate:
    return mean(differences, clusters).estimate()


def coverage(simulated: Simulated, method: Method = ours) -> tuple[float, float]:
    """The share of evaluations whose interval holds the truth, and of those whose interval lies above 0."""
    found = [method(row, simulated.clusters) for row in simulated.differences.tolist()]
    holds = [estimate.low <= simulated.truth <= estimate.high for estimate in found]
    return float(np.mean(holds)), float(np.mean([estimate.low > 0 for estimate in found]))


def outcomes(rows: int) -> Iterator[tuple[int, int]]:
    """All that paired right-or-wrong rows can give: how many are better, how many worse."""
    return ((better, worse) for better in range(rows + 1) for worse in range(rows + 1 - better))


def exact_coverage(
    intervals: Sequence[Estimate], rows: int, better: float, worse: float
) -> tuple[float, float]:
    """As :func:`coverage`, without chance: ``intervals`` of :func:`outcomes`, weighted by how likely each is.

    Args:
        better, worse: the probabilities of a row to be one.
    """
    from scipy.stats import multinomial

    counts = [(b, w, rows - b - w) for b, w in outcomes(rows)]
    same = max(0.0, 1 - better - worse)
    likely = multinomial.pmf(counts, rows, [better, worse, same])
    truth, slack = better - worse, 1e-12
    holds = [interval.low - slack <= truth <= interval.high + slack for interval in intervals]
    above = [interval.low > slack for interval in intervals]
    return float(likely @ np.array(holds)), float(likely @ np.array(above))


def row_values(rows: int, better: int, worse: int) -> list[float]:
    return [1.0] * better + [-1.0] * worse + [0.0] * (rows - better - worse)


def trials(
    scores: Sequence[tuple[float, float]], *, clusters: Sequence[str | None] | None = None, repeat: int = 0
) -> list[Trial]:
    """Trials of examples ``e0``, ``e1`` ... with these scores without and with a playbook."""
    made = []
    for at, pair in enumerate(scores):
        for arm, score in zip(Arm, pair, strict=True):
            cluster = clusters[at] if clusters else None
            made.append(Trial(example_id=f"e{at}", arm=arm, score=score, cluster=cluster, repeat=repeat))
    return made
