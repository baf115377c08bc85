"""Retry over real HTTP and real litellm: a provider that fails three times in ten, an outage, a maker of models."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from pydantic import SecretStr

from ace_cli.errors import UsageError
from ace_cli.llm import ChatReply, ChatRequest, Message, PromptStyle, TransientError
from ace_cli.llm.factory import make_model
from ace_cli.llm.litellm_model import LitellmModel
from ace_cli.llm.retry import CircuitBreaker, RetryNotice, RetryPolicy, with_retry
from ace_cli.settings import RoleSettings
from support.models import chat_model
from support.scripted_server import MOMENT, Faults, Outage, ScriptedServer

pytestmark = pytest.mark.patient

QUICK = RetryPolicy(max_retries=8, initial=0.02, maximum=0.1, horizon=30)


def ask_all(
    model: LitellmModel, count: int, policy: RetryPolicy = QUICK, notices: list[RetryNotice] | None = None
) -> list[ChatReply | BaseException]:
    breaker, slots = CircuitBreaker(), asyncio.Semaphore(16)

    async def one(number: int) -> ChatReply:
        request = ChatRequest(
            (Message("system", "You are the Generator."), Message("user", f"Number {number}?"))
        )
        async with slots:
            notify = notices.append if notices is not None else None
            tried = await with_retry(
                lambda: model.complete(request), policy, breaker=breaker, on_retry=notify
            )
            return replace(tried.value, retries=tried.retries)

    async def main() -> list[ChatReply | BaseException]:
        try:
            return await asyncio.gather(*(one(n) for n in range(count)), return_exceptions=True)
        finally:
            await model.close()

    return asyncio.run(main())


def test_every_passing_fault_is_got_over_and_no_reply_is_asked_for_twice() -> None:
    notices: list[RetryNotice] = []
    faults = Faults(rate=0.3, kinds=MOMENT, retry_after=0.05)
    with (
        ScriptedServer() as warm
    ):  # litellm loads a lot at its first call, which must not count as a time-out
        ask_all(chat_model("m", api_base=warm.url), 1)
    with ScriptedServer(faults=faults) as server:
        replies = ask_all(chat_model("m", api_base=server.url, timeout=1), 60, notices=notices)
        assert [reply for reply in replies if not isinstance(reply, ChatReply)] == []
        assert set(server.answered().values()) == {1}
        assert len(server.answered()) == 60
        assert len(server.outcomes()) > len(MOMENT) // 2, "most kinds of fault were met"
    good = [reply for reply in replies if isinstance(reply, ChatReply)]
    assert sum(reply.retries for reply in good) == len(notices) > 0
    with ScriptedServer() as calm:
        undisturbed = ask_all(chat_model("m", api_base=calm.url), 60)
    assert [r.text for r in good] == [r.text for r in undisturbed if isinstance(r, ChatReply)]


@pytest.mark.parametrize("kind", ["refuse", "error_503", "error_500", "html", "rate_limit_bare"])
def test_an_outage_within_the_horizon_loses_nothing(kind: str) -> None:
    with ScriptedServer(outage=Outage(20, 1.0, kind)) as server:
        replies = ask_all(chat_model("m", api_base=server.url, timeout=30), 60)
        assert [reply for reply in replies if not isinstance(reply, ChatReply)] == []
        assert server.outcomes()["ok"] == 60


@pytest.mark.parametrize("kind", ["refuse", "error_500"])
def test_an_outage_beyond_the_horizon_is_the_endpoints_not_the_requests(kind: str) -> None:
    policy = RetryPolicy(max_retries=3, initial=0.05, maximum=0.1, horizon=0.5)
    with ScriptedServer(outage=Outage(0, 3600, kind)) as server:
        errors = ask_all(chat_model("m", api_base=server.url, timeout=30), 16, policy)
    assert all(isinstance(error, TransientError) and error.endpoint for error in errors)
    assert "tried" in str(errors[0])


def test_a_model_is_made_from_its_name_and_its_settings() -> None:
    role = RoleSettings(
        api_key=SecretStr("sk-role-key-123456"),
        headers={"X-Team": SecretStr("secret-team-name")},
        prompt_style="plain",
        input_price=1.0,
        output_price=2.0,
    )
    with ScriptedServer() as server:
        model = make_model("m", role, api_base=[server.url])
        assert (model.name, model.style) == ("m", PromptStyle.PLAIN)
        assert model.price(1_000_000, 1_000_000) == 3.0

        async def main() -> None:
            await model.complete(ChatRequest((Message("user", "hi"),)))
            await model.close()

        asyncio.run(main())
        assert server.headers[0]["authorization"] == "Bearer sk-role-key-123456"
        assert server.headers[0]["x-team"] == "secret-team-name"
    assert make_model("m", api_base=["http://127.0.0.1:1/v1"]).style is PromptStyle.JSON


def test_half_a_price_is_an_error_and_not_a_silent_zero() -> None:
    with pytest.raises(UsageError, match="only one of input_price and output_price"):
        make_model("m", RoleSettings(input_price=1.0))
