"""The baseline without a playbook: what is wrong, why, and whether a playbook can be expected to help."""

from __future__ import annotations

from collections.abc import Sequence

from ace_cli.evaluation.records import Headroom, Trial
from ace_cli.scoring import Scorer


def headroom(trials: Sequence[Trial], *, scorer: Scorer | None = None) -> Headroom:
    """Sort the errors of trials without a playbook.

    Args:
        trials: of one arm.
        scorer: asked again about parts of an answer, if it is a built-in one (a plain function); no model is called.

    Raises:
        ValueError: there are no trials, or of both arms.
    """
    raise NotImplementedError
