"""Train on rows that were made in Python, and watch accuracy batch by batch.

OPENAI_API_KEY=... python examples/own_data.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from ace_cli import DatasetLoader, OfflineTrainer, TrainingConfig
from ace_cli.engine.events import BatchMerged, Event

HERE = Path(__file__).parent


def show(event: Event) -> None:
    if isinstance(event, BatchMerged):
        point = event.point
        print(f"batch {point.batch + 1}: {point.batch_accuracy:.0%} right, {point.playbook_size} bullets")


def main(*, model: str = "gpt-4o-mini", api_base: str | None = None) -> None:
    examples = DatasetLoader(dataset_name="custom").load_from_json(
        HERE / "warehouse" / "train.jsonl", num_examples=24
    )
    config = TrainingConfig(
        dataset_name="custom",
        generator_model=model,
        reflector_model=model,
        api_base=api_base,
        batch_merge_size=12,
        output_playbook_path="playbooks/warehouse.json",
        output_metrics_path="metrics/warehouse.json",
        settings={"training.scorer": "contains", "training.max_bullets": 3, "training.allow_leaks": True},
    )
    result = OfflineTrainer(config, examples=examples, on_event=show).train()
    print(f"{result['playbook_size']} bullets in {result['output_paths']['playbook']}")


if __name__ == "__main__":
    main(model=sys.argv[1] if len(sys.argv) > 1 else "gpt-4o-mini")
