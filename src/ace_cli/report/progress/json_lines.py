"""One event a line, as JSON: for programs that watch a run."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import IO

from ace_cli.clock import now
from ace_cli.engine.events import Event, RunFinished


class JsonReporter:
    """Every event, ``{"event": "batch_merged", "time": ..., ...}``."""

    def __init__(self, err: IO[str]) -> None:
        self._err = err

    def __call__(self, event: Event) -> None:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
        body = {"event": name, "time": now(), **dataclasses.asdict(event)}
        self._err.write(json.dumps(body, ensure_ascii=True, default=str) + "\n")
        self._err.flush()

    def close(self) -> None:
        pass


class JsonResult(JsonReporter):
    """Only the last event, for stdout."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunFinished):
            super().__call__(event)
