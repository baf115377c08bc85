"""Do the intervals of an evaluation hold what they promise, and how often is a useless playbook promoted? By method.

    python -m benchmarks.bench_coverage [--times 2000]

Rows that are right or wrong, answered once, are counted out: every outcome that they can have, weighted by how likely
it is, so those figures have no chance in them. With repeats and clusters, ``--times`` evaluations are simulated, seeded.
"Promoted" is the share of evaluations of a playbook without any effect whose interval lies above 0.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from math import sqrt

import numpy as np
from scipy.optimize import brentq
from scipy.stats import multinomial, norm, t

from ace_cli.evaluation.records import Estimate
from ace_cli.evaluation.statistics import mean

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Paired = Callable[[int, int, int], tuple[float, float]]
Z = float(norm.ppf(0.975))


def adjusted(each: float, *, use_t: bool) -> Paired:
    """Wald's interval with ``each`` rows added to the better and to the worse ones: 0 is the paired t or z interval,
    0.5 after Agresti and Min (2005), 1 after Bonett and Price (2012)."""

    def interval(rows: int, better: int, worse: int) -> tuple[float, float]:
        weight = rows + 2 * each
        centre = (better - worse) / weight
        variance = ((better + worse + 2 * each) / weight - centre**2) / (weight - 1 if use_t else weight)
        half = (float(t.ppf(0.975, rows - 1)) if use_t else Z) * sqrt(max(variance, 0.0))
        return centre - half, centre + half

    return interval


def tango(rows: int, better: int, worse: int) -> tuple[float, float]:
    """The score interval of Tango (1998)."""

    def score(difference: float) -> float:
        b = -better - worse + (2 * rows - better + worse) * difference
        c = -worse * difference * (1 - difference)
        q = (sqrt(max(b * b - 8 * rows * c, 0.0)) - b) / (4 * rows)
        variance = rows * (2 * q + difference * (1 - difference))
        away = better - worse - rows * difference
        return 0.0 if abs(away) < 1e-12 else away / sqrt(max(variance, 1e-300))

    seen, edge = (better - worse) / rows, 1 - 1e-9
    low = float(brentq(lambda d: score(d) - Z, -edge, seen)) if score(-edge) > Z else -1.0
    high = float(brentq(lambda d: score(d) + Z, seen, edge)) if score(edge) < -Z else 1.0
    return low, high


def ours(rows: int, better: int, worse: int) -> tuple[float, float]:
    found = mean([1.0] * better + [-1.0] * worse + [0.0] * (rows - better - worse)).estimate()
    return found.low, found.high


METHODS: dict[str, Paired] = {
    "paired t": adjusted(0, use_t=True),
    "Agresti-Min, t": adjusted(0.5, use_t=True),
    "Bonett-Price, z": adjusted(1, use_t=False),
    "Bonett-Price, t": adjusted(1, use_t=True),
    "Tango": tango,
    "ours": ours,
}
DIFFER = (0.04, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 0.9)
"""Shares of rows where exactly one arm is right, and below, how many of these are better with the playbook."""
BETTER = (0.5, 0.65, 0.8, 0.95, 1.0)


def paired_table(sizes: Sequence[int]) -> None:
    print(
        f"Rows answered once: {len(DIFFER) * len(BETTER)} populations for each number of rows; % of evaluations\n"
    )
    print("                  | all populations            | 20-60 % differ, not all    | useless playbook")
    print("method       rows | mean  least  most  in 93-97 | mean  least  most  in 93-97 | promoted, at most")
    for name, method in METHODS.items():
        for rows in sizes:
            outcomes = [(b, w) for b in range(rows + 1) for w in range(rows + 1 - b)]
            found = np.array([method(rows, *outcome) for outcome in outcomes])
            every, usual, promoted = [], [], []
            for differ in DIFFER:
                for share in BETTER:
                    better, worse = differ * share, differ * (1 - share)
                    held, above = _weighed(found, outcomes, rows, better, worse)
                    every.append(held)
                    if 0.2 <= differ <= 0.6 and share < 1:
                        usual.append(held)
                    if share == 0.5:
                        promoted.append(above)
            print(
                f"{name:16} {rows:3} | {_line(every)}      | {_line(usual)}      | {100 * max(promoted):5.2f}"
            )


def _weighed(
    found: Floats, outcomes: Sequence[tuple[int, int]], rows: int, better: float, worse: float
) -> tuple[float, float]:
    counts = [(b, w, rows - b - w) for b, w in outcomes]
    likely = multinomial.pmf(counts, rows, [better, worse, max(0.0, 1 - better - worse)])
    truth, slack = better - worse, 1e-9
    held = (found[:, 0] - slack <= truth) & (truth <= found[:, 1] + slack)
    return float(likely @ held), float(likely @ (found[:, 0] > slack))


def _line(shares: Sequence[float]) -> str:
    inside = np.mean([0.93 <= share <= 0.97 for share in shares])
    return f"{100 * np.mean(shares):4.1f}  {100 * min(shares):5.1f} {100 * max(shares):5.1f}  {100 * inside:5.0f}"


UNEVEN = [1, 1, 2, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 12, 15]
DESIGNS: dict[str, tuple[list[int], int]] = {
    "60 rows": ([1] * 60, 1),
    "20 rows, 3 repeats": ([1] * 20, 3),
    "40 rows, 3 repeats": ([1] * 40, 3),
    "20 rows, 10 repeats": ([1] * 20, 10),
    "8 clusters of 5": ([5] * 8, 1),
    "20 clusters of 4": ([4] * 20, 1),
    "15 clusters of 1 to 15": (UNEVEN, 1),
    "20 clusters, 3 repeats": ([4] * 20, 3),
}
POPULATIONS = {"useless": (0.0, 1.5, 0.0, 0.0), "helps": (-0.5, 1.5, 1.2, 0.5), "mixed": (0.0, 1.5, 0.3, 2.0),
               "hard": (-3.0, 1.5, 1.0, 1.0), "solved": (-3.0, 1.0, 6.0, 1.0)}  # fmt: skip
"""Mean and deviation, in log odds, of how easy examples are and of what the playbook adds."""


def simulated_table(times: int) -> None:
    print(
        f"\nSimulated, {times:,} evaluations each; % whose interval holds the truth (useless: and % promoted)\n"
    )
    print(f"{'design':24}{'':14}" + "".join(f"{name:>14}" for name in POPULATIONS))
    for design, (sizes, repeats) in DESIGNS.items():
        clusters = None if max(sizes) == 1 else [str(at) for at in np.repeat(np.arange(len(sizes)), sizes)]
        for name, careful in (("plain t", False), ("ours", True)):
            cells = []
            for population, numbers in POPULATIONS.items():
                values, truth = simulated(numbers, sizes, repeats, times)
                found = [mean(row, clusters, careful=careful).estimate() for row in values.tolist()]
                held = 100 * np.mean([one.low <= truth <= one.high for one in found])
                cells.append(f"{held:.1f}{_promoted(found) if population == 'useless' else ''}")
            print(f"{design:24}{name:14}" + "".join(f"{cell:>14}" for cell in cells))


def _promoted(found: Sequence[Estimate]) -> str:
    return f" ({100 * np.mean([one.low > 0 for one in found]):.1f})"


def simulated(
    numbers: tuple[float, float, float, float], sizes: Sequence[int], repeats: int, times: int
) -> tuple[Floats, float]:
    """Differences of ``times`` evaluations, one a row, and the true mean; rows of a cluster share six tenths of the variance."""
    level, spread, effect, variety = numbers
    rng = np.random.default_rng(8)
    index = np.repeat(np.arange(len(sizes)), sizes)

    def draw(many: int, index: Floats, shared: float) -> Floats:
        together = rng.normal(0, 1, (many, int(index.max()) + 1))[:, index.astype(int)]
        return np.asarray(sqrt(shared) * together + sqrt(1 - shared) * rng.normal(0, 1, (many, len(index))))

    def chances(many: int, index: Floats, shared: float) -> tuple[Floats, Floats]:
        easy = level + spread * draw(many, index, shared)
        helped = easy + effect + variety * draw(many, index, shared)
        return 1 / (1 + np.exp(-easy)), 1 / (1 + np.exp(-helped))

    without, with_it = chances(times, index.astype(float), 0.6)
    values = (rng.binomial(repeats, with_it).astype(float) - rng.binomial(repeats, without)) / repeats
    before, after = chances(1, np.arange(500_000.0), 0.0)
    return values, float((after - before).mean()) if effect or variety else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=2000, help="evaluations a cell (2000)")
    parser.add_argument("--rows", type=int, nargs="+", default=[20, 40, 60, 100])
    arguments = parser.parse_args()
    paired_table(arguments.rows)
    simulated_table(arguments.times)


if __name__ == "__main__":
    main()
