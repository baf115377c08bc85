"""What is marked for a provider's cache of prompts, and what that costs by litellm's prices."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from ace_cli.llm.base import ChatReply, ChatRequest, Message
from ace_cli.llm.endpoint import Endpoint
from ace_cli.llm.litellm_model import LitellmModel
from ace_cli.llm.prefix_cache import FRESH, PrefixCache
from support.scripted_prefixes import Prefixes
from support.scripted_server import ScriptedServer

HEAD = "You are the Generator. Reply in JSON.\n\nPlaybook:\n"
SONNET = "anthropic/claude-sonnet-4-5"
PRICE, READ, WRITE, OUT = 3e-6, 0.3e-6, 3.75e-6, 15e-6
"""Of claude-sonnet-4-5 by litellm's table, US dollars a token."""


def playbook(bullets: int) -> str:
    lines = (
        f"[B{n:03}] When invoice {n} arrives, check field {n * n} before paying it out."
        for n in range(bullets)
    )
    return HEAD + "\n".join(lines)


def ask(server: ScriptedServer, prompts: Sequence[str], model: str = SONNET) -> list[ChatReply]:
    """One after the other."""

    async def all_of_them() -> list[ChatReply]:
        asked = LitellmModel(Endpoint(model, api_base=server.url.removesuffix("/v1"), api_key="none"))
        try:
            return [
                await asked.complete(
                    ChatRequest((Message("system", prompt), Message("user", f"Question {n}?")))
                )
                for n, prompt in enumerate(prompts)
            ]
        finally:
            await asked.close()

    return asyncio.run(all_of_them())


def test_a_prefix_that_is_sent_again_is_written_once_and_then_read() -> None:
    with ScriptedServer() as server:
        server.prefixes = Prefixes(1024)
        replies = ask(server, [playbook(120)] * 5)
        assert server.prefixes.marks == 4, "the first time nobody knows that there is a second"
        assert 0 < server.prefixes.written < replies[0].prompt_tokens
        written = server.prefixes.written
    shares = [reply.cached_prompt_tokens / reply.prompt_tokens for reply in replies]
    assert shares[:2] == [0, 0]
    assert min(shares[2:]) > 0.7
    first, writes, reads = replies[0], replies[1], replies[2]
    out = first.completion_tokens * OUT
    assert first.cost_usd == pytest.approx(first.prompt_tokens * PRICE + out)
    assert writes.cost_usd == pytest.approx((writes.prompt_tokens - written) * PRICE + written * WRITE + out)
    cached = reads.cached_prompt_tokens
    assert reads.cost_usd == pytest.approx((reads.prompt_tokens - cached) * PRICE + cached * READ + out)


def test_a_playbook_that_grows_is_read_up_to_where_it_has_grown() -> None:
    with ScriptedServer() as server:
        server.prefixes = Prefixes(1024)
        replies = ask(server, [playbook(100 + 10 * (n // 3)) for n in range(30)])
        written = server.prefixes.written
    assert min(reply.cached_prompt_tokens / reply.prompt_tokens for reply in replies[3:]) > 0.5
    assert written < 1.2 * replies[-1].prompt_tokens, "what was written once is not written again"
    plain = sum(reply.prompt_tokens * PRICE + reply.completion_tokens * OUT for reply in replies)
    assert sum(reply.cost_usd or 0 for reply in replies) < 0.5 * plain


@pytest.mark.parametrize(
    ("prompts", "model"),
    [
        ([playbook(40)] * 4, SONNET),
        ([playbook(120)] * 4, "anthropic/claude-haiku-4-5"),
        ([f"{HEAD}{n}\n{playbook(120)}" for n in range(4)], SONNET),
    ],
    ids=["below the minimum", "below that of another model", "never the same"],
)
def test_what_the_cache_is_of_no_use_for_is_not_marked(prompts: Sequence[str], model: str) -> None:
    with ScriptedServer() as server:
        server.prefixes = Prefixes(1024)
        ask(server, prompts, model)
        assert server.prefixes.marks == 0


def test_a_server_that_caches_nothing_is_not_paid_for_it_forever() -> None:
    with ScriptedServer() as server:
        server.prefixes = Prefixes(10**9)
        ask(server, [playbook(120)] * 30)
        assert server.prefixes.marks <= 10


def test_one_call_writes_while_others_are_under_way_and_the_time_runs_out() -> None:
    now = [0.0]
    cache = PrefixCache(1, lambda text: len(text) // 4, lambda: now[0])
    prompt = playbook(120)
    first = cache.mark(prompt)
    assert (first.read, first.written, first.content) == (None, None, prompt)
    cache.sent(first, 0)
    writer, other = cache.mark(prompt), cache.mark(prompt)
    assert writer.written is not None
    assert (other.read, other.written) == (None, None)
    cache.sent(writer, None)  # it failed: the next one writes
    again = cache.mark(prompt)
    assert again.written == writer.written
    cache.sent(again, 0)
    now[0] += FRESH / 2
    reader = cache.mark(prompt)
    assert (reader.read, reader.written) == (again.written, None)
    assert isinstance(reader.content, list)
    assert "".join(part["text"] for part in reader.content) == prompt
    cache.sent(reader, 1000)
    now[0] += 0.9 * FRESH
    assert cache.mark(prompt).read == again.written, "reading keeps it"
    now[0] += 1.1 * FRESH
    late = cache.mark(prompt)
    assert (late.read, late.written) == (None, again.written)
