"""A model whose skill depends on how many bullets its prompt holds, and the rows that it is asked about."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.scripted_roles import Script, Truth, unit
from support.scripted_server import ScriptedServer

BULLET = re.compile(r"^\[B\d+\] ", re.MULTILINE)


@dataclass(frozen=True)
class Learner(Script):
    """Answers right where a hash of the question lies under ``skill`` of the number of bullets."""

    skill: Callable[[int], float] = lambda bullets: 0.5

    def _generate(self, prompt: str, question: str) -> dict[str, Any]:
        bullets = len(BULLET.findall(prompt))
        right = unit("skill", question) < self.skill(bullets)
        answer = self.truth.answers.get(question, "?") if right else "no idea"
        return {"reasoning": "", "bullet_ids": [], "final_answer": answer}


def rows(kind: str, count: int) -> list[dict[str, str]]:
    """Ids are the same in every kind."""
    return [
        {
            "id": f"row-{n}",
            "question": f"{kind} parcel {n} of {n * n} grams: which desk?",
            "answer": f"{kind}-{n}",
        }
        for n in range(count)
    ]


def write_rows(path: Path, table: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in table))
    return path


def learner(skill: Callable[[int], float], table: list[dict[str, str]], **options: Any) -> ScriptedServer:
    """A server that plays a :class:`Learner` who knows ``table``."""
    server = ScriptedServer(**options)
    truth = Truth((row["question"], row["answer"]) for row in table)
    server.script = Learner(truth, skill=skill)
    return server
