"""No secret of the user's comes back out of a run, in whatever form the provider echoes it."""

from __future__ import annotations

import base64
import json
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ace_cli.redact import public_address, redact
from ace_cli.settings import Kind
from ace_cli.settings.layers import load
from ace_cli.settings.recorded import recorded
from support.command import KEY
from support.inside import Inside
from support.serving import Serve

HEADER = "canary-header-0123456789"
PASSWORD = "canary-password-0123"
BASIC = base64.b64encode(f"me:{PASSWORD}".encode()).decode()


def told(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All that a run leaves behind: files, and what the store holds packed."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".toml"):
        yield str(path), path.read_bytes()
        if path.suffix == ".sqlite3":
            with sqlite3.connect(path) as store:
                for (table,) in store.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table'"
                ).fetchall():
                    for row in store.execute(f"SELECT * FROM {table}"):
                        for value in row:
                            if isinstance(value, bytes):
                                yield f"{path}: {table}", _unpacked(value)


def _unpacked(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value


def echoing(words: Callable[[], str]) -> Callable[[dict[str, Any], int], dict[str, Any]]:
    """The reply with ``words`` in its answer and as a lesson."""

    def reshape(reply: dict[str, Any], tries: int) -> dict[str, Any]:
        (choice,) = reply["choices"]
        content = json.loads(choice["message"]["content"])
        if "insights" in content:
            content["insights"] = [
                {
                    "content": f"When a request is signed, send {words()}",
                    "section": "helpful",
                    "confidence": 0.9,
                }
            ]
        else:
            content["reasoning"] = content["final_answer"] = words()
        message = {**choice["message"], "content": json.dumps(content)}
        return {**reply, "choices": [{**choice, "message": message, "finish_reason": "stop"}]}

    return reshape


def test_a_key_that_a_reply_echoes_is_in_nothing_that_is_kept(serve: Serve, inside: Inside) -> None:
    config = inside.cwd / "keys.toml"
    header = f'headers = {{ "X-Secret" = "{HEADER}" }}\n'
    config.write_text(f"[models.generator]\n{header}[models.reflector]\n{header}")
    server, data = serve(4)
    server.reshape = echoing(lambda: " and ".join(server.headers[-1].values()))
    url = server.url.replace("://", f"://me:{PASSWORD}@")
    done = inside.train(server, data, 4, config=config, api_base=url, scorer="exact")
    assert done.code == 0, done.err
    sent = [value for headers in server.headers for value in headers.values()]
    assert f"Basic {BASIC}" in sent
    assert HEADER in sent
    said = done.out + done.err
    for form in ("csv", "html", "markdown", "prompt", "jsonl", "skill"):
        exported = inside("export", "out/playbook.json", "--format", form, "--output", f"kept/{form}")
        said += exported.out + exported.err
        assert exported.code == 0, exported.err
    said += (
        inside("export", "run", "--output", "kept/run.html").err
        + inside("inspect", "run", "--example", "row-0").out
    )
    assert b"When a request is signed, send " in (inside.cwd / "out/playbook.json").read_bytes()
    for secret in (KEY, HEADER, PASSWORD, BASIC):
        assert secret not in said
        assert [where for where, data in told(inside.cwd) if secret.encode() in data] == []


def test_a_password_in_the_address_is_not_told_when_an_error_echoes_it_bare(
    serve: Serve, inside: Inside
) -> None:
    server, data = serve(4)
    server.reshape = lambda reply, tries: {
        "error": {"message": f"who is {server.headers[-1]['authorization'].split()[-1]}?", "code": 401}
    }
    url = server.url.replace("://", f"://me:{PASSWORD}@")
    done = inside.train(server, data, 4, api_base=url)
    assert done.code == 1
    assert server.headers[-1]["authorization"] == f"Basic {BASIC}"
    assert "who is ***?" in done.err
    assert BASIC not in done.err + done.out
    assert [where for where, data in told(inside.cwd) if BASIC.encode() in data] == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("https://h/v1?code=abc", "https://h/v1"),
        ("https://h/v1?api-version=2024-10-21&subscription=abc", "https://h/v1?api-version=2024-10-21"),
        ("https://me:p@ss@h/v1#token", "https://h/v1"),
        ("https://h/v1?SIG=abc&Version=2", "https://h/v1?Version=2"),
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
    ],
)
def test_of_an_address_only_what_is_harmless_is_kept_and_shown(
    address: str, public: str, inside: Inside
) -> None:
    assert public_address(address) == public
    settings = load({"models.api_base": address}, None, inside.cwd).settings
    assert recorded(settings, Kind.RUNTIME)["models.api_base"] == public
    shown = inside.settings("--api-base", address)["models.api_base"][0]
    for secret in ("abc", "p@ss", "ss@"):
        assert secret not in shown
        assert secret not in redact(f"cannot reach {address}.")


@pytest.mark.parametrize(
    "entry",
    [
        'base_url = "x"',
        'api_base = "x"',
        'organization = "org-1"',
        'azure_endpoint = "x"',
        'fallbacks = ["openai/other"]',
        'success_callback = ["langfuse"]',
        'custom_llm_provider = "openai"',
        'vertex_location = "evil.example/"',
        'anything = "https://evil.example"',
        'aws_access_key_id = "x"',
        "ssl_verify = false",
    ],
)
def test_extra_says_nothing_about_where_calls_go_or_as_whom(entry: str, inside: Inside) -> None:
    name = entry.partition(" ")[0]
    (inside.cwd / "ace.toml").write_text(f"[models.generator.extra]\n{entry}\n")
    done = inside("train", "--show-config")
    assert done.code == 2
    assert "models.generator.extra" in done.err
    assert name in done.err


def test_extra_takes_what_providers_ask_for(inside: Inside) -> None:
    (inside.cwd / "ace.toml").write_text(
        "[models.generator.extra]\n"
        'top_p = 0.5\nprompt_cache_key = "k"\nprovider = { order = ["a"] }\nvertex_location = "europe-west1"\n'
        'reasoning_effort = "low"\nuser = "me"\nservice_tier = "flex"\n'
    )
    assert inside("train", "--show-config").code == 0


def test_an_address_that_is_none_is_said(inside: Inside) -> None:
    done = inside("train", "--api-base", "http://[::1")
    assert done.code == 2
    assert "--api-base" in done.err
