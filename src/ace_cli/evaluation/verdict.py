"""The verdict in words: what the interval of the difference says, and no more."""

from __future__ import annotations

from ace_cli.evaluation.records import Conclusion, Estimate, Outcome

_WORTH_HAVING = 0.02
"""A difference within this either way, for sure, is called none."""


def conclude(
    difference: Estimate, *, examples: int, detectable: float, min_gain: float = 0.0, unit: str = "row"
) -> Conclusion:
    """What may be said of a playbook whose paired difference is ``difference``.

    Args:
        examples: how many rows were compared.
        detectable: the smallest gain that they would have shown in 80 % of evaluations.
        min_gain: the gain that is asked for; 0 asks for any.
        unit: what ``examples`` counts.
    """
    outcome = _outcome(difference, min_gain)
    measured = f"{points(difference.value, signed=True)}, 95 % interval {interval(difference)}"
    words = f"{outcome}: {measured}"
    if outcome is Outcome.HELPS_LITTLE:
        less = difference.high < min_gain
        asked = f"the {points(min_gain)} of --min-gain"
        words = (
            f"helps, but less than {asked}: {measured}" if less else f"helps: {measured}; {asked} not shown"
        )
    elif outcome is Outcome.UNCLEAR:
        rows = f"{examples:,} {unit}" + ("" if examples == 1 else "s")
        hidden = (
            f"a gain under {points(detectable)} would not show with {rows}"
            if detectable < 1
            else f"no gain would show with {rows}"
        )
        words = f"{outcome}: {hidden} ({measured})"
    return Conclusion(outcome, words)


def _outcome(difference: Estimate, min_gain: float) -> Outcome:
    if difference.low > max(min_gain, 0):
        return Outcome.HELPS
    if difference.low > 0:
        return Outcome.HELPS_LITTLE
    if difference.high < 0:
        return Outcome.HARMS
    nothing = difference.low >= -_WORTH_HAVING and difference.high <= _WORTH_HAVING
    return Outcome.NO_DIFFERENCE if nothing else Outcome.UNCLEAR


def points(share: float, *, signed: bool = False) -> str:
    """``18 points`` of 0.18, ``+0.4 points`` of 0.004: whole ones where that is fine enough."""
    number = _number(share, signed=signed)
    return f"{number} point{'' if number.lstrip('+-') == '1' else 's'}"


def interval(estimate: Estimate) -> str:
    """``9 to 27``, in points."""
    fine = any(0 < abs(end) < 0.01 for end in (estimate.low, estimate.high))
    return f"{_number(estimate.low, fine=fine)} to {_number(estimate.high, fine=fine)}"


def _number(share: float, *, signed: bool = False, fine: bool = False) -> str:
    places = 1 if fine or 0 < abs(share) < 0.01 else 0
    text = f"{100 * share:{'+' if signed else ''}.{places}f}"
    return text if float(text) else text.lstrip("+-")
