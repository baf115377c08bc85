"""Which bullets earn their place, as far as citations can tell."""

from __future__ import annotations

from collections.abc import Sequence

from ace_cli.evaluation.records import BulletEffect


def most_doubtful(effects: Sequence[BulletEffect], count: int) -> tuple[str, ...]:
    """The ids to leave out for ``--ablate``: the ``count`` most doubtful, the worst first, ties by id."""
    raise NotImplementedError
