"""The running check of a run without validation: were later examples, at first sight, answered better than the first ones?

Examples are attempted before anything is learned from them, so their accuracy judges the playbook that they saw (prequential
accuracy). Only the first epoch counts: later ones see examples that were learned from.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from math import hypot, sqrt
from statistics import NormalDist
from typing import Any

from ace_cli.engine.heldout import FEW
from ace_cli.evaluation.records import Estimate
from ace_cli.evaluation.verdict import interval, points
from ace_cli.runs.reader import RunReader

LAST = 4
"""The last so-many-th part of the plan is compared."""


@dataclass(frozen=True, slots=True)
class Share:
    """``correct`` of ``rows``."""

    rows: int
    correct: int

    @property
    def value(self) -> float:
        return self.correct / self.rows

    @property
    def percent(self) -> str:
        return f"{self.value:.0%}".replace("%", " %")

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's (1927), at 95 %. Written out: the library that has it takes a second to load, at the end of every run."""
        z = NormalDist().inv_cdf(0.975)
        weight = self.rows + z * z
        centre = (self.correct + z * z / 2) / weight
        half = z * sqrt(self.correct * (1 - self.value) + z * z / 4) / weight
        return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True)
class Check:
    """``start`` are the examples that saw the starting playbook, ``end`` the last quarter of the plan."""

    start: Share
    end: Share

    @cached_property
    def difference(self) -> Estimate:
        """With the interval of Newcombe (1998, method 10) for two independent shares."""
        gain = self.end.value - self.start.value
        (low_a, high_a), (low_b, high_b) = self.start.interval, self.end.interval
        low = gain - hypot(self.end.value - low_b, high_a - self.start.value)
        high = gain + hypot(high_b - self.end.value, self.start.value - low_a)
        return Estimate(gain, max(-1.0, low), min(1.0, high))

    @property
    def is_better(self) -> bool:
        """Whether the playbook beats the start, at least by its face."""
        return self.difference.value > 0

    @property
    def words(self) -> str:
        """The finding, in a sentence or two."""
        shown = self.difference.low > 0
        verdict = (
            "the playbook was seen to help"
            if shown
            else "it cannot be told whether the playbook helps"
            if self.is_better
            else "the playbook was not seen to help"
        )
        measured = (
            f"{self.end.percent} of the last {self.end.rows} examples right at first sight, {self.start.percent} of the"
            f" {self.start.rows} that saw the starting playbook"
            f" ({points(self.difference.value, signed=True)}, 95 % interval {interval(self.difference)})"
        )
        few = min(self.start.rows, self.end.rows) < FEW and not shown
        advice = "; so few examples say little, `ace eval` on held-out ones says more" if few else ""
        return f"{verdict}: {measured}{advice}"

    def to_dict(self) -> dict[str, Any]:
        """For scripts: plain JSON."""
        return {
            "start": asdict(self.start) | {"accuracy": round(self.start.value, 6)},
            "end": asdict(self.end) | {"accuracy": round(self.end.value, 6)},
            "difference": {name: round(value, 6) for name, value in asdict(self.difference).items()},
            "beats_the_start": self.is_better,
        }


def running_check(run: RunReader) -> Check | None:
    """None where there is nothing to compare: nothing was learned, or all examples saw the starting playbook."""
    outcomes = run.first_sight()
    if not any(point.bullets_added or point.bullets_incremented for point in run.curve()):
        return None
    start = [correct for version, correct in outcomes if version == 0]
    quarter = outcomes[-(-len(outcomes) * (LAST - 1) // LAST) :]
    end = [correct for version, correct in quarter if version > 0]
    if not start or not end:
        return None
    return Check(Share(len(start), sum(start)), Share(len(end), sum(end)))
