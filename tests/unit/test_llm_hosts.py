"""Where calls go, as it is told before they are made."""

from __future__ import annotations

from typing import Any

import pytest

from ace_cli.llm.hosts import OWN, bound_to, host_of, hosts, is_loopback, own_host
from ace_cli.llm.library import load_litellm
from ace_cli.settings.layers import FLAG, Layer, fold


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://api.example/v1", "api.example"),
        ("HTTPS://API.Example:443/v1?x=1", "api.example"),
        ("https://api.example:8443", "api.example:8443"),
        ("http://api.example/v1", "http://api.example"),
        ("http://api.example:80/v1", "http://api.example"),
        ("http://localhost:8000/v1", "localhost:8000"),
        ("http://[::1]:8000/v1", "[::1]:8000"),
        ("https://me:secret@api.example/v1", "api.example"),
        ("http://127.0.0.1@evil.example/", "http://evil.example"),
        ("http://127.0.0.1\\@evil.example/", "http://***@evil.example/"),
        ("api.example/v1", "api.example/v1"),
    ],
)
def test_an_address_is_told_as_its_host(address: str, host: str) -> None:
    assert host_of(address) == host


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:8000", "127.8.9.1", "[::1]:1", "0.0.0.0:8000", "http://localhost:1"]
)
def test_this_machine_is_no_other(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example",
        "127.1",
        "0x7f.1",
        "10.0.0.1",
        "",
        "127.0.0.1\\@evil.example",
    ],
)
def test_another_machine_is_not_taken_for_this_one(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("model", "host"),
    [
        ("gpt-4o-mini", "api.openai.com"),
        ("o3", "api.openai.com"),
        ("claude-sonnet-4-5", "api.anthropic.com"),
        ("openrouter/openai/gpt-4o", "openrouter.ai"),
        ("ollama/qwen", "localhost:11434"),
        ("gemini-2.5-flash", "vertex_ai"),
        ("bedrock/anthropic.claude", "bedrock"),
        ("huggingface/http://evil.example/x", "http://evil.example"),
        ("nobody-knows-this", ""),
    ],
)
def test_a_model_without_an_address_is_called_at_its_providers(model: str, host: str) -> None:
    assert own_host(model) == host


def test_the_users_variable_says_where_a_provider_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bound_to("gpt-4o-mini", None) == "https://openai.com"
    monkeypatch.setenv("OPENAI_BASE_URL", "https://gateway.example/v1")
    assert own_host("gpt-4o-mini") == "gateway.example"
    assert bound_to("gpt-4o-mini", None) is None


def test_the_addresses_of_providers_are_those_that_litellm_calls() -> None:
    litellm = load_litellm()
    for provider, host in OWN.items():
        address = litellm.get_llm_provider(f"{provider}/x")[3]
        assert address is None or host_of(address) == host.removeprefix("http://"), provider


def test_every_model_of_a_run_is_told_once() -> None:
    values: dict[str, Any] = {
        "models.generator.model": "local/smollm2",
        "models.reflector.model": "gpt-4o-mini",
        "models.curator.model": "openai/x",
        "models.curator.api_base": "https://curator.example/v1",
        "models.embedding": "text-embedding-3-small",
    }
    models = fold([Layer("flag", FLAG, values)]).settings.models
    assert hosts(models) == ("api.openai.com", "curator.example")
