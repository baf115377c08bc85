"""Intervals, tests and power. The only importer of scipy, which is loaded when it is needed."""

from __future__ import annotations


def detectable(rows: int, *, discordance: float = 0.3) -> float:
    """The smallest true gain that ``rows`` paired rows show in 80 % of evaluations.

    Args:
        discordance: the assumed share of rows where exactly one arm is right (before any call, nobody knows).
    """
    raise NotImplementedError
