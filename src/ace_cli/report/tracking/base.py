"""What a tracker is told of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ace_cli.runs.records import State


@dataclass(frozen=True, slots=True)
class Tracked:
    """A run as trackers know it.

    ``key`` is the same whenever it goes on, so that its curve does too; ``settings`` are its identity settings by dotted path.
    """

    key: str
    name: str
    settings: Mapping[str, str]


class Tracker(Protocol):
    """Writes one run down somewhere. It is made by the thread that trains, and used by one of its own.

    Whatever it raises ends the tracking, and nothing else.
    """

    def begin(self, run: Tracked) -> bool:
        """Attach to the run that the user has under way, else go on with ours or make it; whether it was there already."""
        ...

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Numbers at one point of the curve; ``step`` is the number of examples seen."""
        ...

    def end(self, state: State, files: Sequence[Path]) -> None:
        """The run has ended, for now; a finished one has files. What the user has under way is not ended."""
        ...
