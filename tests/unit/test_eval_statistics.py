"""The statistics of an evaluation: against scipy and statsmodels, and by simulations whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.proportion import proportion_confint

from ace_cli.evaluation.records import Estimate
from ace_cli.evaluation.statistics import detectable, mcnemar, mean, mean_score
from support.evaluations import (
    Population,
    Simulated,
    coverage,
    exact_coverage,
    outcomes,
    row_values,
    simulate,
)


@cache
def intervals(rows: int) -> tuple[Estimate, ...]:
    return tuple(mean(row_values(rows, *outcome)).estimate() for outcome in outcomes(rows))


@pytest.mark.parametrize(("right", "rows"), [(0, 5), (1, 20), (26, 60), (199, 200), (30, 30)])
def test_the_accuracy_of_right_and_wrong_rows_is_wilsons(right: int, rows: int) -> None:
    found = mean_score([1.0] * right + [0.0] * (rows - right), None, binomial=True)
    low, high = proportion_confint(right, rows, alpha=0.05, method="wilson")
    assert (found.value, found.low, found.high) == pytest.approx((right / rows, low, high), abs=1e-12)


@pytest.mark.parametrize(("better", "worse"), [(0, 0), (5, 0), (9, 3), (40, 41)])
def test_mcnemar_is_the_exact_test(better: int, worse: int) -> None:
    found = mcnemar(row_values(100, better, worse))
    expected = statsmodels_mcnemar([[0, better], [worse, 0]], exact=True).pvalue if better + worse else 1.0
    assert (found.better, found.worse) == (better, worse)
    assert found.p == pytest.approx(expected)


def test_without_the_made_up_rows_it_is_the_paired_t_interval() -> None:
    rng = np.random.default_rng(1)
    base, playbook = rng.random(25), rng.random(25)
    expected = stats.ttest_rel(playbook, base).confidence_interval(0.95)
    found = mean((playbook - base).tolist(), careful=False).estimate()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_clusters_of_one_size_give_the_usual_clustered_error() -> None:
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(12), 5)
    values = rng.normal(0, 0.2, 60) + rng.normal(0, 0.2, 12)[groups]
    fitted = OLS(values, np.ones(60)).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    found = mean(values.tolist(), [str(group) for group in groups], careful=False)
    assert found.df == pytest.approx(11)
    assert (found.value, found.error) == pytest.approx((fitted.params[0], fitted.bse[0]))
    low, high = fitted.conf_int()[0]
    assert (found.estimate().low, found.estimate().high) == pytest.approx((low, high))


def test_clusters_of_many_sizes_give_bell_and_mccaffreys_error_and_degrees_of_freedom() -> None:
    """Written out with matrices, as in the paper."""
    rng = np.random.default_rng(3)
    sizes = [1, 2, 3, 5, 9]
    groups = np.repeat(np.arange(5), sizes)
    values = rng.normal(0, 0.3, 20)
    hat = np.full((20, 20), 1 / 20)
    residuals = values - values.mean()
    variance, directions = 0.0, []
    for group in range(5):
        at = np.flatnonzero(groups == group)
        eigenvalues, vectors = np.linalg.eigh(np.eye(len(at)) - hat[np.ix_(at, at)])
        adjusted = np.ones(len(at)) @ (vectors / np.sqrt(eigenvalues)) @ vectors.T / 20
        variance += float(adjusted @ residuals[at]) ** 2
        directions.append(adjusted @ (np.eye(20) - hat)[at])
    products = np.array(directions) @ np.array(directions).T
    found = mean(values.tolist(), [str(group) for group in groups], careful=False)
    assert found.error == pytest.approx(np.sqrt(variance))
    assert found.df == pytest.approx(np.trace(products) ** 2 / (products**2).sum())


def test_a_row_without_a_cluster_stands_for_itself() -> None:
    values = [0.5, -0.5, 1.0, 0.0, 0.25]
    assert mean(values, [None] * 5) == mean(values) == mean(values, list("abcde"))


def test_rows_of_one_source_say_nothing_of_how_sure_it_is() -> None:
    assert mean([1.0, 1.0, 0.5, 0.5], ["a"] * 4).estimate() == Estimate(0.75, -1.0, 1.0)
    assert mean([1.0]).estimate() == Estimate(1.0, -1.0, 1.0)


# What the intervals promise. Right-or-wrong rows are counted out, so there is no chance in the figures.


@pytest.mark.parametrize("rows", [20, 30, 60, 100])
@pytest.mark.parametrize("differ", [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9])
def test_a_useless_playbook_is_promoted_in_at_most_one_evaluation_of_forty(rows: int, differ: float) -> None:
    covered, promoted = exact_coverage(intervals(rows), rows, differ / 2, differ / 2)
    assert round(promoted, 3) <= 0.025
    assert covered >= 0.949


@pytest.mark.parametrize("rows", [40, 60, 100])
@pytest.mark.parametrize(
    ("better", "worse"), [(0.2, 0.1), (0.25, 0.15), (0.3, 0.1), (0.3, 0.05), (0.4, 0.2), (0.15, 0.25)]
)
def test_intervals_of_paired_rows_hold_the_truth_in_93_to_97_percent(
    rows: int, better: float, worse: float
) -> None:
    assert 0.93 <= exact_coverage(intervals(rows), rows, better, worse)[0] <= 0.97


@pytest.mark.parametrize("rows", [20, 30, 60, 100])
@pytest.mark.parametrize(
    ("better", "worse"),
    [(0.01, 0.0), (0.05, 0.0), (0.1, 0.0), (0.3, 0.0), (0.9, 0.0), (0.97, 0.0), (0.5, 0.02), (0.9, 0.02)],
)
def test_at_extreme_rates_they_are_rather_too_wide(rows: int, better: float, worse: float) -> None:
    assert exact_coverage(intervals(rows), rows, better, worse)[0] >= 0.93


UNEVEN = [1, 1, 2, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 12, 15]
DESIGNS = {
    "paired": ([1] * 60, 1, 0.0),
    "three repeats": ([1] * 40, 3, 0.0),
    "ten repeats": ([1] * 20, 10, 0.0),
    "clusters": ([4] * 20, 1, 0.6),
    "uneven clusters": (UNEVEN, 1, 0.6),
    "clusters and repeats": ([4] * 20, 3, 0.6),
}
POPULATIONS = {
    "useless": Population(),
    "helps": Population(level=-0.5, effect=1.2, variety=0.5),
    "helps some, harms others": Population(effect=0.3, variety=2.0),
}


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("population", POPULATIONS)
def test_intervals_hold_the_truth_in_93_to_97_percent_of_simulated_evaluations(
    design: str, population: str
) -> None:
    assert 0.93 <= coverage(_simulated(design, POPULATIONS[population]))[0] <= 0.97


def test_a_useless_playbook_is_promoted_in_at_most_one_evaluation_of_forty_whatever_the_design() -> None:
    promoted = [coverage(_simulated(design, Population(), seed=11))[1] for design in DESIGNS]
    assert max(promoted) <= 0.025 + 2 * (0.025 * 0.975 / 2000) ** 0.5, "each is of 2,000"
    assert np.mean(promoted) <= 0.025


def _simulated(design: str, population: Population, seed: int = 8) -> Simulated:
    sizes, repeats, shared = DESIGNS[design]
    return simulate(replace(population, shared=shared), sizes=sizes, repeats=repeats, seed=seed)


def test_rows_that_share_a_source_are_no_independent_rows() -> None:
    """The reason for ``--cluster``: without it, the interval is far too short."""
    made = simulate(Population(effect=0.3, variety=2.0, shared=1.0), sizes=[6] * 15, seed=4)
    alone = coverage(made)[0], coverage(type(made)(made.differences, None, made.truth))[0]
    assert alone[0] >= 0.93 > 0.85 > alone[1]


@pytest.mark.parametrize(("rows", "differ"), [(30, 0.4), (60, 0.3), (100, 0.3), (200, 0.2), (500, 0.5)])
def test_the_detectable_gain_shows_in_four_evaluations_of_five(rows: int, differ: float) -> None:
    gain = detectable(rows, discordance=differ)
    assert 0 < gain <= differ
    rng = np.random.default_rng(5)
    chances = [(differ + gain) / 2, (differ - gain) / 2, 1 - differ]
    counts = rng.multinomial(rows, chances, size=1000)
    shown = [mean(row_values(rows, better, worse)).estimate().low > 0 for better, worse, _ in counts]
    assert 0.76 <= np.mean(shown) <= 0.88


def test_more_rows_and_repeats_show_smaller_gains_and_few_rows_show_none() -> None:
    gains = [detectable(rows) for rows in (2, 5, 10, 20, 50, 100, 200, 1000)]
    assert gains[:2] == [1.0, 1.0]
    assert gains == sorted(gains, reverse=True)
    assert detectable(60, repeats=4) < detectable(60)
