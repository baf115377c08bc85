"""How two lessons are built, as numbers beside those of :mod:`ace_cli.sameness.features`.

Whether the parts that a word binds ("X before Y", "if X, Y") lie beside each other or crosswise, what is left over when each
word may be laid beside one other alone, and how near the conditions of both are and what both tell to do.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from ace_cli.sameness.alignment import Alignment, Words, beside_each_other
from ace_cli.sameness.features import low_and_high
from ace_cli.sameness.sides import GROUPS, Parts, parts
from ace_cli.sameness.terms import ONE_ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ace_cli.sameness.alignment import Floats
    from ace_cli.sameness.features import Numbers
    from ace_cli.sameness.side import Side

_UNKNOWN = 0.4
"""Stands where lessons have no parts to compare."""
_EQUAL = 1e-9
"""Fits that differ by less are equal."""


def structure(laid: Alignment) -> dict[str, Floats]:
    """Arrays of shape (pairs,), by name; the same for (a, b) and (b, a)."""
    return {**_crossings(laid), **_one_to_one(laid), **_of_clauses(laid)}


class _Part(NamedTuple):
    """Two bound parts of one lesson of a pair."""

    pair: int
    number: int


class _Laid(NamedTuple):
    """How parts of both lie: how well they fit, and above 0 as they are, below crosswise."""

    best: float
    way: float
    ours: _Part
    its: _Part


def _crossings(laid: Alignment) -> Numbers:
    """Whether the parts lie beside each other as they are (above 0) or crosswise: where least so, and where they fit best."""
    import numpy as np

    bonds = [
        (_Part(at, i), _Part(at, j), ours.group)
        for at, (one, other) in enumerate(laid.pairs)
        for i, ours in enumerate(parts(one))
        for j, its in enumerate(parts(other))
        if ours.group == its.group and ours.by == its.by
    ]
    fits = _fits(laid, [ours for ours, *_ in bonds], [its for _, its, _ in bonds])
    found: defaultdict[tuple[int, str], list[_Laid]] = defaultdict(list)
    for (ours, its, group), straight, crossed in zip(bonds, *fits, strict=True):
        found[ours.pair, group].append(_Laid(max(straight, crossed), straight - crossed, ours, its))
    unknown = {"parts": 0.0, "least": _UNKNOWN, "best": _UNKNOWN}
    numbers = {
        f"{group}_{name}": np.full(len(laid.pairs), x) for group in GROUPS for name, x in unknown.items()
    }
    for (at, group), bound in found.items():
        numbers[f"{group}_parts"][at] = 1.0
        numbers[f"{group}_least"][at] = min(each.way for each in bound)
        numbers[f"{group}_best"][at] = _best(bound, *laid.pairs[at]).way
    return numbers


def _best(bound: Sequence[_Laid], one: Side, other: Side) -> _Laid:
    """What fits best.

    Of two that fit equally well, say perfectly, the last digit decides, and with it the likeness in its third. An edition's must
    not change, so these are told apart by the very sums by which its networks were taught.
    """
    most = max(each.best for each in bound)
    equal = [each for each in bound if each.best > most - _EQUAL]
    if len(equal) > 1:
        alike = beside_each_other(one.words, other.words)[1]
        equal = [
            each._replace(
                best=_fit(parts(one)[each.ours.number], parts(other)[each.its.number], alike, one, other)
            )
            for each in equal
        ]
    return max(equal, key=lambda each: (each.best, each.way))


def _fit(ours: Parts, its: Parts, alike: Floats, one: Side, other: Side) -> float:
    def fit(mine: Sequence[int], known: Sequence[int]) -> float:
        u, v = (one.facts[0] * one.facts[1])[mine], (other.facts[0] * other.facts[1])[known]
        block = alike[mine][:, known]
        return float((block.max(axis=1) @ u) / u.sum() + (block.max(axis=0) @ v) / v.sum()) / 2

    straight = fit(ours.first, its.first) + fit(ours.second, its.second)
    return max(straight, fit(ours.first, its.second) + fit(ours.second, its.first))


def _fits(laid: Alignment, ours: Sequence[_Part], its: Sequence[_Part]) -> tuple[list[float], list[float]]:
    """How well the parts fit as they are, and how well crosswise; for each of ``ours`` beside the same of ``its``."""
    one, of_one = _columns(ours)
    other, of_other = _columns(its)
    here = _inside(laid.one, [parts(laid.pairs[part.pair][0])[part.number] for part in one], one)
    there = _inside(laid.other, [parts(laid.pairs[part.pair][1])[part.number] for part in other], other)
    alike = laid.alike[:, :, [part.pair for part in one]]
    columns = [(alike * inside[:, None]).max(axis=0)[:, of_one] for inside, _ in here]
    alike = laid.alike[:, :, [part.pair for part in other]]
    rows = [(alike * inside).max(axis=1)[:, of_other] for inside, _ in there]
    shares = [share[:, of_one] for _, share in here], [share[:, of_other] for _, share in there]

    def fit(mine: int, known: int) -> Floats:
        both: Floats = (rows[known] * shares[0][mine]).sum(axis=0)
        both += (columns[mine] * shares[1][known]).sum(axis=0)
        return both / 2

    return (fit(0, 0) + fit(1, 1)).tolist(), (fit(0, 1) + fit(1, 0)).tolist()


def _columns(said: Sequence[_Part]) -> tuple[list[_Part], list[int]]:
    """Each part once, and which one stands where."""
    places = {part: at for at, part in enumerate(dict.fromkeys(said))}
    return list(places), [places[part] for part in said]


def _inside(words: Words, bound: Sequence[Parts], of: Sequence[_Part]) -> list[tuple[Floats, Floats]]:
    """Of the first parts and of the second: 1 for words inside, and each one's share in what the part says; (words, parts)."""
    import numpy as np

    telling = (words.weights * words.content)[:, [part.pair for part in of]]
    found = []
    for places in ([each.first for each in bound], [each.second for each in bound]):
        inside = np.zeros_like(telling)
        for at, positions in enumerate(places):
            inside[positions, at] = 1.0
        found.append((inside, telling * inside / (telling * inside).sum(axis=0)))
    return found


