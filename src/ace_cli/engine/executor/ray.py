"""Workers on a Ray cluster: one async actor each. The only importer of ray.

Keys reach a worker in calls to its actor, from process to process: never as arguments of its creation, in a runtime environment or as an
object, which Ray keeps and shows.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # the answer to a warning of ray.init

import ray
from ray.exceptions import RayError

from ace_cli._version import __version__
from ace_cli.engine.executor.letters import FromWorker, ToWorker
from ace_cli.engine.executor.member import Post, WorkerLost
from ace_cli.engine.executor.own_folder import OwnFolder
from ace_cli.engine.executor.worker import Worker
from ace_cli.errors import AceError, UsageError
from ace_cli.redact import redact

PIECE = 32_768
"""Bytes of a kit in one call: larger arguments become objects of Ray's store, which may be written to a disk."""
STORE = 100_000_000
"""Bytes of the object store of a cluster of our own, which holds nothing for long."""
PER_ACTOR = 64
"""Calls in flight for which one process is enough."""
LAST_WORDS = 10.0
"""Seconds that workers get at the end to hand on what they hold."""
AHEAD = 2
"""Examples for an actor with a model of its own: one that is worked on, and the next."""


class RayCrew:
    """:class:`~.remote.Crew` of actors.

    Args:
        address: of the cluster; None starts one on this machine, and stops it in the end.
        kit: what each worker gets.
        actors: how many; None as many as make sense: where models are loaded by the workers (``loads``) all that fit, else one on
            each node, and one for each 64 calls in flight.
        cpus: what an actor takes of its node.
        in_flight: how many calls there are at once, by now.

    Raises:
        AceError: there is no such cluster, or none can be started.
    """

    def __init__(
        self,
        address: str | None,
        kit: bytes,
        *,
        actors: int | None,
        cpus: float,
        loads: bool,
        in_flight: Callable[[], int],
    ) -> None:
        self._kit = [kit[start : start + PIECE] for start in range(0, len(kit), PIECE)]
        self._actors = actors
        self._cpus = cpus
        self._loads = loads
        self._in_flight = in_flight
        self._posts: list[_RayPost] = []
        self._cluster = _Cluster(address, math.ceil((actors or 0) * cpus))
        group = {"pulse": 1}
        self._make = ray.remote(num_cpus=cpus, max_restarts=0, concurrency_groups=group)(Worker)

    @property
    def each(self) -> int:
        """See :class:`~.remote.Crew`."""
        return AHEAD if self._loads else self._in_flight()

    async def wanted(self) -> int:
        """See :class:`~.remote.Crew`."""
        if self._actors is not None:
            return self._actors
        found = await asyncio.to_thread(ray.nodes)
        cpus = [float(node["Resources"].get("CPU", 0)) for node in found if node["Alive"]]
        fitting = sum(int(count // self._cpus) for count in cpus)
        if self._loads:
            return max(1, fitting)
        return max(1, sum(count > 0 for count in cpus), math.ceil(self._in_flight() / PER_ACTOR))

    def hire(self) -> Post:
        post = _RayPost(self._make.options(scheduling_strategy="SPREAD").remote(), self._kit)
        self._posts.append(post)
        return post

    async def close(self) -> None:
        leaving = [asyncio.ensure_future(post.leave()) for post in self._posts if post.is_open]
        if leaving:
            await asyncio.wait(leaving, timeout=LAST_WORDS)
        for post in self._posts:
            post.end()
        self._cluster.leave()


class _RayPost:
    """:class:`~.member.Post` to one actor."""

    def __init__(self, actor: Any, kit: Sequence[bytes]) -> None:
        self._actor = actor
        self._kit = kit
        self._ended = False
        self._has_begun = False

    @property
    def is_open(self) -> bool:
        return self._has_begun and not self._ended

    async def open(self) -> AceError | None:
        if (version := await _of(self._actor.version.remote())) != __version__:
            return AceError(
                f"a node of the cluster has ace-cli {version}, and this is {__version__}",
                "Install the same version on every node.",
            )
        for piece in self._kit:
            await _of(self._actor.take.remote(piece))
        error: AceError | None = await _of(self._actor.open.remote())
        self._has_begun = error is None
        return error

    async def leave(self) -> None:
        with contextlib.suppress(WorkerLost):
            await _of(self._actor.leave.remote())

    async def deliver(self, letters: Sequence[ToWorker]) -> None:
        await _of(self._actor.deliver.remote(letters))

    async def collect(self) -> Sequence[FromWorker]:
        letters: Sequence[FromWorker] = await _of(self._actor.collect.remote())
        return letters

    async def pulse(self) -> None:
        await _of(self._actor.pulse.options(concurrency_group="pulse").remote())

    def end(self) -> None:
        if not self._ended:
            self._ended = True
            with contextlib.suppress(Exception):  # it is gone, or the whole cluster
                ray.kill(self._actor)


async def _of(reference: Awaitable[Any]) -> Any:
    try:
        return await reference
    except RayError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        why = lines[-1] if lines else type(error).__name__
        raise WorkerLost(redact(why.partition(" Worker exit type")[0][:200])) from error


class _Cluster:
    """The cluster that this process works with: joined, started, or found joined already."""

    def __init__(self, address: str | None, cpus: int) -> None:
        self._is_ours = not ray.is_initialized()
        self._folder: OwnFolder | None = None
        if not self._is_ours:  # a notebook's, say
            return
        options: dict[str, Any] = {"address": address}
        if address is None:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            self._folder = OwnFolder()
            options = {
                "address": "local",
                "num_cpus": max(cpus, _cores()),
                "object_store_memory": STORE,
                "include_dashboard": False,
                "_node_ip_address": "127.0.0.1",  # so that nobody else can reach it
                "_temp_dir": str(self._folder.path),
            }
        _be_quiet()
        try:
            # Ray lets workers import from the driver's working directory, before anything else: from / there is nothing to import.
            with contextlib.chdir("/"):
                ray.init(log_to_driver=False, logging_level=logging.CRITICAL, **options)
        except (ConnectionError, RuntimeError, ValueError, OSError, RayError) as error:
            self._forget()
            failed = (
                f"cannot reach the Ray cluster at {address}"
                if address
                else "cannot start Ray on this machine"
            )
            hint = "`ray status` shows a cluster that runs; without --ray-address and RAY_ADDRESS one is started here."
            raise AceError(f"{failed}: {redact(str(error).strip().splitlines()[0])}", hint) from error

    def leave(self) -> None:
        if self._is_ours:
            ray.shutdown()
            self._forget()

    def _forget(self) -> None:
        if self._folder is not None:
            self._folder.remove()


def pickled(stages: object) -> bytes:
    """As bytes for a worker, also where classes were defined in a script or a notebook.

    Raises:
        UsageError: it cannot be.
    """
    try:
        data: bytes = ray.cloudpickle.dumps(stages)
    except Exception as error:  # whatever a user's object raises
        raise UsageError(
            f"a stage or scorer cannot be sent to Ray's workers: {error}",
            "Keep no connections, locks or open files in it, or name its class in the settings (package.module:Class), "
            "so that each worker makes its own; or --executor local.",
        ) from error
    return data


def _be_quiet() -> None:
    """What Ray has to say of a dead worker is handled here, and is not to stand between a command's results on stdout."""
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    internals: Any = sys.modules.get("ray._private.worker")
    if hasattr(internals, "print_to_stdstream"):  # there is no setting for it
        internals.print_to_stdstream = _say_nothing


def _say_nothing(*_: object, **__: object) -> None:
    pass


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
