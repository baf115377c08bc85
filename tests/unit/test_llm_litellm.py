"""LitellmModel over real HTTP: what comes back, what it costs, and how each failure is called."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import socket
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import httpx
import pytest

from ace_cli.llm import (
    ChatReply,
    ChatRequest,
    Message,
    ModelError,
    PermanentError,
    RequestError,
    TransientError,
)
from ace_cli.llm.endpoint import Prices
from ace_cli.llm.errors_map import map_error
from ace_cli.llm.library import load_litellm
from ace_cli.llm.litellm_model import LitellmModel
from support.models import chat_model
from support.scripted_server import MOMENT, PERMANENT, STICKY, Faults, ScriptedServer

CANARY = "sk-canary-0123456789abcdef"
REQUEST = ChatRequest(
    (Message("system", "You are the Generator of a test."), Message("user", "What is 2 + 2?"))
)
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
T = TypeVar("T")


def run(model: LitellmModel, job: Callable[[], Awaitable[T]]) -> T:
    async def main() -> T:
        try:
            return await job()
        finally:
            await model.close()

    return asyncio.run(main())


def ask(model: LitellmModel, request: ChatRequest = REQUEST) -> ChatReply:
    return run(model, lambda: model.complete(request))


def one_fault(kind: str, **options: Any) -> Faults:
    return Faults(rate=1.0, kinds=(kind,), **{"most": 9, "retry_after": 7, "hang_seconds": 20} | options)


FAILURES = {
    "rate_limit": (TransientError, "rate_limit", True),
    "rate_limit_date": (TransientError, "rate_limit", True),
    "rate_limit_bare": (TransientError, "rate_limit", True),
    "error_500": (TransientError, "server_error", False),
    "error_502": (TransientError, "server_error", True),
    "error_503": (TransientError, "overloaded", True),
    "overloaded": (TransientError, "overloaded", True),
    "reset": (TransientError, "connection", True),
    "refuse": (TransientError, "connection", True),
    "hang": (TransientError, "timeout", False),
    "trickle": (TransientError, "timeout", False),
    "html": (TransientError, "bad_body", False),
    "truncated": (TransientError, "connection", True),
    "invalid_json": (TransientError, "bad_body", False),
    "wrong_schema": (TransientError, "bad_body", False),
    "empty_choices": (TransientError, "bad_body", False),
    "context_length": (RequestError, "context_length", None),
    "content_policy": (RequestError, "content_policy", None),
    "unauthorized": (PermanentError, "auth", None),
    "forbidden": (PermanentError, "auth", None),
    "unknown_model": (PermanentError, "unknown_model", None),
    "no_credit": (PermanentError, "no_credit", None),
    "payment_required": (PermanentError, "no_credit", None),
}
ANTHROPIC = {**FAILURES}
del ANTHROPIC["empty_choices"], ANTHROPIC["refuse"]  # no choices in its form; litellm itself reconnects once


def patience(fault: str) -> float:
    """Seconds: short where time must run out, long where a busy machine must not make it run out."""
    return 1.0 if fault in ("hang", "trickle") else 30.0


def fails(model: LitellmModel) -> ModelError:
    with pytest.raises(ModelError) as caught:
        ask(model)
    return caught.value


@pytest.mark.parametrize("fault", FAILURES)
def test_each_failure_has_its_class_and_its_word(fault: str) -> None:
    kind, word, endpoint = FAILURES[fault]
    with ScriptedServer(faults=one_fault(fault)) as server:
        error = fails(chat_model("some-model", api_base=server.url, api_key=CANARY, timeout=patience(fault)))
        assert (type(error), error.kind, getattr(error, "endpoint", None)) == (kind, word, endpoint)
        assert error.message.startswith("some-model: ")
        assert "\n" not in error.message
        assert "litellm" not in error.message.lower()
        assert len(server.log) == 1, "retrying is not the model's business"


@pytest.mark.parametrize("fault", ANTHROPIC)
def test_another_providers_failures_are_called_the_same(fault: str) -> None:
    kind, word, endpoint = ANTHROPIC[fault]
    with ScriptedServer(faults=one_fault(fault)) as server:
        base = server.url.removesuffix("/v1")
        error = fails(
            chat_model("anthropic/claude-x", api_base=base, api_key=CANARY, timeout=patience(fault))
        )
        assert (type(error), error.kind, getattr(error, "endpoint", None)) == (kind, word, endpoint)


def test_the_table_of_failures_is_complete() -> None:
    replies = {"null_content", "empty_content", "refusal", "length", "content_filter", "chatty"}
    replies |= {"broken_content", "garbage_content"}
    assert {*MOMENT, *STICKY, *PERMANENT} == {*FAILURES, *replies}


@pytest.mark.parametrize(("fault", "low", "high"), [("rate_limit", 7, 7), ("rate_limit_date", 5, 7)])
def test_the_provider_says_when_to_come_back(fault: str, low: float, high: float) -> None:
    with ScriptedServer(faults=one_fault(fault)) as server:
        error = fails(chat_model("m", api_base=server.url))
    assert isinstance(error, TransientError)
    assert error.retry_after is not None
    assert low <= error.retry_after <= high


def test_a_closed_port_is_a_connection_failure_that_names_no_library() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: refused, and nobody else gets the port
        error = fails(chat_model("m", api_base=f"http://127.0.0.1:{taken.getsockname()[1]}/v1"))
    assert isinstance(error, TransientError)
    assert (error.kind, error.endpoint) == ("connection", True)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (ConnectionRefusedError(111, "Connect call failed"), "nothing listens at host:9"),
        (ConnectionResetError(104, "Connection reset by peer"), "[Errno 104] Connection reset by peer"),
    ],
)
def test_a_lost_connection_is_told_as_what_it_is_and_not_in_the_words_of_a_library_below(
    reason: OSError, said: str
) -> None:
    failed = httpx.ConnectError("All attempts failed", request=httpx.Request("POST", "http://u:p@host:9/v1"))
    reason.__context__, failed.__cause__ = RuntimeError("no running event loop"), reason
    assert map_error(failed, "m").message == f"m: no connection: {said}"


@pytest.mark.parametrize(
    ("fault", "text", "finish"),
    [
        ("null_content", "", "stop"),
        ("empty_content", "", "stop"),
        ("refusal", "I cannot help with that.", "stop"),
        ("content_filter", "", "content_filter"),
        ("length", '{"answer"', "length"),
    ],
)
def test_odd_replies_are_replies(fault: str, text: str, finish: str) -> None:
    with ScriptedServer(faults=one_fault(fault), reply='{"answer": "four"}') as server:
        reply = ask(chat_model("m", api_base=server.url))
    assert (reply.text, reply.finish_reason) == (text, finish)


def test_a_reply_brings_its_tokens_and_its_cost() -> None:
    with ScriptedServer(cached_share=0.5) as server:
        known = ask(chat_model("gpt-4o-mini", api_base=server.url))
        unknown = ask(chat_model("m", api_base=server.url))
        priced = ask(chat_model("m", api_base=server.url, prices=Prices(input=2.0, output=10.0)))
    tokens = (known.prompt_tokens, known.completion_tokens)
    assert known.cached_prompt_tokens == known.prompt_tokens // 2
    model = chat_model("gpt-4o-mini")
    whole = model.price(*tokens)
    assert known.cost_usd is not None
    assert whole is not None
    assert 0 < known.cost_usd < whole, "cached tokens are cheaper"
    assert unknown.cost_usd is None
    assert priced.cost_usd == pytest.approx((tokens[0] * 2 + tokens[1] * 10) / 1e6)


def test_litellm_does_no_work_of_its_own_on_a_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would price each reply once more, at prices that are not the user's, and write a record of it for a log that there is not."""
    load_litellm()
    from litellm.litellm_core_utils.litellm_logging import Logging

    done: list[str] = []
    monkeypatch.setattr(Logging, "response_cost_calculator", lambda *_, **__: done.append("price"))
    monkeypatch.setattr(Logging, "_build_standard_logging_payload", lambda *_, **__: done.append("log"))

    async def twice(model: LitellmModel) -> ChatReply:
        await model.complete(REQUEST)
        await asyncio.sleep(0)  # what litellm leaves for later has its turn
        return await model.complete(REQUEST)

    with ScriptedServer() as server:
        model = chat_model("m", api_base=server.url, prices=Prices(2, 10))
        reply = run(model, lambda: twice(model))
    assert reply.cost_usd == pytest.approx((reply.prompt_tokens * 2 + reply.completion_tokens * 10) / 1e6)
    assert done == []


