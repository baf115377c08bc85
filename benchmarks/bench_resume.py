"""From `ace resume` to its first request, on a run of 10,000 finished examples that was killed.

    python -m benchmarks.bench_resume [--examples 10000] [--rounds 5]

The run is made through the store, as training would: 1,000 merges of 10 examples, 3 new bullets each, every vector on record. The
state is that of a killed process: `running`, without a lock. What is timed is the start of the process until the
scripted server was asked first; beside it, a process that does nothing but import litellm, which nobody can
do without. Aim: within 3 s on a quiet machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.processes import machine, scripted_server, spend, start, write_questions

from ace_cli.clock import now
from ace_cli.data import ContentHash, Example, source_fingerprint
from ace_cli.embeddings import make_embedder
from ace_cli.engine.dataset import dataset_spec
from ace_cli.engine.wiring import StoredVectors
from ace_cli.llm.base import ChatReply
from ace_cli.playbook import Add, Bullet, Change, Delta, Playbook, Section, Vote, make_id
from ace_cli.runs.records import CurvePoint, Episode, Header, RecordedReply, Round
from ace_cli.runs.store import RunStore
from ace_cli.scoring import Verdict
from ace_cli.settings import Kind, Settings
from ace_cli.settings.layers import load
from ace_cli.settings.recorded import recorded
from ace_cli.stages.base import Attempt, BulletTag, Insight, Reflection
from ace_cli.stages.prompts import load_prompts

BATCH, NEW = 10, 3


def settings_of(folder: Path, data: Path, examples: int, url: str) -> Settings:
    values = {
        "data.dataset": "custom",
        "data.input": str(data),
        "data.num_examples": str(examples + 1000),
        "models.api_base": url,
        "models.generator.model": "openai/scripted",
        "models.reflector.model": "openai/scripted",
        "training.batch_size": str(BATCH),
        "output.playbook": str(folder / "playbook.json"),
        "output.metrics": str(folder / "metrics.json"),
        "output.run_dir": str(folder / "run"),
    }
    return load(values, cwd=folder).settings


async def make_run(run: Path, settings: Settings, data: Path, examples: int) -> None:
    """A run of which ``examples`` are done, as a killed process leaves it."""
    rows = [Example(**json.loads(line)) for line in data.read_text(encoding="utf-8").splitlines()]
    run.mkdir()
    digest = ContentHash()

    def seen() -> Iterator[Example]:
        for example in rows:
            digest.update(example)
            yield example

    header = Header(
        created_at=now(),
        ace_version="0",
        identity=recorded(settings, Kind.IDENTITY),
        origins={},
        prompts=dict(load_prompts(None).texts),
        base_playbook=Playbook(),
        dataset_hash="",
        source=source_fingerprint(dataset_spec(settings.data, settings.training.seed)),
    )
    runtime = recorded(settings, Kind.RUNTIME)
    RunStore.create(run, header, runtime, seen(), digest.hexdigest)
    with RunStore(run) as store:
        store.begin_session(runtime)
        contents = [f"MergeItem {n}: write down clerk {n}'s numbers before adding." for n in range(examples)]
        contents = contents[: examples // BATCH * NEW]
        embedder = make_embedder(settings.models.embedding)
        vectors = await embedder.embed(contents)
        await StoredVectors(store, settings.models.embedding).put(dict(zip(contents, vectors, strict=True)))
        for first in range(0, examples, BATCH):
            await asyncio.gather(
                *(make_example(store, step, rows[step]) for step in range(first, first + BATCH))
            )
            await make_merge(store, first // BATCH, contents)
    make_checkpoints(run, examples)


def make_checkpoints(run: Path, examples: int) -> None:
    """Those that the killed process would have written; resume looks at nothing but their names."""
    folder = run / "checkpoints"
    folder.mkdir()
    for seen in range(50, examples + 1, 50):
        (folder / f"checkpoint_{seen:06d}.json").write_bytes(b"{}")


async def make_example(store: RunStore, step: int, example: Example) -> None:
    reply = ChatReply("x" * 300, "stop", 900, 80, cost_usd=0.001)
    attempt = Attempt(example.answer, "Step by step: " + "some words of reasoning " * 8)
    tags = (BulletTag("B001", Section.HELPFUL),)
    reflection = Reflection(
        (Insight("Write the numbers down.", Section.HELPFUL),), tags, reasoning="Fine. " * 30
    )
    rounds = (Round(attempt, Verdict(True, example.answer, example.answer, "auto"), reflection),)
    writes = [
        store.record_reply(
            RecordedReply(
                f"{role}{step}",
                step,
                role,
                0,
                "openai/scripted",
                (("system", f"You are the {role}. {step // BATCH}"), ("user", example.question)),
                reply,
                now(),
            )
        )
        for role in ("generator", "reflector")
    ]
    writes.append(
        store.record_episode(
            Episode(step, 0, step, step // BATCH, example.id, example.domain, step // BATCH, rounds=rounds)
        )
    )
    await asyncio.gather(*writes)


async def make_merge(store: RunStore, batch: int, contents: list[str]) -> None:
    numbers = range(batch * NEW + 1, batch * NEW + NEW + 1)
    changes: list[Change] = [
        Add(
            Bullet(
                make_id(n), contents[n - 1], sources=(f"row-{batch}",), created_at=now(), updated_at=now()
            ),
            f"row-{batch}",
        )
        for n in numbers
    ]
    changes += [
        Vote(make_id(1 + (batch * 7 + k) % (batch * NEW + 1)), f"row-{batch}", Section.HELPFUL)
        for k in range(7)
    ]
    done = (batch + 1) * BATCH
    curve = CurvePoint(
        batch,
        0,
        done,
        done,
        0,
        1.0,
        1.0,
        (batch + 1) * NEW,
        NEW,
        7,
        {"helpful": BATCH},
        2 * done,
        980 * 2 * done,
        0.002 * done,
    )
    await store.record_merge(batch, Delta(now(), tuple(changes)), curve)


def first_request(run: Path, folder: Path, log: Path) -> float:
    """Seconds from the start of `ace resume` until the server was asked."""
    log.write_bytes(b"")
    started = time.time()
    child = start("-m", "ace_cli", "resume", run, cwd=folder)
    try:
        while not log.stat().st_size:
            if child.poll() is not None:
                raise SystemExit(f"`ace resume` ended with {child.returncode}")
            time.sleep(0.01)
        return float(json.loads(log.read_text(encoding="utf-8").splitlines()[0])["asked"]) - started
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="copy the run to this folder, to profile it")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data, log, run = folder / "data.jsonl", folder / "log.jsonl", folder / "run"
        write_questions(data, chosen.examples + 1000)
        with scripted_server(truth=data, log=log) as url:
            asyncio.run(make_run(run, settings_of(folder, data, chosen.examples, url), data, chosen.examples))
            size = (run / "run.sqlite3").stat().st_size / 1e6
            print(f"{machine()}; {chosen.examples:,} examples done, store of {size:.0f} MB; seconds\n")
            if chosen.keep:
                shutil.copytree(folder, chosen.keep)
            resumed, imported = [], []
            for number in range(chosen.rounds):
                copy = folder / f"run{number}"
                shutil.copytree(run, copy)
                imported.append(spend("-c", "import litellm").seconds)
                resumed.append(first_request(copy, folder, log))
                shutil.rmtree(copy)
            for what, seconds in (
                ("ace resume, to the first request", resumed),
                ("import litellm alone", imported),
            ):
                print(f"{what:<36} median {statistics.median(seconds):.2f}   least {min(seconds):.2f}")


if __name__ == "__main__":
    main()
