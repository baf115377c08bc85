"""What is found out before a run exists, and what is left of one to which no reply came: nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import train_arguments
from support.inside import Inside
from support.scripted_server import Faults
from support.serving import Serve, write_sums

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nobody listens, and nobody else will."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if "home" not in path.parts}


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--api-base 127.0.0.1:8000/v1", "Did you mean http://127.0.0.1:8000/v1?"),
        ("--api-base api.openai.com/v1", "Did you mean https://api.openai.com/v1?"),
        ("--api-base http://", "the API base holds no host"),
        ("--generator-model gpt-4o-mni", "Did you mean gpt-4o-mini"),
        ("--model gpt-4o-mni", "error: --model: litellm knows no provider of 'gpt-4o-mni'"),
        ("--reflector-model nobody/x", "--reflector-model: litellm knows no provider of 'nobody/x'"),
        ("--reflector-model text-embedding-3-small", "is an embedding model"),
        ("--embedding-model gpt-4o-mini", "gpt-4o-mini is a chat model"),
        ("--generator-model local/none.gguf", "none.gguf"),
        ("--reflector-model anthropic/claude-3-5-haiku-20241022", "Set ANTHROPIC_API_KEY to your key."),
        ("--curator llm --reflector support.training:Reflector", "Name one with --curator-model."),
        ("--initial-playbook none.json", "none.json"),
        ("--prompts none", "the prompt folder none does not exist"),
        ("--output rows.jsonl/playbook.json", "rows.jsonl is not a folder"),
        ("--run-dir rows.jsonl/run", "rows.jsonl is not a folder"),
        ("--output one.json --metrics-output one.json", "both be written to one.json"),
    ],
)
def test_what_makes_a_run_hopeless_is_told_before_there_is_one(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, flags: str, said: str, dry: tuple[str, ...]
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    write_sums(inside.cwd / "rows.jsonl", 2)
    done = inside("train", "--input", "rows.jsonl", *flags.split(), *dry)
    assert done.code in (1, 2)
    assert said in done.err
    assert files(inside.cwd) == {"rows.jsonl"}


@pytest.mark.parametrize("key", [None, ""])
def test_the_missing_key_of_one_role_is_found_before_the_other_ones_calls_are_paid(
    serve: Serve, inside: Inside, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    server, data = serve(2)
    monkeypatch.delenv("OPENAI_API_KEY") if key is None else monkeypatch.setenv("OPENAI_API_KEY", key)
    config = inside.cwd / "own.toml"
    config.write_text(
        f'[models.generator]\nmodel = "openai/scripted"\napi_base = "{server.url}"\napi_key = "sk-of-the-role"\n'
    )
    done = inside("train", "--input", data, "--config", config)
    assert done.code == 2
    assert "error: gpt-4o-mini: no API key\nhint: Set OPENAI_API_KEY to your key." in done.err
    assert not server.log
    assert not (inside.cwd / "runs").exists()


def test_nobody_listens_is_said_at_once_and_in_these_words(inside: Inside, nobody: str) -> None:
    data = write_sums(inside.cwd / "rows.jsonl", 2)
    done = inside("train", *train_arguments(f"http://{nobody}/v1", data, 2))
    assert (done.code, done.err.splitlines()[0]) == (
        1,
        f"error: openai/scripted: nothing listens at {nobody}",
    )
    assert files(inside.cwd) == {"rows.jsonl"}


@pytest.mark.parametrize("command", ["train", "eval"])
def test_a_plan_warns_of_an_address_where_nobody_listens_and_is_made(
    inside: Inside, nobody: str, command: str
) -> None:
    data = write_sums(inside.cwd / "rows.jsonl", 2)
    done = inside(command, "--input", data, "--model", "openai/scripted", "--api-base", f"http://{nobody}/v1", "--dry-run")  # fmt: skip
    assert done.code == 0, done.err
    assert done.out.endswith("no call was made\n")
    said = f"warning: openai/scripted: nothing listens at {nobody}. Is the address right, and is the server running?"
    assert done.err.splitlines() == [said]


@pytest.mark.parametrize("trust", [(), ("--trust",)])
def test_a_plan_leaves_hosts_of_a_project_file_alone_without_a_word(
    inside: Inside, trust: tuple[str, ...]
) -> None:
    write_sums(inside.cwd / "rows.jsonl", 2)
    (inside.cwd / "ace.toml").write_text('[models.generator]\napi_base = "http://host.invalid/v1"\n')
    done = inside("train", "--input", "rows.jsonl", "--dry-run", *trust)
    assert done.code == 0, done.err
    assert ("there is no host host.invalid" in done.err) is bool(trust)


@pytest.mark.parametrize(
    ("model", "variable"), [("ollama/llama3", "OLLAMA_API_BASE"), ("gpt-4o-mini", "OPENAI_BASE_URL")]
)
def test_a_providers_own_address_is_looked_at_too_after_the_rows(
    inside: Inside, nobody: str, model: str, variable: str
) -> None:
    inside.set(**{variable: f"http://{nobody}/v1"})
    write_sums(inside.cwd / "rows.jsonl", 2)
    done = inside("train", "--input", "rows.jsonl", "--model", model)
    assert (done.code, done.err.splitlines()[0]) == (1, f"error: {model}: nothing listens at {nobody}")
    assert files(inside.cwd) == {"rows.jsonl"}
    wrong = inside("train", "--input", "rows.jsonl", "--model", model, "--question-field", "nope")
    assert (wrong.code, "nope" in wrong.err) == (2, True), "what is wrong with the rows comes first"


def test_what_is_wrong_with_both_roles_is_explained_once(inside: Inside, nobody: str) -> None:
    data = write_sums(inside.cwd / "rows.jsonl", 2)
    done = inside("check", *train_arguments(f"http://{nobody}/v1", data, 2))
    assert (done.code, done.out.count("nothing listens")) == (1, 2)
    assert done.out.count("Is the address right") == 1


@pytest.mark.parametrize("fault", ["unauthorized", "unknown_model", "no_credit", "refuse"])
def test_no_run_is_left_by_one_to_which_no_reply_came(serve: Serve, inside: Inside, fault: str) -> None:
    server, data = serve(4, faults=Faults(rate=1.0, kinds=(fault,), most=99))
    done = inside(
        "train",
        "--input",
        data,
        "--api-base",
        server.url,
        "--generator-model",
        "openai/scripted",
        "--reflector-model",
        "openai/scripted",
        "--max-retries",
        0,
    )
    assert done.code == 1
    assert "No reply came, so nothing was paid and no run was kept." in done.err
    assert "ace resume" not in done.err + done.out
    assert not (inside.cwd / "runs").exists()


@pytest.mark.patient
def test_a_web_page_at_the_address_is_not_waited_for_as_an_outage_is(serve: Serve, inside: Inside) -> None:
    server, data = serve(2, faults=Faults(rate=1.0, kinds=("html",), most=10**6))
    done = inside.train(server, data, 2)
    assert done.code == 1
    assert "the reply is not what an API sends" in done.err
    assert "hint: Is the API base right? Many end with /v1." in done.err
    assert len(server.log) < 20
    assert not (inside.cwd / "run").exists()


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        ("train --train-data rows.jsonl", "--input"),
        ("train --base_url http://127.0.0.1:1/v1", "--api-base"),
        ("train --modle x", "--model"),
        ("export playbook.json --format md", "markdown"),
        ("export playbook.json --format jsnl", "jsonl"),
    ],
)
def test_what_was_meant_is_named(inside: Inside, command: str, meant: str) -> None:
    (inside.cwd / "playbook.json").write_text('{"bullets": [{"id": "B001", "content": "x"}]}')
    done = inside(*command.split())
    assert done.code == 2
    assert meant in done.err


def test_of_a_run_that_is_taken_back_only_its_own_files_go(serve: Serve, inside: Inside) -> None:
    server, data = serve(4, faults=Faults(rate=1.0, kinds=("unauthorized",)))
    (inside.cwd / "run").mkdir()
    (inside.cwd / "run/notes.txt").write_text("mine")
    done = inside.train(server, data, 4)
    assert done.code == 1
    assert [path.name for path in (inside.cwd / "run").iterdir()] == ["notes.txt"]


def test_a_run_with_a_reply_is_kept_whatever_ends_it(serve: Serve, inside: Inside) -> None:
    server, data = serve(8)
    done = inside.train(server, data, 8, max_calls=1)
    assert done.code == 3
    server.faults = Faults(rate=1.0, kinds=("unauthorized",))
    done = inside("resume", "run", "--max-calls", 1000)
    assert done.code == 1
    assert "no run was kept" not in done.err
    server.faults = Faults()
    assert inside("resume", "run", "--max-calls", 1000).code == 0
