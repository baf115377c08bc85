"""What a Ray cluster costs, and what it gives: overhead of an example, and a model in the process on two workers against one.

    python -m benchmarks.bench_ray [--rows 200] [--rounds 2] [--no-model]

A cluster of two nodes with one CPU each runs on this machine, so figures tell costs, not what two machines would give. Start and
imports are taken out by subtracting a small run from a large one. CPU is that of the `ace` process (the driver), and of the workers, as the kernel counts it.
The model is SmolLM2 (135 million parameters); where there are not two cores free for it, two workers can only be as fast as one, and CPU an answer says
what each would give on a core of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import flags_of, machine, scripted_server, spend, write_questions

FEW = 20
IN_FLIGHT = 16
WAREHOUSE = Path(__file__).parents[1] / "examples" / "warehouse" / "train.jsonl"


@contextlib.contextmanager
def two_nodes() -> Iterator[str]:
    """The address of a cluster whose head works on nothing, beside two nodes with a CPU each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    small = {"object_store_memory": 80_000_000}
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **small}
    )
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=1, **small)
        yield str(cluster.address)
    finally:
        cluster.shutdown()


@dataclass(frozen=True)
class Took:
    """Seconds from the first request to the last reply (of a run without a server: of the whole process), CPU of driver and workers."""

    seconds: float
    driver: float
    workers: float

    def less(self, other: Took, count: int) -> Took:
        """What each of ``count`` more took, in milliseconds."""
        of = 1000 / count
        return Took(
            (self.seconds - other.seconds) * of,
            (self.driver - other.driver) * of,
            (self.workers - other.workers) * of,
        )


class Watch:
    """CPU seconds of Ray's workers while it is open."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._before = set(workers())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def cpu(self) -> float:
        return sum(cpu for pid, cpu in self._seen.items() if pid not in self._before)

    def _look(self) -> None:
        while not self._over.wait(0.05):
            self._seen.update(workers())


def workers() -> dict[str, float]:
    """CPU seconds of every process that Ray calls a worker of ours."""
    found, tick = {}, os.sysconf("SC_CLK_TCK")
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "cmdline").read_bytes().startswith(b"ray::Worker"):
                parts = (folder / "stat").read_text().rpartition(")")[2].split()
                found[folder.name] = (int(parts[11]) + int(parts[12])) / tick
    return found


def run(folder: Path, log: Path | None, *arguments: object) -> Took:
    before = len(log.read_text("utf-8").splitlines()) if log and log.exists() else 0
    with Watch() as watch:
        took = spend("-m", "ace_cli", *arguments, cwd=folder)
    if log is None:
        return Took(took.seconds, took.cpu, watch.cpu)
    asked = [json.loads(line) for line in log.read_text("utf-8").splitlines()[before:]]
    seconds = max(entry["sent"] for entry in asked) - min(entry["asked"] for entry in asked)
    return Took(seconds, took.cpu, watch.cpu)


def ways(address: str) -> dict[str, list[str]]:
    """Executors by name, with their flags."""
    on_ray = ["--executor", "ray", "--ray-address", address, "--ray-actors"]
    return {"local": [], "ray, 1 worker": [*on_ray, "1"], "ray, 2 workers": [*on_ray, "2"]}


def overhead(folder: Path, address: str, rows: int, rounds: int) -> None:
    """What an example of `ace train` takes where replies take no time: two calls, a merge for each ten."""
    log = folder / "log.jsonl"
    write_questions(folder / "few.jsonl", FEW)
    write_questions(folder / "many.jsonl", FEW + rows)
    print(f"\nms an example ({rows} rows, {IN_FLIGHT} in flight, replies without delay)\n")
    print(f"{'':<16}{'wall':>10}{'CPU driver':>12}{'CPU workers':>13}")
    with scripted_server(truth=folder / "many.jsonl", log=log) as url:
        for name, flags in ways(address).items():
            best: list[Took] = []
            for number in range(rounds):
                took = [
                    run(folder, log, "train", *_train(folder, data, url, f"{name[:9]}{data}{number}"), *flags)
                    for data in ("few", "many")
                ]
                best.append(took[1].less(took[0], rows))
            least = min(best, key=lambda took: took.seconds)
            print(f"{name:<16}{least.seconds:>10.1f}{least.driver:>12.1f}{least.workers:>13.1f}")


def _train(folder: Path, data: str, url: str, number: str) -> list[str]:
    given = {
        "input": folder / f"{data}.jsonl",
        "num_examples": 0,
        "api_base": url,
        "model": "openai/scripted",
        "output": folder / f"{number}.json",
        "run_dir": folder / number,
        "concurrency": IN_FLIGHT,
        "lookahead": 2,
        "batch_size": 20,
    }
    return flags_of(given)


def embedded(folder: Path, address: str, rounds: int) -> None:
    """SmolLM2 in the process, or one in each worker: `ace eval` without a playbook."""
    rows = sum(1 for _ in WAREHOUSE.open(encoding="utf-8"))
    print(f"\nSmolLM2, an answer ({rows} rows, {rounds + 1} repeats against one)\n")
    print(f"{'':<16}{'s':>10}{'CPU driver':>12}{'CPU workers':>13}{'answers/s':>11}")
    for name, flags in ways(address).items():
        took = []
        for repeats in (1, rounds + 1):
            given = {
                "input": WAREHOUSE,
                "generator_model": "local/smollm2",
                "run_dir": folder / f"{name[:9]}smol{repeats}",
                "repeats": repeats,
                "scorer": "contains",
            }
            took.append(run(folder, None, "eval", *flags_of(given), *flags))
        each = took[1].less(took[0], rows * rounds)
        print(
            f"{name:<16}{each.seconds / 1000:>10.3f}{each.driver / 1000:>12.3f}{each.workers / 1000:>13.3f}"
            f"{1000 / each.seconds:>11.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--no-model", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, two_nodes() as address:
        print(machine())
        overhead(Path(name), address, chosen.rows, chosen.rounds)
        if not chosen.no_model:
            embedded(Path(name), address, chosen.rounds)


if __name__ == "__main__":
    main()
