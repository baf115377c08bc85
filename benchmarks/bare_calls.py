"""The calls of a training run and nothing else: what the model calls alone cost. Started by bench_train.

python -m benchmarks.bare_calls URL PROMPTS CALLS IN_FLIGHT

PROMPTS is a JSON list of message lists; CALLS of them are sent, IN_FLIGHT at once.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path


async def main(url: str, prompts: list[list[dict[str, str]]], in_flight: int) -> None:
    import litellm

    slots = asyncio.Semaphore(in_flight)

    async def one(messages: list[dict[str, str]]) -> None:
        async with slots:
            await litellm.acompletion(
                model="openai/scripted",
                messages=messages,
                api_base=url,
                api_key="none",
                temperature=0.0,
                max_retries=0,
            )

    await asyncio.gather(*map(one, prompts))


if __name__ == "__main__":
    address, file, count, width = sys.argv[1:]
    conversations = json.loads(Path(file).read_bytes())
    asyncio.run(main(address, conversations[: int(count)], int(width)))
