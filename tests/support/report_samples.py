"""What a page or table is drawn from, with text in it that would like to be code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ace_cli.evaluation.records import Arm, EvalReport, Trial
from ace_cli.evaluation.report import report
from ace_cli.runs.history import Moment
from ace_cli.runs.overview import Overview
from ace_cli.runs.records import CurvePoint, State, Usage

HOSTILE = "</script><script>alert(1)</script><!-- <img src=x onerror=alert(2)> {{data}} ]]> \u2028 \x00"
HISTORY = {
    "B1": [
        Moment("taught", "", HOSTILE, "ex-1", 0),
        Moment("merged", "", HOSTILE, HOSTILE, 2, similarity=0.9),
        Moment("cited", "", "harmful", "ex-3", 2),
    ]
}


def curve(batches: int, *, cost: float | None = 0.01) -> list[CurvePoint]:
    return [
        CurvePoint(n, 0, (n + 1) * 10, n * 3, 0, n / batches, n / batches, n * 4, 4, 1, {}, n * 20, n * 900,
                   None if cost is None else cost * n)
        for n in range(batches)
    ]  # fmt: skip


def run(**more: Any) -> Overview:
    parts: dict[str, Any] = {
        "run_dir": Path("run"),
        "state": State.STOPPED,
        "reason": HOSTILE,
        "identity": {"training.seed": HOSTILE, HOSTILE: 1},
        "planned": 60,
        "done": 50,
        "correct": 20,
        "failed": 30,
        "curve": curve(5),
        "usage": {"generator": Usage(10, 2000, 300, cost_usd=0.2), HOSTILE: Usage(cost_usd=None)},
        "failures": {"timeout": [("ex-1", HOSTILE)] * 30},
    }
    return Overview(**(parts | more))


def evaluation_trials() -> list[Trial]:
    """41 rows of two domains: 15 better, 2 worse, 12 right and 12 wrong in both arms."""
    outcomes = [(0.0, 1.0)] * 15 + [(1.0, 0.0)] * 2 + [(1.0, 1.0)] * 12 + [(0.0, 0.0)] * 12
    return [
        Trial(
            example_id=f"{at} {HOSTILE}",
            arm=arm,
            score=score,
            domain=("general", HOSTILE)[at % 2],
            truth="RV-72",
            answer="RV-72" if score else HOSTILE,
            bullet_ids=("B1", HOSTILE) if arm is Arm.PLAYBOOK and at % 3 else (),
            prompt_tokens=900 if arm is Arm.PLAYBOOK else 100,
            cost_usd=0.0013 if arm is Arm.PLAYBOOK else 0.0002,
            seconds=1.5 if arm is Arm.PLAYBOOK else 1.0,
        )
        for at, pair in enumerate(outcomes)
        for arm, score in zip(Arm, pair, strict=True)
    ]


def evaluation() -> EvalReport:
    return report(evaluation_trials(), playbook_name=f"warehouse {HOSTILE}", bullet_ids=["B9"])
