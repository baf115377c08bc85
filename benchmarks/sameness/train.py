"""Teaches the default Sameness on the tune half, and writes its weights into the package.

    python -m benchmarks.sameness.train [--write]

The mean of a few small networks over what :func:`ace_cli.sameness.learned.measured` says of a pair. Where it cuts is chosen from predictions for topics that it was not fitted on (each topic once left out): the test half
has no say in anything here.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from benchmarks.sameness.pairs import Labelled, load
from numpy.typing import NDArray
from scipy.optimize import minimize

from ace_cli.sameness import learned
from ace_cli.sameness.frames import unframed
from ace_cli.sameness.learned import Net, measured, score, spoken_against

Floats = NDArray[np.float64]

HIDDEN, NETS = 16, 3
PENALTY = 20.0
"""Of large weights. These three were chosen by topics of the tune half that were left out."""

FOLDS = 10
CUT, FLOOR = 0.07, 0.40
"""Shares of the different pairs that may be merged, and that may be called unsure or merged."""

OLDER = Path(__file__).parents[2] / "tests" / "fixtures" / "sameness_pairs.jsonl"


def older() -> list[Labelled]:
    """The pairs that the word rules were written by; they teach, and are never counted here."""
    rows = [json.loads(line) for line in OLDER.read_text(encoding="utf-8").splitlines()]
    return [Labelled(f"older {row['domain']}", row["kind"], row["same"], row["a"], row["b"]) for row in rows]


def table(pairs: Sequence[Labelled]) -> tuple[list[str], Floats]:
    """The features' names, and a row of them for each pair."""
    found = measured([(pair.a, pair.b) for pair in pairs])
    return list(found), np.stack(list(found.values()), axis=1)


def fit(x: Floats, same: NDArray[np.bool_], seed: int) -> Net:
    """One small network on standardised features: the log loss with a penalty, by L-BFGS."""
    n, d = x.shape
    rng = np.random.default_rng(seed)
    start = np.concatenate(
        [
            rng.normal(0, (2 / (d + HIDDEN)) ** 0.5, d * HIDDEN),
            np.zeros(HIDDEN),
            rng.normal(0, 0.3, HIDDEN),
            [0.0],
        ]
    )
    y = same.astype(np.float64)

    def loss(flat: Floats) -> tuple[float, Floats]:
        net = _unflat(flat, d)
        hidden = np.tanh(x @ net.inner + net.shift)
        z = hidden @ net.outer + net.bias
        error = (1 / (1 + np.exp(-z)) - y) / n
        back = np.outer(error, net.outer) * (1 - hidden**2)
        size = (net.inner**2).sum() + (net.outer**2).sum()
        gradient = [
            x.T @ back + PENALTY / n * net.inner,
            back.sum(axis=0),
            hidden.T @ error + PENALTY / n * net.outer,
        ]
        total = np.logaddexp(0, z).mean() - (y * z).mean() + PENALTY / 2 / n * size
        return float(total), np.concatenate([*map(np.ravel, gradient), [error.sum()]])

    return _unflat(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x, d)


def _unflat(flat: Floats, d: int) -> Net:
    inner, shift, outer, bias = np.split(flat, np.cumsum([d * HIDDEN, HIDDEN, HIDDEN]))
    return Net(inner.reshape(d, HIDDEN), shift, outer, float(bias[0]))


def fit_all(x: Floats, same: NDArray[np.bool_]) -> list[Net]:
    return [fit(x, same, seed) for seed in range(NETS)]


def standardised(x: Floats, mean: Floats, scale: Floats) -> Floats:
    return np.clip((x - mean) / scale, -learned.CLIP, learned.CLIP)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the weights into the package")
    pairs = load("tune") + older()
    names, x = table(pairs)
    same = np.array([pair.same for pair in pairs])
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-6
    x = standardised(x, mean, scale)
    topics = sorted({pair.topic for pair in pairs})
    fold = np.array([topics.index(pair.topic) % FOLDS for pair in pairs])
    unseen = np.zeros(len(pairs))
    for left_out in range(FOLDS):
        kept = fold != left_out
        unseen[~kept] = score(fit_all(x[kept], same[kept]), x[~kept])
    counted = np.array([not pair.topic.startswith("older") for pair in pairs])
    kept_apart = [spoken_against(unframed(pair.a), unframed(pair.b)) is not None for pair in pairs]
    merged = np.where(kept_apart, -np.inf, unseen)
    different = np.sort(merged[~same & counted])[::-1]
    cut = float(different[int(CUT * len(different))])
    floor = float(np.sort(unseen[~same & counted])[::-1][int(FLOOR * len(different))])
    told = merged[same & counted]
    print(
        f"{len(pairs)} pairs, {same.sum()} same; topics left out: same merged {(told >= cut).mean():.1%}, "
        f"unsure {((told < cut) & (told >= floor)).mean():.1%} at {CUT:.0%} and {FLOOR:.0%} of the different"
    )
    if parser.parse_args().write:
        nets = [
            {key: np.round(value, 4).tolist() for key, value in net._asdict().items()}
            for net in fit_all(x, same)
        ]
        document = {
            "cut": round(cut, 4),
            "floor": round(floor, 4),
            "features": names,
            "mean": mean.round(5).tolist(),
            "scale": scale.round(5).tolist(),
            "nets": nets,
        }
        learned.weights(learned.EDITION).write_text(
            json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
