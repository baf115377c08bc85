"""What a page or table is drawn from, with text in it that would like to be code."""

from __future__ import annotations

from typing import Any

from ace_cli.report.html import Moment, RunReport
from ace_cli.runs.records import CurvePoint, Usage

HOSTILE = "</script><script>alert(1)</script><!-- <img src=x onerror=alert(2)> {{data}} ]]> \u2028 \x00"


def curve(batches: int, *, cost: float | None = 0.01) -> list[CurvePoint]:
    return [
        CurvePoint(n, 0, (n + 1) * 10, n * 3, 0, n / batches, n / batches, n * 4, 4, 1, {}, n * 20, n * 900,
                   None if cost is None else cost * n)
        for n in range(batches)
    ]  # fmt: skip


def run(**more: Any) -> RunReport:
    parts: dict[str, Any] = {
        "summary": [("State", "finished"), (HOSTILE, HOSTILE)],
        "settings": [("training.seed", HOSTILE)],
        "curve": curve(5),
        "usage": {"generator": Usage(10, 2000, 300, cost_usd=0.2), HOSTILE: Usage(cost_usd=None)},
        "failures": {"timeout": [("ex-1", HOSTILE)] * 30},
        "history": {"B1": [Moment(0, "added", "ex-1"), Moment(2, "confirmed", HOSTILE, HOSTILE, 0.9)]},
    }
    return RunReport(**(parts | more))
