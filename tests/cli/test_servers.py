"""Several servers for a role: who answers changes nothing, and one that dies is left out."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ace_cli import OfflineTrainer, TrainingConfig
from ace_cli.settings import Kind
from ace_cli.settings.layers import load
from ace_cli.settings.recorded import recorded
from support.command import read_json
from support.inside import Inside
from support.scripted_server import Faults, Outage, ScriptedServer
from support.serving import Serve

pytestmark = pytest.mark.patient

COUNT = 16
FOR_EVER = 1e6


def urls(*servers: ScriptedServer) -> str:
    return ",".join(server.url for server in servers)


def result(folder: Path) -> tuple[bytes, dict[str, Any]]:
    metrics = read_json(folder / "out/metrics.json")
    metrics.pop("timing")
    return (folder / "out/playbook.json").read_bytes(), metrics


def of_one(serve: Serve, inside: Inside) -> tuple[bytes, dict[str, Any]]:
    """What a run with a single server leaves."""
    server, data = serve(COUNT)
    assert inside.train(server, data, COUNT, run_dir="alone").code == 0
    return result(inside.cwd)


def answered(*servers: ScriptedServer) -> dict[str, int]:
    """How often each request was answered, by all of them together."""
    counts: dict[str, int] = {}
    for server in servers:
        for sha, number in server.answered().items():
            counts[sha] = counts.get(sha, 0) + number
    return counts


@pytest.mark.parametrize("count", [2, 3])
def test_servers_share_the_calls_and_change_nothing(serve: Serve, inside: Inside, count: int) -> None:
    expected = of_one(serve, inside)
    servers = [serve(COUNT, delay=0.01)[0] for _ in range(count)]
    _, data = serve(COUNT)
    done = inside.train(servers[0], data, COUNT, api_base=urls(*servers))
    assert done.code == 0, done.err
    assert result(inside.cwd) == expected
    assert set(answered(*servers).values()) == {1}
    share = [len(server.log) for server in servers]
    assert min(share) > 0.5 * sum(share) / count


@pytest.mark.parametrize("kind", ["refuse", "error_503"])
def test_one_that_dies_is_left_out_and_its_calls_go_to_the_others_at_once(
    serve: Serve, inside: Inside, kind: str
) -> None:
    expected = of_one(serve, inside)
    (dying, data), (other, _) = serve(COUNT, outage=Outage(5, FOR_EVER, kind)), serve(COUNT)
    # with no retry allowed, a call that had to be tried again would be lost
    done = inside.train(other, data, COUNT, api_base=urls(dying, other), max_retries=0)
    assert done.code == 0, done.err
    assert result(inside.cwd) == expected
    assert set(answered(dying, other).values()) == {1}
    assert done.err.count(f"{dying.url} is left out until it answers, its calls go to the others") == 1
    assert "is back" not in done.err


def test_nobody_listens_at_one_of_them(serve: Serve, inside: Inside, nobody: str) -> None:
    expected = of_one(serve, inside)
    server, data = serve(COUNT)
    done = inside.train(server, data, COUNT, api_base=f"{nobody},{server.url}", max_retries=0)
    assert done.code == 0, done.err
    assert f"nothing listens at {nobody[7:-3]}: calls go to the other servers" in done.err
    assert result(inside.cwd) == expected


@pytest.fixture
def nobody() -> Iterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


@pytest.mark.patient
def test_when_all_are_out_the_run_waits_stops_and_goes_on_with_others(serve: Serve, inside: Inside) -> None:
    expected = of_one(serve, inside)
    (one, data), (two, _) = serve(COUNT, outage=Outage(9, FOR_EVER)), serve(COUNT, outage=Outage(6, FOR_EVER))
    done = inside.train(one, data, COUNT, api_base=urls(one, two), retry_horizon="1s", concurrency=4)
    assert done.code == 1
    assert "no reply from the provider" in done.err
    assert done.err.count("its calls go to the others") == 1
    assert done.err.count("no other server is left, so calls wait") == 1
    three, four = serve(COUNT)[0], serve(COUNT)[0]
    done = inside("resume", "run", "--api-base", urls(three, four))
    assert done.code == 0, done.err
    assert result(inside.cwd)[0] == expected[0]
    assert set(answered(one, two, three, four).values()) == {1}


@pytest.mark.patient
def test_one_that_comes_back_is_asked_again(serve: Serve, inside: Inside) -> None:
    expected = of_one(serve, inside)
    (ill, data), (other, _) = serve(COUNT, outage=Outage(2, 0.5)), serve(COUNT, delay=0.3)
    done = inside.train(other, data, COUNT, api_base=urls(ill, other), concurrency=2)
    assert done.code == 0, done.err
    assert result(inside.cwd) == expected
    assert f"{ill.url} is left out" in done.err
    assert f"{ill.url} is back" in done.err
    assert len(ill.answered()) > 10


@pytest.mark.parametrize(
    ("fault", "said"),
    [("unauthorized", "not authorised (HTTP 401)"), ("unknown_model", "no such model (HTTP 404)")],
)
def test_what_no_call_gets_over_is_told_with_the_servers_address(
    serve: Serve, inside: Inside, fault: str, said: str
) -> None:
    wrong, data = serve(COUNT, faults=Faults(rate=1.0, kinds=(fault,), most=99))
    right, _ = serve(COUNT)
    done = inside.train(right, data, COUNT, api_base=urls(right, wrong))
    assert done.code == 1
    assert said in done.err
    assert f"(at {wrong.url})" in done.err


def test_vectors_are_shared_out_too(serve: Serve, inside: Inside) -> None:
    (dying, data), (other, _) = serve(COUNT, outage=Outage(9, FOR_EVER)), serve(COUNT)
    done = inside.train(
        other, data, COUNT, api_base=urls(dying, other), embedding_model="openai/vectors", max_retries=0
    )
    assert done.code == 0, done.err
    assert any(entry.role == "embedding" for entry in (*dying.log, *other.log))


A, B = "http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"


def test_a_list_is_given_as_toml_variable_or_flag(inside: Inside) -> None:
    (inside.cwd / "ace.toml").write_text(f'[models]\napi_base = ["{A}", "{B}"]\n')
    assert inside.settings()["models.api_base"][0] == f'["{A}", "{B}"]'.strip('"')
    for text in (f"{A},{B}", f" {A} , {B},", json.dumps([A, B])):
        inside.set(ACE_MODELS__API_BASE=text, ACE_MODELS__GENERATOR__API_BASE=text)
        settings = load({}, None, inside.cwd).settings
        assert settings.models.api_base == settings.models.generator.api_base == (A, B)
    settings = load({"models.api_base": f"{B},{A}"}, None, inside.cwd).settings
    assert settings.models.api_base == (B, A)
    assert recorded(settings, Kind.RUNTIME)["models.api_base"] == [B, A]
    saved = inside("train", "--api-base", f"{B},{A}", "--show-config").out
    (inside.cwd / "saved.toml").write_text(saved)
    assert load({}, inside.cwd / "saved.toml", inside.cwd).settings.models.api_base == (A, B), "env wins"


def test_a_list_in_python(serve: Serve, inside: Inside) -> None:
    (one, data), (two, _) = serve(4), serve(4)
    config = TrainingConfig(
        "custom",
        input_path=data,
        num_examples=4,
        generator_model="openai/scripted",
        reflector_model="openai/scripted",
        api_base=[one.url, two.url],
        run_dir="run",
    )
    OfflineTrainer(config).train()
    assert one.log
    assert two.log


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("localhost:8000,localhost:8001", "each with http:// or https://"),
        ("http://localhost:8000/v1,localhost:8001/v1", "each with http:// or https://"),
        (f"{A},{A}", "each address once"),
        (f"{A},http://", "the API base holds no host"),
        (f"{A},http://[::1", "--api-base"),
    ],
)
def test_what_is_no_list_of_addresses(inside: Inside, given: str, said: str) -> None:
    (inside.cwd / "rows.jsonl").write_text('{"question": "q", "answer": "a"}\n')
    done = inside("train", "--input", "rows.jsonl", "--model", "openai/x", "--api-base", given)
    assert done.code == 2
    assert said in done.err


def test_no_secret_of_any_address_is_kept_or_shown(serve: Serve, inside: Inside) -> None:
    (dying, data), (other, _) = serve(COUNT, outage=Outage(3, FOR_EVER)), serve(COUNT)
    one, two = (
        server.url.replace("://", f"://me:{secret}@")
        for server, secret in ((dying, "pass,w0rd-one"), (other, "passw0rd-two"))
    )
    done = inside.train(other, data, COUNT, api_base=f"{one},{two}")
    assert done.code == 0, done.err
    assert f"{dying.url} is left out" in done.err
    shown = inside("train", "--api-base", f"{one}?code=w0rd,{two}?code=w0rd", "--show-config").out
    checked = inside("check", "--input", data, "--model", "openai/x", "--api-base", f"{one},{two}")
    files = b"".join(path.read_bytes() for path in inside.cwd.rglob("*") if path.is_file())
    for text in (done.out, done.err, shown, checked.out, checked.err, files.decode("utf-8", "replace")):
        assert "w0rd" not in text
    assert other.headers[-1]["authorization"].startswith("Basic ")


def test_every_address_of_a_project_needs_the_users_word(serve: Serve, inside: Inside) -> None:
    server, data = serve(2)
    (inside.cwd / "ace.toml").write_text(
        f'[models]\napi_base = ["{server.url}", "http://one.example/v1", "http://two.example/v1"]\n'
    )
    done = inside("train", "--input", data, "--model", "openai/x")
    assert done.code == 2
    assert "http://one.example, with your key" in done.err
    assert "http://two.example, with your key" in done.err
    assert not server.log


def test_check_asks_each_server(serve: Serve, inside: Inside, nobody: str) -> None:
    (one, data), (two, _) = serve(4), serve(4, faults=Faults(rate=1.0, kinds=("unauthorized",)))
    arguments = ("--input", data, "--model", "openai/x", "--api-base")
    done = inside("check", *arguments, f"{urls(one, two)},{nobody}", "--json")
    assert done.code == 1
    found = [finding for finding in json.loads(done.out)["checks"] if finding["name"] == "reflector"]
    assert [finding["server"] for finding in found] == [one.url, two.url, nobody]
    assert [finding["ok"] for finding in found] == [True, False, False]
    assert "not authorised" in found[1]["error"]
    assert "nothing listens" in found[2]["error"]
    assert "error: 4 problems: a run would go on with the other servers" in done.err
    assert "no run would get far" in inside("check", *arguments, f"{two.url},{nobody}").err
