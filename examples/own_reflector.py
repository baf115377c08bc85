"""Replace a stage: a Reflector that learns from wrong answers only, and pays for no call otherwise.

    OPENAI_API_KEY=... python examples/own_reflector.py

The same works at the command line: ``ace train --reflector own_reflector:OnlyFromMistakes``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ace_cli import OfflineTrainer, TrainingConfig
from ace_cli.playbook import Tag
from ace_cli.stages.base import Ask, BulletTag, Case, Reflection
from ace_cli.stages.prompts import load_prompts
from ace_cli.stages.reflector import DefaultReflector

HERE = Path(__file__).parent


class OnlyFromMistakes:
    """Votes for the bullets of a right answer; asks the model about a wrong one."""

    def __init__(self) -> None:
        self._ours = DefaultReflector(load_prompts())

    async def reflect(self, case: Case, ask: Ask) -> Reflection:
        if case.verdict.correct:
            return Reflection(bullet_tags=tuple(BulletTag(bullet.id, Tag.HELPFUL) for bullet in case.cited))
        return await self._ours.reflect(case, ask)


def main(*, model: str = "gpt-4o-mini", api_base: str | None = None) -> None:
    config = TrainingConfig(
        dataset_name="custom",
        input_path=HERE / "formula_20.jsonl",
        num_examples=20,
        generator_model=model,
        reflector_model=model,
        api_base=api_base,
        output_playbook_path="playbooks/formula.json",
        output_metrics_path="metrics/formula.json",
        settings={"data.question_field": "context", "data.answer_field": "target"},
    )
    result = OfflineTrainer(config, reflector=OnlyFromMistakes()).train()
    print(f"{result['metrics'].calls} calls, {result['playbook_size']} bullets")


if __name__ == "__main__":
    main(model=sys.argv[1] if len(sys.argv) > 1 else "gpt-4o-mini")
