"""Which examples are seen when: a pure function of the settings, so nothing of it needs to be saved."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ace_cli.engine.example import PlanStep
from ace_cli.settings import Settings, TrainingSettings

MOST_AHEAD = 2
"""Merges that a batch is behind with ``--lookahead auto``, in the end: more of them bring no more speed (docs/speed.md)."""

AHEAD_AFTER = 40


@dataclass(frozen=True, slots=True)
class Batch:
    """``indices`` are places in the dataset; the steps are ``first_step``, ``first_step + 1`` ..."""

    number: int
    epoch: int
    first_step: int
    indices: tuple[int, ...]
    ends_epoch: bool = False

    @property
    def last_step(self) -> int:
        return self.first_step + len(self.indices) - 1

    def steps(self, version: int) -> list[PlanStep]:
        """Its examples in order; all see playbook ``version``."""
        return [
            PlanStep(step, self.epoch, index, self.number, version)
            for step, index in enumerate(self.indices, self.first_step)
        ]


@dataclass(frozen=True, slots=True)
class Plan:
    """Epoch by epoch over a segment of the dataset, cut into batches; then the next segment.

    A run has one segment ``(0, n)``; every extension adds one, so that what was done before stays as it is.
    """

    segments: tuple[tuple[int, int], ...]
    epochs: int
    batch_size: int
    seed: int
    shuffle: bool

    @property
    def steps(self) -> int:
        return sum(stop - start for start, stop in self.segments) * self.epochs

    @property
    def batch_count(self) -> int:
        return sum(-(-(stop - start) // self.batch_size) for start, stop in self.segments) * self.epochs

    def batches(self, first: int = 0) -> Iterator[Batch]:
        """The batches in order, from number ``first``."""
        number = step = 0
        for segment in self.segments:
            for epoch in range(self.epochs):
                size = segment[1] - segment[0]
                order: Sequence[int] | None = None
                for offset in range(0, size, self.batch_size):
                    stop = min(offset + self.batch_size, size)
                    if number >= first:
                        order = order or self._order(segment, epoch)
                        yield Batch(number, epoch, step + offset, tuple(order[offset:stop]), stop == size)
                    number += 1
                step += size

    def _order(self, segment: tuple[int, int], epoch: int) -> Sequence[int]:
        indices = range(*segment)
        if not self.shuffle:
            return indices
        return sorted(indices, key=lambda index: _rank(self.seed, epoch, index))


def make_plan(settings: Settings, segments: Iterable[tuple[int, int]]) -> Plan:
    """The plan of a run over these parts of its dataset."""
    training, shuffle = settings.training, settings.data.shuffle
    return Plan(tuple(segments), training.epochs, training.batch_size, training.seed, shuffle)


def lag(settings: TrainingSettings, first_step: int) -> int:
    """By how many merges the playbook that a batch sees is behind, by the batch's first step.

    ``auto`` lets the first batches see every merge, when each lesson counts and there is little to wait for: it is one behind after
    :data:`AHEAD_AFTER` examples, and two after twice as many.
    """
    if settings.lookahead == "auto":
        return min(MOST_AHEAD, first_step // AHEAD_AFTER)
    return settings.lookahead


def most_lag(settings: TrainingSettings) -> int:
    """The most that :func:`lag` gives for any batch."""
    return MOST_AHEAD if settings.lookahead == "auto" else settings.lookahead


def _rank(seed: int, epoch: int, index: int) -> bytes:
    """A place drawn from (seed, epoch, index): there is no generator whose state could get lost."""
    return hashlib.blake2b(f"{seed}/{epoch}/{index}".encode(), digest_size=16).digest()
