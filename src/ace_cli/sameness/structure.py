"""How two lessons are built, as numbers beside those of :mod:`ace_cli.sameness.features`.

Whether the parts that a word binds ("X before Y", "if X, Y") lie beside each other or crosswise, what is left over when each
word may be laid beside one other alone, and how near the conditions of both are and what both tell to do.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ace_cli.sameness.features import _ONE_ROOT, Side, _alignment, side
from ace_cli.sameness.sides import GROUPS, Parts, parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_UNKNOWN = 0.4
"""Stands where lessons have no parts to compare."""


def structure(a: str, b: str) -> dict[str, float]:
    """Named numbers on a pair, the same for (a, b) and (b, a)."""
    one, other = side(a), side(b)
    alike = _alignment(one, other)
    return {
        **_crossings(one, other, alike),
        **_one_to_one(one, other, alike),
        **_of_clauses(one, other),
    }


class _Laid(NamedTuple):
    """How two bound parts lie beside two of the other lesson: above 0 as they are, below crosswise; ``best`` is the fit."""

    straight: float
    best: float


def _crossings(one: Side, other: Side, alike: Floats) -> dict[str, float]:
    laid: defaultdict[str, list[_Laid]] = defaultdict(list)
    theirs = parts(other)
    weights = one.telling, other.telling
    for ours in parts(one):
        for known in theirs:
            if (ours.group, ours.by) == (known.group, known.by) and (
                found := _lay(ours, known, alike, *weights)
            ):
                laid[ours.group].append(found)
    numbers = {}
    for group in GROUPS:
        found_ = laid[group]
        numbers[f"{group}_parts"] = float(bool(found_))
        numbers[f"{group}_least"] = min((each.straight for each in found_), default=_UNKNOWN)
        best = max(found_, key=lambda each: (each.best, each.straight), default=_Laid(_UNKNOWN, 0.0))
        numbers[f"{group}_best"] = best.straight
    return numbers


def _lay(ours: Parts, known: Parts, alike: Floats, weights: Floats, others: Floats) -> _Laid | None:
    def fit(mine: Sequence[int], its: Sequence[int]) -> float | None:
        if not mine or not its:
            return None
        u, v = weights[mine], others[its]
        if u.sum() <= 1e-3 or v.sum() <= 1e-3:
            return None
        block = alike[mine][:, its]
        return float((block.max(axis=1) @ u) / u.sum() + (block.max(axis=0) @ v) / v.sum()) / 2

    fits = [
        fit(ours.first, known.first),
        fit(ours.second, known.second),
        fit(ours.first, known.second),
        fit(ours.second, known.first),
    ]
    told = [x for x in fits if x is not None]
    if len(told) < len(fits):
        return None
    straight, crossed = told[0] + told[1], told[2] + told[3]
    return _Laid(straight - crossed, max(straight, crossed))


def _one_to_one(one: Side, other: Side, alike: Floats) -> dict[str, float]:
    """What is left over of both when a word that has its like on the other side is laid beside that one alone."""
    has_like = alike >= _ONE_ROOT
    sides = (
        _left_over(one, alike, has_like),
        _left_over(other, alike.T, has_like.T),
    )
    numbers = {}
    for name, x in sides[0].items():
        y = sides[1][name]
        numbers[f"{name}_low"], numbers[f"{name}_high"] = min(x, y), max(x, y)
    rest = alike[~has_like.any(axis=1) & one.content][:, ~has_like.any(axis=0) & other.content]
    numbers["rest_pair"] = float(rest.max(initial=0.0))
    either = (float(rest.max(axis=1).mean()), float(rest.max(axis=0).mean())) if rest.size else (0.0, 0.0)
    numbers["rest_pairs"] = sum(either) / 2
    return numbers


def _left_over(one: Side, alike: Floats, has_like: Flags) -> dict[str, float]:
    free = alike[:, ~has_like.any(axis=0)]
    mine = ~has_like.any(axis=1) & one.content
    best = free.max(axis=1, initial=0.0)
    lacking = (1 - best).clip(0, 1) * one.weights
    return {
        "alone": float(lacking[mine].sum()),
        "alone_worst": float(lacking[mine].max(initial=0.0)),
        "alone_bound": float(lacking[mine & one.bound].sum()),
        "alone_near": float(alike.max(axis=1)[mine].max(initial=0.0)),
    }


def _of_clauses(one: Side, other: Side) -> dict[str, float]:
    """The conditions beside each other, what is told to do, and one beside the other; cosines."""
    ours, its = _means(one), _means(other)
    bound, act = _cosine(ours[0], its[0]), _cosine(ours[1], its[1])
    across = [x for x in (_cosine(ours[0], its[1]), _cosine(ours[1], its[0])) if x is not None]
    words = int(one.content.sum()), int(other.content.sum())
    return {
        "bound_cosine": 0.6 if bound is None else bound,
        "act_cosine": 0.6 if act is None else act,
        "across_cosine": sum(across) / len(across) if across else 0.3,
        "bound_alone": float((ours[0] is None) != (its[0] is None)),
        "words_gap": abs(words[0] - words[1]) / max(1, *words),
    }


@lru_cache(maxsize=4096)
def _means(of: Side) -> tuple[Floats | None, Floats | None]:
    """Of the conditions, and of what is told to do."""
    return _mean(of, of.bound), _mean(of, ~of.bound)


def _mean(of: Side, where: Flags) -> Floats | None:
    import numpy as np

    total: Floats = (of.vectors * (of.weights * of.content * where)[:, None]).sum(axis=0)
    length = float(np.linalg.norm(total))
    return total / length if length > 0 else None


def _cosine(u: Floats | None, v: Floats | None) -> float | None:
    return None if u is None or v is None else float(u @ v)
