"""CPU of a call through LitellmModel and with_retry beside the bare litellm call, against the scripted server.

    python -m benchmarks.bench_calls [--calls 150] [--rounds 6]

The server is a process of its own. Rounds alternate, and the least of each counts, since other
work on the machine only ever adds.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable

from benchmarks.processes import scripted_server

from ace_cli.llm import ChatRequest, Message
from ace_cli.llm.endpoint import Endpoint
from ace_cli.llm.library import load_litellm
from ace_cli.llm.litellm_model import LitellmModel
from ace_cli.llm.retry import CircuitBreaker, RetryPolicy, with_retry

SYSTEM = "You are the Generator. " + "Read the last sentence again to see what is asked. " * 40
IN_FLIGHT = 16


async def cpu(call: Callable[[int], Awaitable[object]], calls: int) -> float:
    """Milliseconds of this process's CPU for one call."""
    slots = asyncio.Semaphore(IN_FLIGHT)

    async def one(number: int) -> None:
        async with slots:
            await call(number)

    before = time.process_time()
    await asyncio.gather(*(one(number) for number in range(calls)))
    return (time.process_time() - before) / calls * 1000


async def compare(url: str, calls: int, rounds: int) -> None:
    litellm = load_litellm()
    model = LitellmModel(Endpoint("gpt-4o-mini", api_base=url, api_key="none"))
    breaker, policy = CircuitBreaker(), RetryPolicy()

    async def bare(number: int) -> None:
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": f"Question {number}"}]
        await litellm.acompletion(
            model="openai/gpt-4o-mini",
            messages=messages,
            api_base=url,
            api_key="none",
            temperature=0,
            max_retries=0,
        )

    async def ours(number: int) -> None:
        messages = (Message("system", SYSTEM), Message("user", f"Question {number}"))
        request = ChatRequest(messages, temperature=0)
        await with_retry(lambda: model.complete(request), policy, breaker=breaker)

    for call in (bare, ours):
        await cpu(call, 20)  # connections and lazy imports
    measured = [(await cpu(bare, calls), await cpu(ours, calls)) for _ in range(rounds)]
    least_bare, least_ours = (min(column) for column in zip(*measured, strict=True))
    print(
        f"bare litellm {least_bare:.2f} ms of CPU a call, ours {least_ours:.2f} ms: {least_ours / least_bare:.2f} times"
    )
    await model.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=6)
    chosen = parser.parse_args()
    with scripted_server() as url:
        asyncio.run(compare(url, chosen.calls, chosen.rounds))


if __name__ == "__main__":
    main()
