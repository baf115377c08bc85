"""A Ray cluster of several nodes on this machine, and its workers as processes that can be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ace_cli.engine.executor.own_folder import remove

SMALL = {"object_store_memory": 80_000_000, "include_dashboard": False}


class Nodes:
    """A cluster whose head works on nothing; ``folder`` holds the logs of all its nodes."""

    def __init__(self, folder: Path, mark: str) -> None:
        from ray.cluster_utils import Cluster

        head: dict[str, Any] = {"num_cpus": 0, "temp_dir": str(folder), **SMALL}
        self.folder = folder
        self._mark = mark
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self.address = str(self._cluster.address)
        self._nodes: list[Any] = []

    def at_least(self, count: int) -> None:
        """So many nodes that work."""
        while len(self._nodes) < count:
            self.add()

    def add(self, cpus: int = 1) -> None:
        """It joins in a while."""
        node = self._cluster.add_node(
            wait=False, num_cpus=cpus, object_store_memory=SMALL["object_store_memory"]
        )
        self._nodes.append(node)

    def kill_node(self) -> None:
        """The newest one, with all that runs on it."""
        self._cluster.remove_node(self._nodes.pop(), allow_graceful=False)

    def kill_worker(self) -> None:
        """One of the workers that examples are given to."""
        os.kill(self.workers()[0], signal.SIGKILL)

    def workers(self) -> list[int]:
        return [pid for pid, command in processes(self._mark).items() if command.startswith("ray::Worker")]

    def stop(self) -> None:
        self._cluster.shutdown()


def processes(mark: str) -> dict[int, str]:
    """Processes that have ``mark`` in their environment, with what they are called."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if mark.encode() in (folder / "environ").read_bytes():
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().decode().replace("\0", " ")
    return found


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """A cluster without a node that works; tests add them."""
    pytest.importorskip("ray", reason="needs the extra ray")
    mark = f"MARK_OF_A_TEST={uuid.uuid4().hex}"
    name, _, value = mark.partition("=")
    folder = Path(tempfile.mkdtemp(prefix="ace-test-ray-", dir="/tmp"))  # its sockets need a short path
    keys = {key: value for key, value in os.environ.items() if key.endswith("_API_KEY")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, value)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # where Cluster notes its address, in a folder that it does not make
        patch.setenv("RAY_TMPDIR", str(folder))
        (folder / "ray").mkdir()
        patch.setenv("RAY_AUTH_MODE", "disabled")  # else by whether the developer has a token
        for key in keys:  # workers get theirs from the driver
            patch.delenv(key)
        cluster = Nodes(folder, mark)
        try:
            yield cluster
        finally:
            cluster.stop()
            remove(folder)