def _one_to_one(laid: Alignment) -> Numbers:
    """What is left over of both when a word that has its like on the other side is laid beside that one alone."""
    import numpy as np

    one, other = laid.one, laid.other
    free_one, free_other = one.best < ONE_ROOT, other.best < ONE_ROOT
    sides = (
        _left_over(one, (laid.alike * free_other).max(axis=1)),
        _left_over(other, (laid.alike * free_one[:, None]).max(axis=0)),
    )
    rest = laid.alike * one.left[:, None] * other.left
    rows, columns = rest.max(axis=1), rest.max(axis=0)
    count = np.maximum(one.left.sum(axis=0), 1), np.maximum(other.left.sum(axis=0), 1)
    return {
        **low_and_high(*sides),
        "rest_pair": rows.max(axis=0),
        "rest_pairs": (rows.sum(axis=0) / count[0] + columns.sum(axis=0) / count[1]) / 2,
    }


def _left_over(side: Words, best: Floats) -> Numbers:
    """``best``: how much each word is like that of the other side without a like that it is most like."""
    lacking = (1 - best).clip(0, 1) * side.weights * side.left
    return {
        "alone": lacking.sum(axis=0),
        "alone_worst": lacking.max(axis=0),
        "alone_bound": (lacking * side.bound).sum(axis=0),
        "alone_near": (side.best * side.left).max(axis=0),
    }


def _of_clauses(laid: Alignment) -> Numbers:
    """The conditions beside each other, what is told to do, and one beside the other; cosines."""
    import numpy as np

    ours_bound, ours_act = np.array([one.has for one, _ in laid.pairs]).T
    its_bound, its_act = np.array([other.has for _, other in laid.pairs]).T
    across = (ours_bound & its_act).astype(float), (ours_act & its_bound).astype(float)
    known = across[0] + across[1]
    crossed = laid.wholes[1, 2] * across[0] + laid.wholes[2, 1] * across[1]
    words = laid.one.content.sum(axis=0), laid.other.content.sum(axis=0)
    return {
        "bound_cosine": np.where(ours_bound & its_bound, laid.wholes[1, 1], 0.6),
        "act_cosine": np.where(ours_act & its_act, laid.wholes[2, 2], 0.6),
        "across_cosine": np.where(known > 0, crossed / np.maximum(known, 1), 0.3),
        "bound_alone": (ours_bound != its_bound).astype(float),
        "words_gap": abs(words[0] - words[1]) / np.maximum(1, np.maximum(*words)),
    }
