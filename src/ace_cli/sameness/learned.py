"""The default Sameness: how alike two lessons are by what they share and what is left over. Calls no model.

Small networks over :mod:`ace_cli.sameness.features` and :mod:`ace_cli.sameness.structure`, taught by ``benchmarks/sameness/train.py``
on pairs of our own writing. What the word rules speak against is never merged, nor what :mod:`ace_cli.sameness.doubt` finds
doubtful, and what it cannot tell it calls unsure: a merged insight is gone, a copy costs a few tokens. The words that it knows
are English; of lessons in other languages it merges less.

There are editions: a run keeps the one that it began with (``stages.curator_edition``), with its weights beside this module.
The first one read the lessons with their frames, knew no doubt, and let every rule speak.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ace_cli.replies import Ask
from ace_cli.sameness.alignment import Alignment, in_groups
from ace_cli.sameness.base import Judgement, Pair, Relation
from ace_cli.sameness.by_rules import against
from ace_cli.sameness.doubt import doubt
from ace_cli.sameness.features import features
from ace_cli.sameness.frames import unframed
from ace_cli.sameness.reversal import exchanged, reversals
from ace_cli.sameness.rules.contradiction import contradiction, other_term
from ace_cli.sameness.side import side
from ace_cli.sameness.structure import structure

if TYPE_CHECKING:
    from ace_cli.sameness.alignment import Floats

EDITION = 2
"""The newest one."""

CLIP = 4.0
"""Standard deviations beyond which a feature counts no more."""

DEFAULT = 0.8
"""The likeness at which of different lessons 7 % are merged, counted on topics left out while it was taught (5 % in the first edition)."""

_UNSURE = 0.4
"""That at which it would be 40 % (25 %): what lies between is for a model to decide, where one may be asked."""

AT_ONCE = 64
"""Pairs that are compared before the event loop has its turn: some ten milliseconds."""

_SURE = 0.95
_REACH = 0.15


class LearnedSameness:
    """Merges from a likeness on; what is a little less alike is unsure.

    Args:
        threshold: likeness, in 0..1, from which two lessons are the same. Higher merges less.
        edition: of the weights and the rules beside them.
    """

    def __init__(self, threshold: float = DEFAULT, edition: int = EDITION) -> None:
        self._threshold = threshold
        self._edition = edition
        self._unsure = threshold * _UNSURE / DEFAULT
        self.reach = threshold - _REACH

    async def compare(
        self,
        pairs: Sequence[Pair],
        ask: Ask | None = None,  # noqa: ARG002 - the Protocol's
    ) -> list[Judgement]:
        """See :class:`ace_cli.sameness.base.Sameness`. ``ask`` is not used."""
        told: dict[Pair, Judgement] = {}
        unique = list(dict.fromkeys(pairs))  # examples of a batch teach the same
        for start in range(0, len(unique), AT_ONCE):
            some = unique[start : start + AT_ONCE]
            told |= zip(some, self._judge(some), strict=True)
            await asyncio.sleep(0)  # replies are waiting
        return [told[pair] for pair in pairs]

    def _judge(self, pairs: Sequence[Pair]) -> list[Judgement]:
        if self._edition > 1:
            pairs = [Pair(unframed(pair.new), unframed(pair.known), pair.similarity) for pair in pairs]
        found = likenesses([(pair.new, pair.known) for pair in pairs], self._edition)
        turned = self._turned(pairs, found) if self._edition > 1 else [""] * len(pairs)
        return [
            Judgement(Relation.CONTRADICTS, why) if why else self._unturned(pair, alike)
            for pair, alike, why in zip(pairs, found, turned, strict=True)
        ]

    def _unturned(self, pair: Pair, found: float) -> Judgement:
        """Of lessons of which none says the other when it is turned round."""
        reason = (contradiction if self._edition == 1 else spoken_against)(pair.new, pair.known)
        if reason and (relation := against(pair)) is Relation.CONTRADICTS and self._is_near(pair, reason):
            return Judgement(relation, reason)
        if found >= self._threshold and not reason:
            return Judgement(Relation.SAME, sure=found >= _SURE)
        return Judgement(Relation.UNSURE if found >= self._unsure else Relation.DIFFERENT, reason or "")

    def _is_near(self, pair: Pair, reason: str) -> bool:
        """Whether two lessons with opposite words are about one thing: alike but for these (plums in August, pears in October are not)."""
        if self._edition == 1 or not reason.startswith("opposite"):
            return True
        alike = likenesses(list(exchanged(pair.new, pair.known)), self._edition)
        return max(alike, default=0.0) >= _UNSURE

    def _turned(self, pairs: Sequence[Pair], found: Sequence[float]) -> list[str]:
        """Why the two contradict each other: one of them, turned round, says the same, and more so than as it is."""
        tried = [(at, *each) for at, pair in enumerate(pairs) for each in reversals(pair.new, pair.known)]
        alike = likenesses([(one, other) for _, one, other, _ in tried], self._edition)
        told = [""] * len(pairs)
        for (at, one, other, why), likeness_ in zip(tried, alike, strict=True):
            doubted = doubt(pairs[at].new, pairs[at].known)
            in_turned_alone = doubted and why.endswith(f" {doubted}")
            least = self._threshold if in_turned_alone else max(found[at], self._threshold)
            if not told[at] and likeness_ >= least and not spoken_against(one, other):
                told[at] = why
        return told


def spoken_against(a: str, b: str) -> str | None:
    """What keeps two lessons (without their frames) apart however alike they are, in a few words.

    One of the word rules, but for that of another term in one place: the likeness sees that better.
    """
    reason = contradiction(a, b)
    return reason if reason and not reason.startswith(_TERM) else doubt(a, b) or None


_TERM = other_term.__name__.replace("_", " ")


def measured(pairs: Sequence[tuple[str, str]], edition: int = EDITION) -> dict[str, Floats]:
    """What the networks of an edition read of pairs: arrays of shape (pairs,), by name."""
    import numpy as np

    if edition > 1:
        pairs = [(unframed(a), unframed(b)) for a, b in pairs]
    told = []
    for group in in_groups([(side(a), side(b)) for a, b in pairs]):
        laid = Alignment(group)
        told.append(features(laid) if edition == 1 else features(laid) | structure(laid))
    return {name: np.concatenate([each[name] for each in told]) for name in told[0]}


def likenesses(pairs: Sequence[tuple[str, str]], edition: int = EDITION) -> list[float]:
    """How alike the two lessons of each pair are, in 0..1, whichever comes first; 0.8 and 0.4 are where the teaching put them."""
    import numpy as np

    if not pairs:
        return []
    model = _model(edition)
    found = measured(pairs, edition)
    rows = np.stack([found[name] for name in model.names], axis=1)
    scores = score(model.nets, np.clip((rows - model.mean) / model.scale, -CLIP, CLIP))
    steep = (_logit(DEFAULT) - _logit(_UNSURE)) / (model.cut - model.floor)
    logits = (_logit(DEFAULT) + steep * (scores - model.cut)).clip(-30.0, 30.0)
    return [1 / (1 + math.exp(-z)) for z in logits.tolist()]


def likeness(a: str, b: str, edition: int = EDITION) -> float:
    """That of one pair."""
    return likenesses([(a, b)], edition)[0]


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


def weights(edition: int) -> Path:
    """Where those of an edition are."""
    return Path(__file__).with_name(f"learned-{edition}.json")


@cache
def _model(edition: int) -> _Model:
    import numpy as np

    told = json.loads(weights(edition).read_text(encoding="utf-8"))
    nets = [
        Net(np.array(net["inner"]), np.array(net["shift"]), np.array(net["outer"]), net["bias"])
        for net in told["nets"]
    ]
    return _Model(
        told["cut"], told["floor"], told["features"], np.array(told["mean"]), np.array(told["scale"]), nets
    )
