"""From settings to the dataset that is read."""

from __future__ import annotations

from ace_cli.data import DatasetSpec, FieldMap
from ace_cli.settings import DataSettings


def dataset_spec(data: DataSettings, seed: int) -> DatasetSpec:
    """What ``read_examples`` is to read; ``seed`` is what ``data.shuffle`` draws by."""
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
        num_examples=data.num_examples or None,
        shuffle=data.shuffle,
        seed=seed,
        skip_invalid=data.skip_invalid,
    )
