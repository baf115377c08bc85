"""One event a line, as JSON: for programs that watch a run."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import IO

from ace_cli.clock import now
from ace_cli.engine.events import Event, RunFinished


class JsonReporter:
    """Events to stderr, ``{"event": "batch_merged", "time": ..., ...}``; the result, alike, to stdout."""

    def __init__(self, err: IO[str], out: IO[str]) -> None:
        self._err = err
        self._out = out

    def __call__(self, event: Event) -> None:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
        body = {"event": name, "time": now(), **dataclasses.asdict(event)}
        line = json.dumps(body, ensure_ascii=True, default=str)
        self._err.write(line + "\n")
        self._err.flush()
        if isinstance(event, RunFinished):
            self._out.write(line + "\n")
            self._out.flush()

    def close(self) -> None:
        pass
