"""Callbacks of litellm: told of every call of a run that names them, and of nothing else; one that fails stops nothing."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ace_cli.llm.library import load_litellm
from support.collector import Collector
from support.command import KEY, ace, environment, train_arguments
from support.inside import Inside
from support.scripted_server import Faults
from support.serving import Serve

pytestmark = pytest.mark.patient

HEARER = """
import json
from litellm.integrations.custom_logger import CustomLogger

class Hearer(CustomLogger):
    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        self.write("ok", kwargs)

    async def async_log_failure_event(self, kwargs, response_obj, start_time, end_time):
        self.write("failed", kwargs)

    def write(self, what, kwargs):
        told = {"what": what, "about": kwargs["litellm_params"]["metadata"], "messages": kwargs["messages"]}
        with open("heard.jsonl", "a") as file:
            file.write(json.dumps(told, default=str) + "\\n")

class Broken(CustomLogger):
    async def async_log_success_event(self, **_):
        raise RuntimeError("the collector is on fire")

hearer = Hearer()
"""


def module(inside: Inside, name: str) -> str:
    """A module of the user's in the working directory; names differ, since Python imports one only once."""
    (inside.cwd / f"{name}.py").write_text(HEARER)
    return name


def heard(folder: Path) -> list[dict[str, Any]]:
    path = folder / "heard.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_callback_hears_of_every_call_and_where_in_the_run_it_stands(serve: Serve, inside: Inside) -> None:
    server, data = serve(6, keep_requests=True)
    name = module(inside, "hears_all")
    done = inside.train(server, data, 6, batch_size=3, callbacks=f"{name}:hearer")
    assert done.code == 0, done.err
    assert f"every prompt and reply is sent to: {name}:hearer" in done.err
    told = heard(inside.cwd)
    assert Counter(call["about"]["role"] for call in told) == {"generator": 6, "reflector": 6}
    assert {call["about"]["step"] for call in told} == set(range(6))
    assert {call["about"]["run"] for call in told} == {"run"}
    assert all(call["messages"][0]["content"].startswith("You are the ") for call in told)
    assert KEY not in (inside.cwd / "heard.jsonl").read_text()
    assert not any("metadata" in request for request in server.requests), "the provider learns nothing of it"


def test_failures_are_heard_of_too_and_cost_nothing_but_the_retry(serve: Serve, inside: Inside) -> None:
    server, data = serve(4, faults=Faults(rate=1.0, kinds=("error_500",), most=1))
    done = inside.train(server, data, 4, callbacks=f"{module(inside, 'hears_failures')}:Hearer")
    assert done.code == 0, done.err
    assert Counter(call["what"] for call in heard(inside.cwd)) == {"ok": 8, "failed": 8}


def test_a_callback_that_fails_is_told_once_and_stops_nothing(serve: Serve, inside: Inside) -> None:
    server, data = serve(6)
    done = inside.train(server, data, 6, callbacks=f"{module(inside, 'breaks')}:Broken")
    assert done.code == 0, done.err
    assert done.err.count("the collector is on fire") == 1
    assert "a callback failed" in done.err


def test_nobody_is_told_of_a_run_that_names_nobody(
    serve: Serve, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, data = serve(2)
    name = module(inside, "hears_once")
    assert inside.train(server, data, 2, callbacks=f"{name}:hearer").code == 0
    assert len(heard(inside.cwd)) == 4
    litellm: Any = load_litellm()
    import hears_once  # type: ignore[import-not-found]

    monkeypatch.setattr(litellm, "callbacks", [hears_once.hearer])
    assert inside.train(server, data, 2, run_dir="second", output="second.json").code == 0
    assert len(heard(inside.cwd)) == 4


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("langfuze", "Did you mean 'langfuse'?"),
        ("nowhere_at:all", "cannot load the callback 'nowhere_at:all'"),
        ("json:dumps", "it has no 'log_success_event'"),
    ],
)
def test_a_callback_that_cannot_be_used_is_told_before_there_is_a_run(
    serve: Serve, inside: Inside, name: str, said: str
) -> None:
    server, data = serve(2)
    for command in ("train", "check"):
        done = inside(
            command, "--input", data, "--api-base", server.url, "--model", "openai/x", "--callbacks", name
        )
        assert done.code == 2
        assert said in done.err + done.out
    assert not (inside.cwd / "runs").exists()


@pytest.mark.parametrize("name", ["otel", "mine:hearer"])
def test_a_project_file_sends_prompts_to_nobody_without_the_users_word(
    serve: Serve, inside: Inside, name: str
) -> None:
    server, data = serve(2)
    module(inside, "mine")
    (inside.cwd / "ace.toml").write_text(f'[models]\ncallbacks = ["{name}"]\n')
    done = inside.train(server, data, 2)
    assert done.code == 2
    assert "ace.toml would have `ace` " in done.err
    assert name in done.err
    assert "--trust" in done.err
    assert not server.log
    assert inside.train(server, data, 2, callbacks="").code == 0, "a flag of one's own wins"


def test_a_run_that_goes_on_is_told_to_the_same_callbacks(serve: Serve, inside: Inside) -> None:
    server, data = serve(4)
    name = module(inside, "hears_on")
    done = inside.train(server, data, 4, batch_size=2, callbacks=f"{name}:hearer", max_calls=4)
    assert done.code == 3
    assert inside("resume", "run", "--max-calls", "").code == 0
    assert len(heard(inside.cwd)) == 8


@pytest.mark.parametrize("status", [200, 500])
def test_a_tracing_service_gets_the_calls_at_its_own_address(
    serve: Serve, tmp_path: Path, status: int
) -> None:
    server, data = serve(3)
    with Collector(status) as collector:
        env = environment(OPIK_URL_OVERRIDE=collector.url, OPIK_API_KEY="opik-key")
        done = ace("train", *train_arguments(server.url, data, 3, callbacks="opik"), cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert {path for path, _ in collector.bodies} == {"/v1/private/traces/batch", "/v1/private/spans/batch"}
    sent = b"".join(body for _, body in collector.bodies)
    assert sent.count(b"You are the Reflector") >= 3
    assert KEY.encode() not in sent
    assert done.stderr.count("told once") == (status == 500)
    assert "Traceback" not in done.stderr


def test_spans_go_to_a_collector_of_opentelemetry(serve: Serve, tmp_path: Path) -> None:
    pytest.importorskip(
        "opentelemetry.exporter.otlp.proto.http", reason="needs the exporter of OpenTelemetry"
    )
    server, data = serve(3)
    with Collector() as collector:
        env = environment(OTEL_EXPORTER="otlp_http", OTEL_ENDPOINT=f"{collector.url}/v1/traces")
        done = ace("train", *train_arguments(server.url, data, 3, callbacks="otel"), cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert {path for path, _ in collector.bodies} == {"/v1/traces"}
    sent = b"".join(body for _, body in collector.bodies)
    assert b"gen_ai.input.messages" in sent
    assert b"'role': 'reflector'" in sent, "where in the run a call stands"
    assert KEY.encode() not in sent
