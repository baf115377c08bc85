"""What two lessons have in common and what is left over on each side, as numbers: what the learned Sameness reads.

Each word of one lesson is laid beside the word of the other that it is most like, by word vectors, stems and synonyms.
What has no like there is left over. Whether that is a detail or another condition, entity or advice shows in how much
it weighs, on which side it is, whether it stands in a condition, and how near the leftovers of both sides are.

All numbers are named, one for each pair of an :class:`Alignment`, and the same for (a, b) and (b, a).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ace_cli.sameness.alignment import Alignment, Words
from ace_cli.sameness.rules.contradiction import RULES, spoken
from ace_cli.sameness.side import Side
from ace_cli.sameness.terms import TURNING

if TYPE_CHECKING:
    from ace_cli.sameness.alignment import Floats

Numbers = Mapping[str, "Floats"]


def features(laid: Alignment) -> dict[str, Floats]:
    """Arrays of shape (pairs,), by name."""
    return {
        "cosine": laid.wholes[0, 0],
        **low_and_high(_rest(laid.one), _rest(laid.other)),
        **_between(laid),
        **_of_wording(laid),
    }


def low_and_high(one: Numbers, other: Numbers) -> dict[str, Floats]:
    """What is told of each side, without telling which is which."""
    import numpy as np

    found = {}
    for name, numbers in one.items():
        found[f"{name}_low"] = np.minimum(numbers, other[name])
        found[f"{name}_high"] = np.maximum(numbers, other[name])
    return found


def _rest(side: Words) -> Numbers:
    """What of one side is not in the other."""
    import numpy as np

    weights, bound = side.weights, side.bound
    lacking = (1 - side.best).clip(0, 1) * weights
    worst = np.sort(lacking, axis=0)
    left = weights * side.left
    total, weight = weights.sum(axis=0), left.sum(axis=0)
    return {
        "covered": (side.best * weights).sum(axis=0) / total,
        "lacking": lacking.sum(axis=0),
        "worst0": worst[-1],
        "worst1": worst[-2],
        "worst2": worst[-3],
        "rest": side.left.sum(axis=0),
        "rest_weight": weight,
        "rest_share": weight / total,
        "rest_bound": (left * bound).sum(axis=0),
        "rest_act": (left * (1 - bound)).sum(axis=0),
        "lacking_bound": (lacking * bound).sum(axis=0),
        "lacking_act": (lacking * (1 - bound)).sum(axis=0),
        "words": side.content.sum(axis=0),
        "bound": (side.content * bound).sum(axis=0),
    }


def _between(laid: Alignment) -> Numbers:
    """How the leftovers of both sides stand to each other: the cosine of their weighted sums, and on which sides there are any."""
    import numpy as np

    one, other = laid.one.weights * laid.one.left, laid.other.weights * laid.other.left
    squares = [
        _product(left, side.within, left).clip(0) for left, side in ((one, laid.one), (other, laid.other))
    ]
    lengths = np.sqrt(squares[0]) * np.sqrt(squares[1])
    toward = np.full(len(laid.pairs), 0.3)
    np.divide(_product(one, laid.cosines, other), lengths, out=toward, where=lengths > 0)
    ours, its = laid.one.left.sum(axis=0), laid.other.left.sum(axis=0)
    none = (ours == 0) & (its == 0)
    return {
        "rest_toward": np.where(none, 1.0, toward),
        "rest_one_sided": ((ours == 0) != (its == 0)).astype(float),
        "rest_none": none.astype(float),
        "rest_one_each": ((ours == 1) & (its == 1)).astype(float),
    }


def _product(one: Floats, between: Floats, other: Floats) -> Floats:
    """Of the weighted sums of two sets of vectors with these cosines; (pairs,)."""
    product: Floats = (one * (between * other).sum(axis=1)).sum(axis=0)
    return product


_WORDING = (
    "common",
    "shared",
    *(f"{kind}_gap" for kind in TURNING),
    "parity",
    "neighbours",
    "denied_gap",
    "denied_other",
    "numbers_gap",
    "names_gap",
    "names_common",
    *(f"rule_{rule.__name__}" for rule in RULES),
    "rules",
)


def _of_wording(laid: Alignment) -> Numbers:
    import numpy as np

    rows = np.array([_wording(one, other) for one, other in laid.pairs], dtype=np.float64)
    return dict(zip(_WORDING, rows.T, strict=True))


def _wording(one: Side, other: Side) -> Sequence[float]:
    """Order, negations, numbers and names, and which of the word rules speak."""
    a, b = one.wording, other.wording
    common = len(one.stems & other.stems)
    neighbours = len(one.neighbours & other.neighbours)
    turning = one.turning, other.turning
    denied_a, denied_b = a.denied_anywhere, b.denied_anywhere
    names = len(a.names & b.names)
    said = [reason is not None for reason in spoken(a, b)]
    return (
        common / max(1, len(one.stems) + len(other.stems) - common),
        len(one.content & other.content),
        *(abs(x - y) for x, y in zip(*turning, strict=True)),
        sum(x[0] + x[1] for x in turning) % 2,  # an odd number of words denies
        neighbours / max(1, min(len(one.neighbours), len(other.neighbours))),
        bool(denied_a) != bool(denied_b),
        bool(denied_a and denied_b and denied_a.isdisjoint(denied_b)),
        len(a.values ^ b.values),
        len(a.names) + len(b.names) - 2 * names,
        names,
        *said,
        any(said),
    )
