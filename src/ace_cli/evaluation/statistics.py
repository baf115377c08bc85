"""Intervals, tests and power. The only importer of scipy, which is loaded when it is needed.

All intervals are at 95 %. Their method was chosen by experiment; `benchmarks/bench_coverage.py` has the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from ace_cli.evaluation.records import LEVEL, Estimate, McNemar

DISCORDANCE = 0.3
"""The share of rows where exactly one arm is right that is assumed before any call: nobody can know it then."""
POWER = 0.8

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mean:
    """``value`` is the plain mean; the interval stands around ``centre``, ``error`` is its standard error.

    ``df`` are the degrees of freedom; 0 where there is one cluster, from which no error can be told.
    """

    value: float
    centre: float
    error: float
    df: float

    def estimate(self, lowest: float = -1.0) -> Estimate:
        """With its interval, within ``lowest`` and 1."""
        if not self.df:
            return Estimate(self.value, lowest, 1.0)
        half = _t(self.df) * self.error
        low, high = max(self.centre - half, lowest), min(self.centre + half, 1.0)
        return Estimate(self.value, min(low, self.value), max(high, self.value))

    @property
    def detectable(self) -> float:
        """The smallest true difference that such data show in 80 % of evaluations; 1 where none would be."""
        return min(1.0, (_t(self.df) + _z(POWER)) * self.error) if self.df else 1.0


def mean(
    values: Sequence[float], clusters: Sequence[str | None] | None = None, *, careful: bool = True
) -> Mean:
    """The mean of ``values`` in [-1, 1], one an example, and how sure it is.

    The t distribution over independent rows, or over clusters of rows that share a source: cluster-robust with the
    correction and the degrees of freedom of Bell and McCaffrey (2002), of which the usual formula is the case of
    clusters of one size, and ``G - 1`` the degrees of freedom.

    Args:
        clusters: of each value; None, as a whole or for a value: it stands for itself.
        careful: add a made-up half of a cluster each way, as large as a cluster's total usually is, or a whole one where none
            went one of the two ways (after Agresti and Min 2005; Bonett and Price 2012). Without it, intervals at few rows and at
            rates near 0 and 1 are too short.

    Raises:
        ValueError: no values.
    """
    if not len(values):
        raise ValueError("no values")
    totals, sizes = _totals(np.asarray(values, float), clusters)
    rows, size = float(sizes.sum()), float(sizes.mean())
    value = float(totals.sum() / rows)
    if len(totals) < 2:
        return Mean(value, value, 0.0, 0.0)
    both_ways = (totals > 0).any() and (totals < 0).any()
    each = (0.5 if both_ways else 1.0) if careful else 0.0
    moved = totals[totals != 0]
    usual = sqrt(float((moved**2).mean())) if len(moved) else size
    weight = rows + 2 * each * size
    centre = float(totals.sum() / weight)
    made_up = each * ((usual - size * centre) ** 2 + (usual + size * centre) ** 2) / (1 - size / weight)
    squares = float((((totals - sizes * centre) ** 2) / (1 - sizes / weight)).sum()) + made_up
    return Mean(value, centre, sqrt(squares) / weight, _degrees(sizes))


def _totals(values: Floats, clusters: Sequence[str | None] | None) -> tuple[Floats, Floats]:
    """Sum and number of the values of each cluster."""
    if clusters is None:
        return values, np.ones(len(values))
    if len(clusters) != len(values):
        raise ValueError(f"{len(clusters)} clusters of {len(values)} values")
    places: dict[object, int] = {}
    keys = [at if cluster is None else cluster for at, cluster in enumerate(clusters)]
    index = np.array([places.setdefault(key, len(places)) for key in keys])
    return np.bincount(index, values).astype(np.float64), np.bincount(index).astype(np.float64)


def _degrees(sizes: Floats) -> float:
    """Satterthwaite's, for independent rows: with B = cov of the corrected residuals' totals, tr(B)^2 / tr(B^2)."""
    rows = sizes.sum()
    left = 1 / (1 - sizes / rows)
    # B[g, h] = sqrt(left[g] left[h]) (sizes[g] [g = h] - sizes[g] sizes[h] / rows), so B[g, g] = sizes[g]
    whole = (left * sizes**2).sum() ** 2 / rows**2
    own = (left**2 * sizes**4).sum() / rows**2
    return float(rows**2 / ((sizes**2).sum() + whole - own))


def mean_score(scores: Sequence[float], clusters: Sequence[str | None] | None, *, binomial: bool) -> Estimate:
    """The mean of ``scores`` in [0, 1], one an example: Wilson's interval if ``binomial``, else that of :func:`mean`."""
    if not binomial:
        inner = mean([2 * score - 1 for score in scores], clusters).estimate()
        return Estimate(float(np.mean(scores)), (inner.low + 1) / 2, (inner.high + 1) / 2)
    return wilson(round(sum(scores)), len(scores))


def wilson(right: int, rows: int) -> Estimate:
    """The share of ``right`` ones with Wilson's interval (Wilson 1927).

    As ``binomtest(...).proportion_ci(LEVEL, method="wilson")`` of scipy.stats, which takes a second to import.
    """
    share, z = right / rows, _z(0.5 + 0.5 * LEVEL)
    whole = 2 * (rows + z**2)
    centre = (2 * rows * share + z**2) / whole
    reach = z / whole * sqrt(4 * rows * share * (1 - share) + z**2)
    return Estimate(share, 0.0 if right == 0 else centre - reach, 1.0 if right == rows else centre + reach)


def mcnemar(differences: Sequence[float]) -> McNemar:
    """The exact test over examples that are better (1), worse (-1) or the same (0) with the playbook."""
    from scipy.stats import binomtest

    better, worse = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    p = binomtest(better, better + worse).pvalue if better + worse else 1.0
    return McNemar(better, worse, float(p))


def detectable(rows: int, *, repeats: int = 1, discordance: float = DISCORDANCE) -> float:
    """The smallest true gain that ``rows`` paired rows show in 80 % of evaluations; 1 where none would be.

    "Show" is what promotion asks for: the interval lies above 0.

    Args:
        discordance: the assumed share of rows where exactly one arm is right. A gain above it has at least itself as discordance.
        repeats: of each row. Half of the discordance is taken for chance, which repeats average out.
    """
    if rows < 2:
        return 1.0
    reach = (_t(rows - 1) + _z(POWER)) ** 2 / rows
    # (centre / error)^2 = (t + z)^2 with the variance of :func:`mean`: q - centre^2, half a row added each way
    q = (rows * discordance * (0.5 + 0.5 / repeats) + 1) / (rows + 1)
    gain = sqrt(reach * q / (1 + reach)) * (rows + 1) / rows
    return gain if gain <= discordance else max(discordance, _all_one_way(rows, reach))


def _all_one_way(rows: int, reach: float) -> float:
    """The gain that is shown when all rows that differ are better: fixed point of the formula above, a whole row each way."""
    gain = 1.0
    for _ in range(60):
        q = (rows * gain + 2) / (rows + 2)
        gain = min(1.0, sqrt(reach * q / (1 + reach)) * (rows + 2) / rows)
    return gain


def below_zero(value: float, error: float) -> float:
    """The probability of a normal variable of this mean and standard deviation not to be above 0."""
    from scipy.special import ndtr

    return float(ndtr(-value / error))


def _t(df: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(df, (1 + LEVEL) / 2))


def _z(probability: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(probability))
