"""Providers' other ways to reply: errors with status 200, odd fields in what was paid for, redirects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from support.command import KEY, read_json
from support.inside import Inside
from support.scripted_server import ScriptedServer
from support.serving import Serve

pytestmark = [
    pytest.mark.patient,
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings"),  # as load_litellm does
]

Reply = dict[str, Any]
SECRET = "canary-header-0123456789"


def failed(inside: Inside, run: str) -> int:
    return int(read_json(inside.cwd / f"{run}.metrics.json")["training_summary"]["failed_generations"])


def train(inside: Inside, server: ScriptedServer, data: Any, run: str, **flags: object) -> Any:
    outputs = {"output": f"{run}.json", "metrics_output": f"{run}.metrics.json", "run_dir": run}
    return inside.train(server, data, 4, batch_size=4, **{**outputs, **flags})


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "Overloaded", "type": "overloaded_error"}},
        {"error": "The model is busy, come back later"},
        {"error": {"message": "Rate limit exceeded", "code": "429"}},
        {"detail": "Internal Server Error"},
    ],
    ids=["overloaded", "text", "code", "detail"],
)
def test_an_error_with_status_200_costs_time_only(error: Reply, serve: Serve, inside: Inside) -> None:
    server, data = serve(4)
    assert train(inside, server, data, "calm").code == 0
    server.reshape = lambda reply, tries: error if tries == 0 else reply
    again, data = serve(4)
    again.reshape = server.reshape
    done = train(inside, again, data, "stormy")
    assert done.code == 0, done.err
    assert failed(inside, "stormy") == 0
    assert (inside.cwd / "stormy.json").read_bytes() == (inside.cwd / "calm.json").read_bytes()


def usage(value: Any) -> Callable[[Reply, int], Reply]:
    return lambda reply, tries: {**reply, "usage": value}


def content(change: Callable[[str], Any]) -> Callable[[Reply, int], Reply]:
    def reshape(reply: Reply, tries: int) -> Reply:
        (choice,) = reply["choices"]
        message = {**choice["message"], "content": change(choice["message"]["content"])}
        return {**reply, "choices": [{**choice, "message": message}]}

    return reshape


ODD = {
    "no usage": usage(None),
    "usage as text": usage("n/a"),
    "usage as a list": usage([1, 2]),
    "counts as texts": usage({"prompt_tokens": "10", "completion_tokens": "many", "total_tokens": "?"}),
    "fractions": usage({"prompt_tokens": 10.5, "completion_tokens": 5.5, "total_tokens": 16}),
    "negative": usage({"prompt_tokens": -10, "completion_tokens": -5, "total_tokens": -15}),
    "content in parts": content(lambda text: [{"type": "text", "text": text[:9]}, {"type": "text", "text": text[9:]}]),
    "thoughts in parts": content(lambda text: [{"type": "thinking", "thinking": "{hm"}, {"type": "text", "text": text}]),
    "tool calls as text": lambda reply, tries: {
        **reply,
        "choices": [{**reply["choices"][0], "message": {**reply["choices"][0]["message"], "tool_calls": "none"}}],
    },
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_a_paid_reply_with_odd_fields_is_taken_at_once(odd: str, serve: Serve, inside: Inside) -> None:
    server, data = serve(4)
    assert train(inside, server, data, "plain").code == 0
    calls, server.reshape = len(server.log), ODD[odd]
    done = train(inside, server, data, "odd")
    assert done.code == 0, done.err
    assert len(server.log) == 2 * calls
    assert (inside.cwd / "odd.json").read_bytes() == (inside.cwd / "plain.json").read_bytes()
    spent = read_json(inside.cwd / "odd.metrics.json")["usage"]
    assert spent["prompt_tokens"] > 0
    assert spent["completion_tokens"] > 0


@pytest.mark.parametrize(
    "shape",
    [
        lambda reply, tries: {**reply, "choices": []},
        lambda reply, tries: {**reply, "choices": [{"index": 0, "finish_reason": "stop"}]},
        lambda reply, tries: {"id": "x", "usage": reply["usage"]},
    ],
    ids=["no choices", "no message", "usage alone"],
)
def test_one_bad_shape_never_becomes_five_paid_calls(
    shape: Callable[[Reply, int], Reply], serve: Serve, inside: Inside
) -> None:
    server, data = serve(4)
    server.reshape = shape
    done = train(inside, server, data, "run", max_failures=4)
    assert done.code in (0, 1), done.err
    assert failed(inside, "run") == 4 if done.code == 0 else True
    calls = Counter((entry.role, entry.question) for entry in server.log)
    assert len(calls) == 4
    assert max(calls.values()) < 5


@pytest.mark.parametrize("model", ["openai/scripted", "anthropic/scripted", "hosted_vllm/scripted"])
def test_a_redirect_to_another_server_takes_no_key_along(model: str, serve: Serve, inside: Inside) -> None:
    inside.set(ANTHROPIC_API_KEY=KEY, HOSTED_VLLM_API_KEY=KEY)
    config = inside.cwd / "keys.toml"
    config.write_text(
        f'[models.generator]\nheaders = {{ "X-Secret" = "{SECRET}" }}\n'
        f'[models.reflector]\nheaders = {{ "X-Secret" = "{SECRET}" }}\n'
    )
    server, data = serve(4)
    foreign, _ = serve(5)
    server.redirect = f"{foreign.url}/chat/completions"
    base = server.url.removesuffix("/v1") if model.startswith("anthropic") else server.url
    done = train(
        inside,
        server,
        data,
        "run",
        config=config,
        generator_model=model,
        reflector_model=model,
        api_base=base,
    )
    assert done.code == 1
    assert any(SECRET in headers.values() for headers in server.headers)
    assert foreign.headers == []
    assert foreign.connections == 0
    assert "redirects to other servers are not followed" in done.err
    assert foreign.url.removesuffix("/v1") in done.err
    assert "hint: " in done.err
    assert SECRET not in done.err + done.out
    assert KEY not in done.err + done.out


def test_vectors_are_not_asked_for_elsewhere_either(serve: Serve, inside: Inside) -> None:
    server, data = serve(4)
    foreign, _ = serve(5)

    asked: list[int] = []

    def then_move(reply: Reply, tries: int) -> Reply:
        asked.append(tries)
        if len(asked) == 8:  # all that is asked for are vectors now
            server.redirect = f"{foreign.url}/embeddings"
        return reply

    server.reshape = then_move
    done = train(inside, server, data, "run", embedding_model="openai/some-embedder")
    assert done.code == 1
    assert "redirects to other servers are not followed" in done.err
    assert foreign.connections == 0


def test_vectors_are_asked_for_with_their_own_address_key_and_headers(serve: Serve, inside: Inside) -> None:
    server, data = serve(4)
    vectors, _ = serve(5)
    config = inside.cwd / "embedding.toml"
    config.write_text(
        f'[models]\nembedding_api_base = "{vectors.url}"\nembedding_api_key = "{SECRET}"\n'
        f'embedding_headers = {{ "X-Team" = "{SECRET}" }}\nembedding_price = 1e6\n'
    )
    done = train(inside, server, data, "run", config=config, embedding_model="openai/some-embedder")
    assert done.code == 0, done.err
    assert {entry.role for entry in vectors.log} == {"embedding"}
    assert "embedding" not in {entry.role for entry in server.log}
    assert {headers["authorization"] for headers in vectors.headers} == {f"Bearer {SECRET}"}
    assert {headers["x-team"] for headers in vectors.headers} == {SECRET}
    usage = read_json(inside.cwd / "run.metrics.json")["usage"]["by_role"]["embedding"]
    assert usage["cost_usd"] == usage["prompt_tokens"] > 0


def test_a_redirect_within_the_server_is_followed(serve: Serve, inside: Inside) -> None:
    server, data = serve(4)
    server.redirect = f"{server.url}/moved/chat/completions"
    done = train(inside, server, data, "run")
    assert done.code == 0, done.err
    assert failed(inside, "run") == 0


def broken_off(reply: Reply, tries: int) -> Reply:
    """The Generator's replies end at their limit; what it says there is whole."""
    (choice,) = reply["choices"]
    ended = "length" if "final_answer" in choice["message"]["content"] else choice["finish_reason"]
    return {**reply, "choices": [{**choice, "finish_reason": ended}]}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            {},
            "broke off at the limit of the model or its server: models.generator.max_tokens gives more room, or an earlier end to a model that repeats itself",
        ),
        (
            {"config": "short.toml"},
            "broke off at models.generator.max_tokens = 300: more gives room, unless the model repeats itself",
        ),
    ],
    ids=["the server's", "ours"],
)
def test_replies_that_broke_off_are_counted_and_said(
    flags: dict[str, object], said: str, serve: Serve, inside: Inside
) -> None:
    (inside.cwd / "short.toml").write_text("[models.generator]\nmax_tokens = 300\n")
    server, data = serve(4)
    assert "broke off" not in train(inside, server, data, "whole").out
    server.reshape = broken_off
    done = train(inside, server, data, "broken", **flags)
    assert f"4 of 4 replies of the generator {said}" in done.out
    by_role = read_json(inside.cwd / "broken.metrics.json")["usage"]["by_role"]
    assert (by_role["generator"]["broken_off"], by_role["reflector"]["broken_off"]) == (4, 0)
    model = ("--generator-model", "openai/scripted", "--api-base", server.url)
    told = [part for name, value in flags.items() for part in (f"--{name}", value)]
    measured = inside("eval", "--input", data, "--dataset", "custom", *model, *told, "--run-dir", "measured")
    assert f"4 of 4 replies of the generator {said}" in " ".join(measured.out.split())


def test_that_nothing_was_learned_is_said_beside_what_broke_off(serve: Serve, inside: Inside) -> None:
    server, data = serve(4, right=1.0)
    server.reshape = broken_off
    told = train(inside, server, data, "quiet", reflect_on="wrong").out
    assert "4 of 4 replies of the generator broke off" in told
    assert "nothing was learned: ace inspect" in told
