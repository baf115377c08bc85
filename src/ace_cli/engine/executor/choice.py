"""Which executor a run has: by the settings."""

from __future__ import annotations

import importlib.util
import os
import pickle
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ace_cli.engine.calls import Caller, Desk, Role
from ace_cli.engine.events import Listener
from ace_cli.engine.executor import Executor
from ace_cli.engine.executor.local import AsyncioExecutor
from ace_cli.engine.executor.remote import RemoteExecutor
from ace_cli.engine.executor.worker import Kit
from ace_cli.engine.pace import Pace
from ace_cli.engine.stop import StopController
from ace_cli.engine.wiring import StageSpec
from ace_cli.errors import UsageError
from ace_cli.llm.factory import LOCAL
from ace_cli.llm.hosts import variables
from ace_cli.llm.known import check_listening
from ace_cli.llm.retry import RetryPolicy
from ace_cli.settings import Settings
from ace_cli.stages.base import Stages


def make_executor(
    spec: StageSpec,
    stages: Stages,
    roles: Mapping[str, Role],
    desk: Desk,
    policy: RetryPolicy,
    stop: StopController,
    emit: Listener,
    pace: Pace,
) -> Executor:
    """The executor that the settings of ``spec`` name, with the places that ``pace`` gives; one on a cluster has joined it.

    Raises:
        UsageError: something that it needs is missing. AceError: the cluster cannot be reached.
    """
    settings = spec.settings
    if settings.execution.executor == "local":
        return AsyncioExecutor(stages, roles, Caller(desk, policy, spec.run), pace.slots)
    check_executor(spec)
    from ace_cli.engine.executor.ray import RayCrew

    execution = settings.execution
    crew = RayCrew(
        _address(settings),
        pickle.dumps(_kit(spec, policy)),
        actors=execution.ray_actors,
        cpus=execution.ray_cpus,
        loads=any((role.model or "").startswith(LOCAL) for role in settings.models.roles.values()),
        in_flight=lambda: pace.limit,
    )
    return RemoteExecutor(
        crew,
        pace.slots,
        desk,
        roles,
        stop,
        emit,
        silence=execution.ray_silence,
        horizon=execution.retry_horizon,
    )


def check_executor(spec: StageSpec) -> None:
    """What can be known of it before it is needed.

    Raises:
        UsageError: Ray is not installed, or a stage cannot be sent to a worker. AceError: nobody listens at the cluster's address.
    """
    if spec.settings.execution.executor == "local":
        return
    if importlib.util.find_spec("ray") is None:
        raise UsageError("--executor ray needs Ray", "pip install 'ace-cli[ray]'")
    address = _address(spec.settings)
    if address is not None:
        if "://" in address:
            raise UsageError(
                f"--ray-address {address}: a run is a driver of the cluster, not a client",
                "Start it on a node of the cluster, for example with `ray job submit`, and give HOST:PORT or auto.",
            )
        if re.fullmatch(r"[^:]+:\d+|\[.+\]:\d+", address):
            check_listening(f"http://{address}", "ray")
    from ace_cli.engine.executor.ray import pickled

    pickled(_travelling(spec))


def _address(settings: Settings) -> str | None:
    return settings.execution.ray_address or os.environ.get("RAY_ADDRESS") or None


def _travelling(spec: StageSpec) -> StageSpec:
    """Without the Curator: merges are the driver's."""
    return replace(spec, replacements=replace(spec.replacements, curator=None))


def _kit(spec: StageSpec, policy: RetryPolicy) -> Kit:
    from ace_cli.engine.executor.ray import pickled

    return Kit(
        folder=str(Path.cwd()),
        paths=tuple(sys.path),
        environment=variables(spec.settings.models),
        stages=pickled(_travelling(spec)),
        policy=policy,
    )