def test_tokens_are_counted_where_the_server_does_not() -> None:
    with ScriptedServer(usage=False, reply="one two three") as server:
        reply = ask(chat_model("m", api_base=server.url))
    assert reply.completion_tokens == 3
    assert reply.prompt_tokens > 10


def test_counting_tokens_needs_no_network_and_takes_any_text() -> None:
    model = chat_model("groq/llama-3.1-8b-instant")
    assert model.count_tokens("one two three") == 3
    assert model.count_tokens("<|endoftext|> \x00 \u2603") > 0


def test_what_is_asked_for_is_what_is_sent() -> None:
    request = ChatRequest(
        REQUEST.messages,
        schema=SCHEMA,
        temperature=0.0,
        max_tokens=50,
        extra={"top_p": 0.5, "my_parameter": 1},
    )
    with ScriptedServer(keep_requests=True) as server:
        ask(chat_model("gpt-4o-mini", api_base=server.url, headers={"X-Team": "red"}), request)
        ask(chat_model("some-model", api_base=server.url), request)
        native, plain = server.requests
        assert server.headers[0]["x-team"] == "red"
    assert native["response_format"]["json_schema"]["strict"] is True
    assert native["response_format"]["json_schema"]["schema"] == SCHEMA
    assert plain["response_format"] == native["response_format"]  # until it refuses; no table knows its name
    for body in (native, plain):
        body.pop("response_format", None)
        assert body == {
            "model": body["model"],
            "messages": [{"role": m.role, "content": m.content} for m in REQUEST.messages],
            "temperature": 0.0,
            "max_tokens": 50,
            "top_p": 0.5,
            "my_parameter": 1,
        }


