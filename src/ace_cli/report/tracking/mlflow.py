"""MLflow: a run of the experiment ``ace``, or the one that ``MLFLOW_RUN_ID`` or an active run names."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ace_cli.report.tracking.base import Tracked
from ace_cli.runs.records import State

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

EXPERIMENT = "ace"
_STATUS = {State.FINISHED: "FINISHED", State.FAILED: "FAILED"}
_LONGEST = 500
"""Characters of a parameter that every server takes."""


class MlflowTracker:
    """See :class:`~ace_cli.report.tracking.base.Tracker`. Server and store are what MLflow's own variables say."""

    def __init__(self) -> None:
        # Whoever has not imported it has no active run; which one is active depends on the thread.
        mlflow = sys.modules.get("mlflow")
        active = mlflow.active_run() if mlflow is not None else None
        self._attached = active.info.run_id if active else os.environ.get("MLFLOW_RUN_ID", "")
        self._run = ""

    def begin(self, run: Tracked) -> bool:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # `ace` reports nothing to anybody
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        from mlflow.entities import Param
        from mlflow.tracking import MlflowClient

        self._client = MlflowClient()
        is_ours = self._attached or self._found(self._client, run)
        if is_ours:
            self._run = self._client.get_run(is_ours).info.run_id
            if not self._attached:
                self._client.update_run(self._run, status="RUNNING")
        else:
            made = self._client.create_run(
                _experiment(self._client), run_name=run.name, tags={"ace.run": run.key}
            )
            self._run = made.info.run_id
        params = [Param(f"ace.{path}", text[:_LONGEST]) for path, text in run.settings.items()]
        for start in range(0, len(params), 100):  # the most of one request
            self._client.log_batch(self._run, params=params[start : start + 100])
        return bool(is_ours) and not self._attached

    def log(self, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(f"ace/{name}", float(value), now, step) for name, value in values.items()]
        self._client.log_batch(self._run, metrics=metrics)

    def end(self, state: State, files: Sequence[Path]) -> None:
        for path in files:
            self._client.log_artifact(self._run, str(path), "ace")
        self._client.set_tag(self._run, "ace.state", state.value)
        if not self._attached:
            self._client.set_terminated(self._run, _STATUS.get(state, "KILLED"))

    def _found(self, client: MlflowClient, run: Tracked) -> str:
        """The run of an earlier session, if there is one."""
        found = client.search_runs([_experiment(client)], f"tags.`ace.run` = '{run.key}'", max_results=1)
        return str(found[0].info.run_id) if found else ""


def _experiment(client: MlflowClient) -> str:
    if number := os.environ.get("MLFLOW_EXPERIMENT_ID"):
        return number
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
    there = client.get_experiment_by_name(name)
    return str(there.experiment_id if there is not None else client.create_experiment(name))
