"""A playbook worth looking at, for the tests of `ace inspect` and for its pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ace_cli.playbook import confidence

LESSONS: list[tuple[str, str, str, str, int, int]] = [
    # content, domain, section, stage, helpful, harmful
    ("Write down the units of every quantity before calculating, and convert them first.", "math", "helpful", "production", 14, 1),
    ("When a price drops by a percentage, multiply it by one minus the rate.", "math", "helpful", "production", 9, 0),
    ("Do not round intermediate results; round the final answer only.", "math", "harmful", "shadow", 6, 1),
    ("The current ratio is current assets divided by current liabilities.", "finance", "helpful", "production", 11, 0),
    ("ROI subtracts the whole investment, extra expenses included, from the gain.", "finance", "helpful", "shadow", 5, 2),
    ("Answers with a currency sign are read as numbers.", "finance", "neutral", "shadow", 1, 1),
    ("Halve the result when the question mentions a pair.", "math", "helpful", "quarantined", 1, 5),
    ("Read the last sentence of the question again before you answer: it says what is asked for.", "general", "helpful", "production", 22, 2),
    ("Discount each cash flow by its own period, then add them up.", "finance", "helpful", "shadow", 4, 0),
    ("Do not confuse 'twice as many as' with 'two more than'.", "math", "harmful", "shadow", 3, 0),
    ("Half as many means divide by two; half as many again means multiply by 1.5.", "math", "helpful", "shadow", 3, 1),
    ("Give the number alone, without a sentence around it.", "general", "helpful", "production", 17, 0),
]  # fmt: skip

HOSTILE = "\x1b[31mred\x1b[0m [bold]loud[/bold] \x00 \u202egnp.exe \x9b2J <script>alert(1)</script>"


def rows() -> list[dict[str, Any]]:
    return [
        {
            "id": f"B{number:03d}",
            "content": content,
            "domain_id": domain,
            "section": section,
            "stage": stage,
            "activation_count": helpful + harmful,
            "confidence": confidence(helpful, harmful),
            "helpful_count": helpful,
            "harmful_count": harmful,
            "neutral_count": 0,
            "sources": [f"train-{number * 7}", f"train-{number * 11}"],
            "created_at": f"2026-11-{number:02d}T09:00:00Z",
            "updated_at": "2026-11-22T10:00:00Z",
        }
        for number, (content, domain, section, stage, helpful, harmful) in enumerate(LESSONS, 1)
    ]


def write(path: Path, bullets: list[dict[str, Any]] | None = None, **fields: Any) -> Path:
    """A playbook file of DESIGN's form at ``path``; ``fields`` are further top-level ones."""
    value = {
        "version": "v1.0.0",
        "created_at": "2026-11-22T10:00:00Z",
        "training_config": {"dataset": "gsm8k", "num_examples": 200},
        "bullets": rows() if bullets is None else bullets,
        **fields,
    }
    path.write_text(json.dumps(value), encoding="utf-8")
    return path
