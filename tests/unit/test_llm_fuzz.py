"""Whatever a server sends with status 200, there is a reply or a ModelError, and nothing else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ace_cli.llm import ChatReply, ChatRequest, Message, ModelError
from ace_cli.llm.errors_map import map_error
from support.fuzzing import usually
from support.models import chat_model
from support.scripted_server import ScriptedServer

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # as load_litellm does
REQUEST = ChatRequest((Message("user", "hi"),))

scalars = st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats() | st.text(max_size=8)
junk = st.recursive(
    scalars, lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=5), x, max_size=3)
)


def either(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return good | junk


message = st.fixed_dictionaries(
    {},
    optional={
        "role": either(st.just("assistant")),
        "content": either(st.text()),
        "refusal": junk,
        "tool_calls": junk,
    },
)
choice = st.fixed_dictionaries(
    {"message": either(message)},
    optional={
        "index": either(st.just(0)),
        "finish_reason": either(st.sampled_from(["stop", "length", "odd"])),
    },
)
usage = st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": either(st.integers(0, 9)),
        "completion_tokens": either(st.integers(0, 9)),
        "prompt_tokens_details": either(st.fixed_dictionaries({"cached_tokens": junk})),
    },
)
body = st.fixed_dictionaries(
    {"choices": either(st.lists(choice, min_size=1, max_size=2))},
    optional={
        "id": junk,
        "model": either(st.text(max_size=5)),
        "usage": either(usage),
        "created": junk,
        "error": junk,
    },
)


@pytest.mark.hypothesis
def test_odd_bodies_over_http() -> None:
    kinds = set()
    with ScriptedServer() as server, asyncio.Runner() as runner:
        model = chat_model("m", api_base=server.url, timeout=30)

        @settings(max_examples=usually(100), deadline=None, suppress_health_check=list(HealthCheck))
        @given(either(body).map(lambda value: json.dumps(value).encode()) | st.binary(max_size=30))
        def check(raw: bytes) -> None:
            server.raw_body = raw
            try:
                reply = runner.run(model.complete(REQUEST))
            except ModelError as error:
                kinds.add(error.kind)
                return
            assert isinstance(reply, ChatReply)
            assert isinstance(reply.text, str)
            assert isinstance(reply.finish_reason, str)
            assert reply.prompt_tokens > 0
            assert reply.cached_prompt_tokens >= 0
            assert reply.completion_tokens >= 0

        check()
        runner.run(model.close())
    # another try for a body that is no reply, or that says "error" without saying which
    assert "bad_body" in kinds
    assert kinds <= {"bad_body", "server_error"}


@settings(max_examples=usually(300), deadline=None)
@given(st.integers(300, 599), either(st.text()).map(json.dumps) | st.text(), st.text(max_size=20))
def test_odd_errors(status: int, text: str, after: str) -> None:
    import httpx

    request = httpx.Request("POST", "http://127.0.0.1/v1")
    headers = [(b"retry-after", after.encode("utf-8", "replace"))]
    raw = text.encode("utf-8", "replace")
    response = httpx.Response(status, content=raw, headers=headers, request=request)
    error = map_error(httpx.HTTPStatusError("failed", request=request, response=response), "m")
    assert isinstance(error, ModelError)
    assert error.message.isprintable()
