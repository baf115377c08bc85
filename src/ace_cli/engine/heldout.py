"""Which examples a run validates on: read, told apart from those that it trains on, and cut in two where half shall judge."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from ace_cli.data import DatasetSpec, Example, Skipped, content_key, read_examples
from ace_cli.engine.dataset import dataset_spec
from ace_cli.errors import UsageError
from ace_cli.runs.records import Split
from ace_cli.settings import Settings, ValidationSettings

FEW = 20
"""Below so many validation examples a choice is mostly luck, and that is said."""


def check_validation(validation: ValidationSettings) -> None:
    """
    Raises:
        UsageError: a setting needs validation examples, and none are named.
    """
    needing = {
        "--validate-every": validation.every,
        "--patience": validation.patience,
        "--validation-judge": validation.judge,
    }
    if not validation.is_on and (name := next((name for name, value in needing.items() if value), "")):
        raise UsageError(
            f"{name} needs validation examples",
            "Name them: --validation-input FILE, --validation-split NAME or --validation-examples N.",
        )


class HeldOut:
    """Hands out the examples to train on, and knows the held-out ones when those were seen.

    Args:
        given: the dataset, when it does not come from the settings.

    Attributes:
        skipped: bad rows that were left out.
        overlap: validation examples that were left out, since they are trained on.
    """

    def __init__(self, settings: Settings, given: Iterable[Example] | None = None) -> None:
        self._settings = settings
        self._given = given
        self.skipped: list[Skipped] = []
        self.overlap = 0
        self._trained_on: set[bytes] = set()
        self._rest: list[Example] = []

    def training(self) -> Iterator[Example]:
        """The examples that are trained on, in their order.

        Raises:
            UsageError: as :func:`~ace_cli.data.read_examples`; or none would be left.
        """
        if not self._settings.validation.is_on:
            yield from self._rows(self._spec())
            return
        for example in self._first_of_all() if self._shares_the_dataset else self._rows(self._spec()):
            self._trained_on.add(content_key(example))
            yield example

    def splits(self) -> Mapping[Split, list[Example]]:
        """The held-out examples, once those to train on were all handed out.

        Raises:
            UsageError: they cannot be read, or none is left.
        """
        validation = self._settings.validation
        if not validation.is_on:
            return {}
        rows = self._rest if self._shares_the_dataset else read_examples(self._other_spec(), self.skipped)
        kept = [
            example
            for example in rows
            if content_key(example) not in self._trained_on or self._count_overlap()
        ]
        if not kept:
            raise UsageError(
                f"all {self.overlap} validation examples are trained on as well",
                "Name rows that were kept aside: --validation-input FILE, or --validation-split NAME.",
            )
        if not validation.judge:
            return {Split.VALIDATION: kept}
        if len(kept) < 2:
            raise UsageError("one validation example cannot be cut in two", "Leave out --validation-judge.")
        return dict(
            zip((Split.VALIDATION, Split.JUDGEMENT), halves(kept, self._settings.training.seed), strict=True)
        )

    def notes(self, splits: Mapping[Split, list[Example]]) -> Iterator[str]:
        """What a user should know of ``splits``, one sentence each."""
        if not splits:
            return
        if self.overlap:
            yield f"{self.overlap} validation examples were left out: they are trained on as well"
        choosing, judging = len(splits[Split.VALIDATION]), len(splits.get(Split.JUDGEMENT, ()))
        if judging:
            yield f"validation examples, cut in two by the seed: {choosing} choose the version, {judging} judge it"
        else:
            yield f"{choosing} validation examples choose the version"
        if min(choosing, judging or choosing) < FEW:
            yield f"fewer than {FEW} validation examples say little: which version is best will mostly be luck"

    @property
    def _shares_the_dataset(self) -> bool:
        """The validation examples are what the dataset has beyond those that are trained on."""
        validation = self._settings.validation
        return validation.input is None and validation.split is None

    def _spec(self) -> DatasetSpec:
        return dataset_spec(self._settings.data, self._settings.training.seed)

    def _other_spec(self) -> DatasetSpec:
        validation, spec = self._settings.validation, self._spec()
        if validation.input is not None:
            spec = replace(spec, name="custom", config=None, input=validation.input)
        return replace(spec, split=validation.split or spec.split, num_examples=validation.examples or None)

    def _rows(self, spec: DatasetSpec) -> Iterator[Example]:
        if self._given is None:
            return read_examples(spec, self.skipped)
        return iter(self._given)

    def _first_of_all(self) -> Iterator[Example]:
        """The first rows; what comes after them, or the last ones where the dataset has too few for both, is kept aside."""
        spec, wanted = self._spec(), self._settings.validation.examples or 0
        most = spec.num_examples if self._given is None else None  # of what is handed over, all is trained on
        if not most and not wanted:
            raise UsageError(
                "--validation-examples 0 --num-examples 0: all rows cannot be trained on and kept aside",
                "Give one of them a number.",
            )
        limit = most + wanted if most and wanted else None
        rows = list(islice(self._rows(replace(spec, num_examples=limit)), limit))
        count = max(0, len(rows) - wanted) if wanted else len(rows)
        count = min(most, count) if most else count
        if not count or count == len(rows):
            raise UsageError(
                f"the dataset has {len(rows)} examples: too few to train on some and to validate on others",
                "Lower --validation-examples or --num-examples, or name other rows with --validation-input.",
            )
        self._rest = rows[count : count + wanted] if wanted else rows[count:]
        return iter(rows[:count])

    def _count_overlap(self) -> bool:
        self.overlap += 1
        return False


def halves(examples: list[Example], seed: int) -> tuple[list[Example], list[Example]]:
    """Two halves, drawn by hash of seed and content: which row falls where does not depend on the others' order."""

    def rank(example: Example) -> bytes:
        return hashlib.blake2b(content_key(example), key=str(seed).encode(), digest_size=16).digest()

    drawn = {id(example) for example in sorted(examples, key=rank)[: -(-len(examples) // 2)]}
    first = [example for example in examples if id(example) in drawn]
    return first, [example for example in examples if id(example) not in drawn]
