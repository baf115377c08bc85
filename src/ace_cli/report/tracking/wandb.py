"""Weights & Biases: a run of the project ``ace``, or the one that ``WANDB_RUN_ID`` or an active run names."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ace_cli.errors import UsageError
from ace_cli.report.tracking.base import Tracked
from ace_cli.runs.records import State

if TYPE_CHECKING:
    from wandb import Run

PROJECT = "ace"
STEP = "ace/examples_seen"


class WandbTracker:
    """See :class:`~ace_cli.report.tracking.base.Tracker`. Server, project and mode are what its own variables say."""

    def __init__(self) -> None:
        wandb = sys.modules.get("wandb")
        self._active: Run | None = wandb.run if wandb is not None else None
        self._key = ""

    def begin(self, run: Tracked) -> bool:
        self._key = run.key
        self._run = self._active or self._init(run)
        config: Any = self._run.config  # untyped there
        config.update({"ace": dict(run.settings)}, allow_val_change=True)
        self._run.define_metric(STEP)
        self._run.define_metric("ace/*", step_metric=STEP)
        return bool(self._run.resumed) and self._run.id == run.key

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log({STEP: step, **{f"ace/{name}": value for name, value in values.items()}})

    def end(self, state: State, files: Sequence[Path]) -> None:
        import wandb

        if files:
            artifact = wandb.Artifact(f"playbook-{self._key}", type="playbook")
            for path in files:
                artifact.add_file(str(path))
            self._run.log_artifact(artifact)
        self._run.summary["ace/state"] = state.value
        if self._active is None:
            self._run.finish(exit_code=int(state is State.FAILED))

    def _init(self, run: Tracked) -> Run:
        os.environ.setdefault("WANDB_SILENT", "true")  # what it says would break the bars
        import wandb

        mode = os.environ.get("WANDB_MODE", "online")
        if mode == "online" and not wandb.login(prompt=False):  # it would ask at the terminal
            raise UsageError("no key for Weights & Biases", "`wandb login`, or set WANDB_API_KEY.")
        return wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            id=os.environ.get("WANDB_RUN_ID", run.key),
            name=os.environ.get("WANDB_NAME", run.name),
            resume="allow",
            settings=wandb.Settings(console="off", silent=True),
        )