def test_a_rejected_schema_is_left_out_from_then_on_and_said_once() -> None:
    notices: list[str] = []
    request = ChatRequest(REQUEST.messages, schema=SCHEMA)
    with ScriptedServer(no_schema=True, keep_requests=True) as server:
        model = chat_model("gpt-4o-mini", api_base=server.url, notify=notices.append)

        async def twice() -> None:
            await model.complete(request)
            await model.complete(request)

        run(model, twice)
        assert ["response_format" in body for body in server.requests] == [True, False, False]
    assert notices == ["gpt-4o-mini does not take response_format: left out from now on"]


def test_a_temperature_that_the_model_does_not_take_is_left_out() -> None:
    notices: list[str] = []
    with ScriptedServer(keep_requests=True) as server:
        model = chat_model("gpt-5", api_base=server.url, notify=notices.append)
        ask(model, ChatRequest(REQUEST.messages, temperature=0.0))
        assert "temperature" not in server.requests[0]
    assert len(notices) == 1


def test_prompt_caching_of_a_provider_can_be_asked_for_through_extra() -> None:
    points = [{"location": "message", "role": "system"}]
    with ScriptedServer(keep_requests=True, cached_share=0.5) as server:
        model = chat_model("anthropic/claude-x", api_base=server.url.removesuffix("/v1"), api_key=CANARY)
        reply = ask(model, ChatRequest(REQUEST.messages, extra={"cache_control_injection_points": points}))
        assert server.requests[0]["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert reply.cached_prompt_tokens == reply.prompt_tokens // 2 > 0


def test_connections_are_kept_and_loops_may_come_and_go() -> None:
    with ScriptedServer() as server:
        for _ in range(2):
            model = chat_model("m", api_base=server.url)

            async def many(model: LitellmModel = model) -> None:
                for _ in range(5):
                    await model.complete(REQUEST)

            run(model, many)
        assert server.connections == 2


@pytest.mark.parametrize("model", ["openai/scripted", "anthropic/scripted"])
def test_no_parameter_takes_a_call_to_another_server(model: str) -> None:
    """The settings refuse such parameters by name; should one have a name that is new, the call is stopped on the wire."""
    with ScriptedServer() as server, ScriptedServer() as foreign:
        elsewhere = replace(REQUEST, extra={"base_url": foreign.url})
        with pytest.raises(PermanentError, match="would be called instead of") as caught:
            ask(chat_model(model, api_base=server.url, api_key=CANARY), elsewhere)
        assert caught.value.kind == "foreign"
        assert not foreign.log


def test_hostile_text_goes_through() -> None:
    text = "\x00\x1b[31m \ud800 [bold]<script> " + "x" * 1_000_000
    with ScriptedServer(reply="ok") as server:
        assert ask(chat_model("m", api_base=server.url), ChatRequest((Message("user", text),))).text == "ok"


def test_an_unknown_provider_is_said_before_anything_is_sent() -> None:
    error = fails(chat_model("no-such-model-anywhere"))
    assert isinstance(error, PermanentError)
    assert "provider" in error.message
    assert "--api-base" in error.hint


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for model, variable in (("gpt-4o-mini", "OPENAI_API_KEY"), ("anthropic/claude-x", "ANTHROPIC_API_KEY")):
        error = fails(chat_model(model))
        assert isinstance(error, PermanentError)
        assert error.kind == "auth"
        assert variable in error.hint


@pytest.mark.parametrize(
    ("provider", "fault"), [*(("openai", f) for f in FAILURES), *(("anthropic", f) for f in ANTHROPIC)]
)
def test_no_failure_tells_the_key(
    provider: str, fault: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not in the message, the hint, the traceback, the log or on the terminal, though the provider echoes it."""
    with caplog.at_level(logging.DEBUG), ScriptedServer(faults=one_fault(fault, echo=True)) as server:
        base = server.url if provider == "openai" else server.url.removesuffix("/v1")
        model = chat_model(
            f"{provider}/m", api_base=base, api_key=CANARY, headers={"X-Key": CANARY}, timeout=patience(fault)
        )
        error = fails(model)
        assert any(CANARY in str(headers) for headers in server.headers)
    out, err = capfd.readouterr()
    shown = "".join(traceback.format_exception(error)) + error.message + error.hint + repr(model)
    assert CANARY not in shown + out + err + caplog.text


def test_a_key_in_the_address_is_not_told_either() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        base = f"http://user:{CANARY}@127.0.0.1:{taken.getsockname()[1]}/v1?key={CANARY}"
        error = fails(chat_model("m", api_base=base))
    assert CANARY not in "".join(traceback.format_exception(error)) + error.message


def test_success_is_silent_too(capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder) -> None:
    gc.collect()  # what tests before this one left open is theirs
    recwarn.clear()
    with ScriptedServer() as server:
        ask(chat_model("m", api_base=server.url, api_key=CANARY))
    assert capfd.readouterr() == ("", "")
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize(
    ("code", "kind"),
    [(429, "rate_limit"), (503, "overloaded"), (401, "auth"), (402, "no_credit"), (404, "unknown_model")],
)
def test_an_error_in_a_body_with_status_200_counts_as_that_error(code: int, kind: str) -> None:
    with ScriptedServer() as server:
        server.raw_body = json.dumps({"error": {"code": code, "message": "as it says"}}).encode()
        assert fails(chat_model("m", api_base=server.url)).kind == kind


def test_a_request_is_sent_as_the_client_would_write_it() -> None:
    """What the client looks through each request for is left out for ours (:mod:`ace_cli.llm.lean`): the same bytes come out."""

    async def both(model: LitellmModel, request: ChatRequest) -> None:
        litellm = load_litellm()
        await model.complete(request)
        plain: dict[str, Any] = {
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": dict(SCHEMA), "strict": True},
            },
            **request.extra,
        }
        await litellm.acompletion(model="openai/scripted", api_base=server.url, api_key="none", **plain)

    with ScriptedServer(keep_requests=True) as server:
        for extra in ({}, {"seed": 3, "stop": ["a", "b"]}, {"logit_bias": {"17": -1}}):
            request = replace(
                REQUEST, schema=SCHEMA, schema_name="answer", temperature=0.5, max_tokens=9, extra=extra
            )
            model = chat_model("openai/scripted", api_base=server.url, api_key="none")
            run(model, partial(both, model, request))
        bodies = [json.dumps(body).encode() for body in server.requests]
    assert bodies[::2] == bodies[1::2]
