"""From settings to the dataset that is read."""

from __future__ import annotations

from ace_cli.data import DatasetSpec, FieldMap
from ace_cli.settings import Settings


def dataset_spec(settings: Settings, num_examples: int | None = None) -> DatasetSpec:
    """What ``read_examples`` is to read."""
    data = settings.data
    wanted = data.num_examples if num_examples is None else num_examples
    return DatasetSpec(
        name=data.dataset,
        input=data.input,
        config=data.config,
        split=data.split,
        fields=FieldMap(
            question=data.question_field,
            answer=data.answer_field,
            domain=data.domain_field,
            context=data.context_field,
            id=data.id_field,
        ),
        num_examples=wanted or None,
        shuffle=data.shuffle,
        seed=settings.training.seed,
        skip_invalid=data.skip_invalid,
    )
