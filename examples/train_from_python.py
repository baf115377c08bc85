"""Train on 20 rows of GSM8K and print what came out.

OPENAI_API_KEY=... python examples/train_from_python.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from ace_cli import create_offline_trainer

HERE = Path(__file__).parent


def main(*, model: str = "gpt-4o-mini", api_base: str | None = None) -> None:
    trainer = create_offline_trainer(
        dataset_name="custom",
        input_path=HERE / "gsm8k_20.jsonl",
        num_examples=20,
        generator_model=model,
        reflector_model=model,
        api_base=api_base,
        output_playbook_path="playbooks/gsm8k.json",
        output_metrics_path="metrics/gsm8k.json",
    )
    result = trainer.train()
    metrics = result["metrics"]
    print(f"{metrics.correct_answers} of {metrics.total_examples} right, {result['playbook_size']} bullets")
    print(f"playbook: {result['output_paths']['playbook']}")


if __name__ == "__main__":
    main(model=sys.argv[1] if len(sys.argv) > 1 else "gpt-4o-mini")
