"""`ace check`: whatever keeps a run from starting is found, all of it at once, and nothing is made."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.command import KEY
from support.inside import Inside, Outcome
from support.misbehaving_server import MisbehavingServer
from support.scripted_server import Faults
from support.serving import Serve, write_sums

SCRIPTED = ("--model", "openai/scripted")


def checked(done: Outcome) -> dict[str, Any]:
    """Findings of ``--json`` by name."""
    return {found["name"]: found for found in json.loads(done.out)["checks"]}


def made(folder: Path) -> Iterator[str]:
    return (path.name for path in folder.iterdir() if path.suffix != ".jsonl")


def test_all_is_well(serve: Serve, inside: Inside) -> None:
    reply = json.dumps({"colours": ["red"], "letters": [3]})
    server, data = serve(12, reply=reply, keep_requests=True)
    done = inside("check", "--input", data, "--num-examples", 10, "--api-base", server.url, *SCRIPTED)
    assert done.code == 0, done.err
    roles = [line for line in done.out.splitlines() if line.startswith(("generator ", "reflector "))]
    assert len(roles) == 2
    assert all(
        "ok" in line and "openai/scripted" in line and "JSON schema followed" in line for line in roles
    )
    assert "10 examples, about 20 calls, unknown price, at least" in done.out
    assert len(server.log) == 2, "one small call a role"
    assert all("response_format" in request for request in server.requests), (
        "a server that litellm knows nothing of"
    )
    assert list(made(inside.cwd)) == []


def test_every_problem_is_told_and_not_only_the_first(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    done = inside(
        "check",
        "--input",
        "none.jsonl",
        "--generator-model",
        "gpt-4o-mni",
        "--curator",
        "llm",
        "--curator-model",
        "gpt-4o-mini",
        "--prompts",
        "none",
        "--json",
    )
    assert done.code == 2
    assert "error: 5 problems" in done.err
    found = checked(done)
    assert {name: found[name]["ok"] for name in found} == dict.fromkeys(found, False) | {"outputs": True}
    assert found["reflector"]["hint"] == "Set OPENAI_API_KEY to your key."
    assert list(made(inside.cwd)) == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("unauthorized", "not authorised"),
        ("unknown_model", "no such model"),
        ("html", "not what an API sends"),
    ],
)
def test_a_server_that_answers_otherwise_is_a_failure_and_the_estimate_is_there_all_the_same(
    serve: Serve, inside: Inside, fault: str, said: str
) -> None:
    server, data = serve(4, faults=Faults(rate=1.0, kinds=(fault,)))
    done = inside("check", "--input", data, "--api-base", server.url, *SCRIPTED)
    assert (done.code, said in done.out) == (1, True)
    assert "the run" in done.out
    assert len(server.log) == 2, "nothing is tried again"


def test_what_a_server_does_not_take_is_said(serve: Serve, inside: Inside) -> None:
    server, data = serve(4, no_schema=True)
    done = inside("check", "--input", data, "--api-base", server.url, *SCRIPTED, "--json")
    assert done.code == 0
    assert checked(done)["generator"]["schema"] == "refused"


@pytest.mark.parametrize("name", ["max_model_len", "context_length", "n_ctx", "max_context_length"])
def test_the_context_length_is_what_the_list_of_models_says(serve: Serve, inside: Inside, name: str) -> None:
    server, data = serve(4)
    server.models = {"data": [{"id": "other", name: 1}, {"id": "scripted", name: 4096}]}
    done = inside("check", "--input", data, "--api-base", server.url, *SCRIPTED, "--json")
    assert checked(done)["generator"]["context"] == 4096


def test_an_embedding_model_is_asked_too(serve: Serve, inside: Inside) -> None:
    server, data = serve(4)
    done = inside(
        "check",
        "--input",
        data,
        "--api-base",
        server.url,
        *SCRIPTED,
        "--embedding-model",
        "openai/vectors",
        "--json",
    )
    assert done.code == 0, done.out
    assert checked(done)["embedding"]["dimensions"] > 0


@pytest.mark.patient
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # as load_litellm does
def test_whatever_a_server_sends_there_is_an_answer_and_no_key_in_it(inside: Inside) -> None:
    write_sums(inside.cwd / "rows.jsonl", 2)
    (inside.cwd / "ace.toml").write_text(
        "[models.generator]\ntimeout = 0.3\n[models.reflector]\ntimeout = 0.3\n"
    )
    until = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "0"))
    for seed in itertools.count():
        if seed >= 25 and time.monotonic() > until:
            break
        with MisbehavingServer(seed) as server:
            done = inside("check", "--input", "rows.jsonl", "--api-base", server.url, *SCRIPTED, "--json")
        assert done.code in (0, 1), (seed, done.err)
        assert "unexpected" not in done.err, (seed, done.err)
        assert KEY not in done.out + done.err, seed
        for found in checked(done).values():
            assert found["ok"] or found["error"], seed
