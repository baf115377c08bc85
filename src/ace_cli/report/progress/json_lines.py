"""One event a line, as JSON: for programs that watch a run."""

from __future__ import annotations

import dataclasses
import json
import re

from ace_cli.clock import now
from ace_cli.engine.events import Event, RunFinished, RunWithdrawn
from ace_cli.report.progress.plain import Writer


class JsonReporter(Writer):
    """Every event, ``{"event": "batch_merged", "time": ..., ...}``."""

    def __call__(self, event: Event) -> None:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
        body = {"event": name, "time": now(), **dataclasses.asdict(event)}
        text = json.dumps(body, default=str)  # ASCII; of what a terminal obeys, only DEL is left
        self.write(text.replace("\x7f", r"\u007f"))


class JsonResult(JsonReporter):
    """Only the last event, for stdout."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunFinished | RunWithdrawn):
            super().__call__(event)
