"""What the benchmarks share: processes of their own, the scripted server, a word on how busy the machine is."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

TESTS = Path(__file__).parents[1] / "tests"


@dataclass(frozen=True)
class Spent:
    """Seconds on the clock, seconds of CPU (user and system), peak memory in MB."""

    seconds: float
    cpu: float
    peak: float


def environment() -> dict[str, str]:
    """Without settings of the developer's, and with a key that is none."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ACE_")}
    return {**kept, "OPENAI_API_KEY": "none", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def spend(*arguments: object, cwd: Path | None = None, codes: Collection[int] = (0,)) -> Spent:
    """Run ``python ARGUMENTS`` to its end, silently.

    Args:
        codes: the exit codes that are none of a failure.

    Raises:
        SystemExit: it failed.
    """
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        child = start(*arguments, cwd=cwd, stderr=said)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - started
        if child.returncode not in codes:
            said.seek(0)
            last = said.read().decode(errors="replace")[-2000:]
            raise SystemExit(f"exit code {child.returncode}: python {' '.join(map(str, arguments))}\n{last}")
    return Spent(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def start(
    *arguments: object, cwd: Path | None = None, stderr: IO[bytes] | int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Start ``python ARGUMENTS``, silently."""
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
    )


@contextlib.contextmanager
def scripted_server(**flags: object) -> Iterator[str]:
    """The scripted server as a process; its address."""
    parts = [part for name, value in flags.items() for part in (f"--{name.replace('_', '-')}", value)]
    with tempfile.TemporaryDirectory() as folder:
        port = Path(folder) / "port"
        with listening(port, "-m", "support.scripted_server", "--port-file", port, *parts, cwd=TESTS) as url:
            yield url


@contextlib.contextmanager
def listening(port: Path, *arguments: object, cwd: Path) -> Iterator[str]:
    """A server as the process ``python ARGUMENTS``, which writes its port into the file ``port``; its address."""
    server = start(*arguments, cwd=cwd)
    try:
        while not port.exists():
            if server.poll() is not None:
                raise SystemExit("the server did not start")
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port.read_text(encoding='utf-8')}/v1"
    finally:
        server.terminate()
        server.wait()


def write_questions(path: Path, count: int) -> None:
    """Small synthetic examples as JSON lines."""
    rows = (
        {
            "id": f"row-{n}",
            "question": f"What is {n} plus {n * n}, said by clerk {n}?",
            "answer": str(n + n * n),
        }
        for n in range(count)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def flags_of(given: Mapping[str, object]) -> list[str]:
    """``{"batch_size": 10}`` as ``--batch-size 10``."""
    return [str(part) for name, value in given.items() for part in (f"--{name.replace('_', '-')}", value)]


def machine() -> str:
    """How busy it is: figures taken on a loaded machine are upper bounds."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
