"""The default Sameness: how alike two lessons are by what they share and what is left over. Calls no model.

A small network over :mod:`ace_cli.sameness.features`, taught by ``benchmarks/sameness/train.py`` on pairs of our own
writing. What the word rules speak against is never merged, and what it cannot tell it calls unsure: a merged insight is
gone, a copy costs a few tokens. The words that it knows are English; of lessons in other languages it merges less.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ace_cli.replies import Ask
from ace_cli.sameness.base import Judgement, Pair, Relation
from ace_cli.sameness.by_rules import against
from ace_cli.sameness.features import features
from ace_cli.sameness.rules.contradiction import contradiction

if TYPE_CHECKING:
    from ace_cli.sameness.features import Floats

WEIGHTS = Path(__file__).with_name("learned.json")
CLIP = 4.0
"""Standard deviations beyond which a feature counts no more."""

DEFAULT = 0.8
"""The likeness at which of different lessons 5 % are merged, counted on topics left out while it was taught."""

_UNSURE = 0.4
"""That at which it would be 25 %: what lies between is for a model to decide, where one may be asked."""

_SURE = 0.95
_REACH = 0.15


class LearnedSameness:
    """Merges from a likeness on; what is a little less alike is unsure.

    Args:
        threshold: likeness, in 0..1, from which two lessons are the same. Higher merges less.
    """

    def __init__(self, threshold: float = DEFAULT) -> None:
        self._threshold = threshold
        self._unsure = threshold * _UNSURE / DEFAULT
        self.reach = threshold - _REACH

    async def compare(
        self,
        pairs: Sequence[Pair],
        ask: Ask | None = None,  # noqa: ARG002 - the Protocol's
    ) -> list[Judgement]:
        """See :class:`ace_cli.sameness.base.Sameness`. ``ask`` is not used."""
        judged = {
            pair: self._judge(pair) for pair in dict.fromkeys(pairs)
        }  # examples of a batch teach the same
        return [judged[pair] for pair in pairs]

    def _judge(self, pair: Pair) -> Judgement:
        found = likeness(pair.new, pair.known)
        reason = contradiction(pair.new, pair.known)
        if reason and (relation := against(pair)) is Relation.CONTRADICTS:
            return Judgement(relation, reason)
        if found >= self._threshold and not reason:
            return Judgement(Relation.SAME, sure=found >= _SURE)
        return Judgement(Relation.UNSURE if found >= self._unsure else Relation.DIFFERENT, reason or "")


def likeness(a: str, b: str) -> float:
    """How alike two lessons are, in 0..1, whichever comes first; 0.8 and 0.4 are where the teaching put them."""
    import numpy as np

    model = _model()
    found = features(a, b)
    row = np.array([found[name] for name in model.names])
    z = float(score(model.nets, np.clip((row - model.mean) / model.scale, -CLIP, CLIP)[None])[0])
    steep = (_logit(DEFAULT) - _logit(_UNSURE)) / (model.cut - model.floor)
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, _logit(DEFAULT) + steep * (z - model.cut)))))


class Net(NamedTuple):
    """One hidden layer: ``inner`` (features, hidden), ``shift`` and ``outer`` (hidden,)."""

    inner: Floats
    shift: Floats
    outer: Floats
    bias: float


def score(nets: Sequence[Net], x: Floats) -> Floats:
    """The mean of what the networks say of standardised features ``x``, shape (pairs, features): (pairs,), above 0 for the same."""
    import numpy as np

    said = [np.tanh(x @ net.inner + net.shift) @ net.outer + net.bias for net in nets]
    mean: Floats = np.mean(said, axis=0)
    return mean


def _logit(p: float) -> float:
    return math.log(p / (1 - p))


class _Model(NamedTuple):
    cut: float
    floor: float
    names: Sequence[str]
    mean: Floats
    scale: Floats
    nets: Sequence[Net]


@cache
def _model() -> _Model:
    import numpy as np

    told = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    nets = [
        Net(np.array(net["inner"]), np.array(net["shift"]), np.array(net["outer"]), net["bias"])
        for net in told["nets"]
    ]
    return _Model(
        told["cut"], told["floor"], told["features"], np.array(told["mean"]), np.array(told["scale"]), nets
    )
