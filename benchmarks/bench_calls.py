"""CPU of a call through the whole path of ours beside the bare litellm call of the same request, against the scripted server.

    python -m benchmarks.bench_calls [--calls 300] [--rounds 6] [--in-flight 64]

Rows: litellm alone without and with the schema that our stages send; our model and retry layer; and the calls of an example (admitted, tried, put on
record in a run's store, settled). The server is a process of its own. Rounds alternate, and a ratio is taken within each
round, to the bare call with the schema; the median is shown, with the least of the milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.processes import machine, scripted_server

from ace_cli.data import Example
from ace_cli.engine.calls import Caller, Role
from ace_cli.engine.desk import Admission, LocalDesk
from ace_cli.engine.ledger import Ledger
from ace_cli.engine.stop import StopController
from ace_cli.llm import ChatRequest, Message
from ace_cli.llm.endpoint import Endpoint
from ace_cli.llm.library import load_litellm
from ace_cli.llm.litellm_model import LitellmModel
from ace_cli.llm.retry import CircuitBreaker, RetryPolicy, with_retry
from ace_cli.playbook import Playbook
from ace_cli.replies.schema import json_schema
from ace_cli.runs.records import Header
from ace_cli.runs.store import RunStore
from ace_cli.settings import Settings
from ace_cli.stages.reflector import ReflectorReply

SCHEMA = json_schema(ReflectorReply)
SYSTEM = "You are the Generator. " + "Read the last sentence again to see what is asked. " * 40


async def cpu(call: Callable[[int], Awaitable[object]], calls: int, in_flight: int) -> float:
    """Milliseconds of this process's CPU for one call."""
    slots = asyncio.Semaphore(in_flight)

    async def one(number: int) -> None:
        async with slots:
            await call(number)

    before = time.process_time()
    await asyncio.gather(*(one(number) for number in range(calls)))
    return (time.process_time() - before) / calls * 1000


def new_store(folder: Path) -> RunStore:
    folder.mkdir()
    header = Header("2026-01-01T00:00:00Z", "bench", {}, {}, {}, Playbook(), "", {})
    RunStore.create(folder, header, {}, [Example("row", "Question", "1")], lambda: "hash")
    return RunStore(folder)


def whole_path(store: RunStore, model: LitellmModel) -> Callable[[int], Awaitable[object]]:
    """A call as a stage makes it."""
    settings = Settings()
    stop = StopController(lambda _: None, 1.0, lambda: 0)
    execution = settings.execution.model_copy(update={"concurrency": 1000})
    admission = Admission(execution, {"generator": "scripted"}, lambda _: None, stop)
    desk = LocalDesk(store, Ledger(settings.limits, {}, 0.0), lambda _: None, stop, admission)
    caller = Caller(desk, RetryPolicy(), "run")
    role = Role("generator", model, CircuitBreaker(), 0.0, None, {})
    steps = iter(range(10**9))

    async def call(number: int) -> object:
        ask = caller.ask(role, next(steps), {})
        messages = (Message("system", SYSTEM), Message("user", f"Question {number}"))
        return await ask(messages, schema=SCHEMA, schema_name="answer")

    return call


async def compare(url: str, store: RunStore, calls: int, rounds: int, in_flight: int) -> None:
    litellm = load_litellm()
    model = LitellmModel(Endpoint("openai/scripted", api_base=url, api_key="none"))
    breaker, policy = CircuitBreaker(), RetryPolicy()

    def bare(**more: Any) -> Callable[[int], Awaitable[object]]:
        async def call(number: int) -> object:
            return await litellm.acompletion(
                model="openai/scripted",
                messages=[
                    {"role": "system", "content": SYSTEM},
                    {"role": "user", "content": f"Question {number}"},
                ],
                api_base=url,
                api_key="none",
                temperature=0,
                max_retries=0,
                **more,
            )

        return call

    async def ours(number: int) -> None:
        messages = (Message("system", SYSTEM), Message("user", f"Question {number}"))
        request = ChatRequest(messages, schema=SCHEMA, schema_name="answer", temperature=0)
        await with_retry(lambda: model.complete(request), policy, breaker=breaker)

    schema = {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": dict(SCHEMA), "strict": True},
    }
    ways = {
        "litellm, no schema": bare(),
        "litellm, the same request": bare(response_format=schema),
        "our model and retry layer": ours,
        "a call of a run": whole_path(store, model),
    }
    for call in ways.values():
        await cpu(call, 2 * in_flight, in_flight)  # connections and lazy imports
    measured = [
        {name: await cpu(call, calls, in_flight) for name, call in ways.items()} for _ in range(rounds)
    ]
    for name in ways:
        ratios = sorted(found[name] / found["litellm, the same request"] for found in measured)
        least = min(found[name] for found in measured)
        print(f"{name:<28}{least:>8.2f} ms{median(ratios):>8.2f}  ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    await model.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--in-flight", type=int, default=64)
    chosen = parser.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "none")
    print(f"{machine()}\n\n{chosen.in_flight} in flight: CPU of a call, and its ratio\n")
    with (
        tempfile.TemporaryDirectory() as name,
        scripted_server() as url,
        new_store(Path(name) / "run") as store,
    ):
        asyncio.run(compare(url, store, chosen.calls, chosen.rounds, chosen.in_flight))


if __name__ == "__main__":
    main()
