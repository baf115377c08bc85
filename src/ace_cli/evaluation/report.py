"""From trials to an :class:`EvalReport`: the one way in."""

from __future__ import annotations

from collections.abc import Sequence

from ace_cli.evaluation.records import EvalReport, Trial


def report(
    trials: Sequence[Trial],
    *,
    min_gain: float = 0.0,
    base_name: str = "no playbook",
    playbook_name: str = "playbook",
) -> EvalReport:
    """What the trials of both arms say. The order of ``trials`` does not matter, and nothing is drawn at random.

    Args:
        trials: every example in both arms, with the same number of repeats.
        min_gain: the gain that is asked for, as a fraction (0.05: five points).

    Raises:
        ValueError: the arms are not paired: an example is missing in one, or has another number of repeats there.
    """
    raise NotImplementedError
