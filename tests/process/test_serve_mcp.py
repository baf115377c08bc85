"""`ace serve-mcp` as agents meet it: a process that they start, through the SDK's own client over stdio."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from support.command import environment
from support.inspect_samples import make_run, write

PLAYBOOK = Path(__file__).parents[1] / "golden/playbook.json"


def started(cwd: Path) -> subprocess.Popen[str]:
    """A server as a process, spoken to by hand."""
    return subprocess.Popen(
        [sys.executable, "-m", "ace_cli", "serve-mcp", str(PLAYBOOK)],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def served(use: Callable[[Any], Awaitable[None]], *arguments: object, cwd: Path) -> None:
    """Run ``use`` with a client of a server with these arguments."""
    from mcp import Client, StdioServerParameters, stdio_client

    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "ace_cli", "serve-mcp", *map(str, arguments)],
        env=environment(),
        cwd=str(cwd),
    )

    async def run() -> None:
        with (cwd / "stderr").open("w") as errors:
            async with Client(stdio_client(server, errors), read_timeout_seconds=60) as client:
                await use(client)
        (cwd / "stderr").unlink()

    asyncio.run(run())


def text_of(result: Any) -> str:
    return str(result.content[0].text)


def test_an_agent_finds_the_bullets_and_sees_when_the_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(PLAYBOOK.read_bytes())

    async def use(client: Any) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"find_bullets", "get_bullet"}
        assert all(tool.annotations.read_only_hint for tool in tools.values())
        assert "domains: finance, general" in client.instructions

        found = await client.call_tool("find_bullets", {"question": "What is 25 bp?"})
        assert [b["id"] for b in found.structured_content["bullets"]] == ["B001", "B002", "B003", "B005"]
        assert "\n[B002] (pitfall) =SUM" in text_of(found)
        nearest = await client.call_tool("find_bullets", {"question": "What are basis points?", "limit": 1})
        assert text_of(nearest).startswith("[B003] Basis points")

        (whole,) = (await client.read_resource("ace://playbook")).contents
        assert whole.text.count("\n[B") == 4
        bullet = await client.call_tool("get_bullet", {"id": "b1"})
        assert bullet.structured_content["sources"] == ["gsm8k-0", "gsm8k-17"]
        refused = await client.call_tool("get_bullet", {"id": "B004"})
        assert (refused.is_error, "B004 is quarantined" in text_of(refused)) == (True, True)

        write(path, [{"id": "B009", "content": "Basis points are hundredths."}])
        found = await client.call_tool("find_bullets", {"question": "What is 25 bp?"})
        assert text_of(found) == "[B009] Basis points are hundredths."
        path.unlink()
        gone = await client.call_tool("find_bullets", {"question": "What is 25 bp?"})
        assert (gone.is_error, "p.json" in text_of(gone)) == (True, True)
        path.write_text("{")
        broken = await client.call_tool("get_bullet", {"id": "B009"})
        assert (broken.is_error, "is cut off" in text_of(broken)) == (True, True)
        write(path, [{"id": "B010", "content": "Back again."}])
        assert text_of(await client.call_tool("find_bullets", {"question": "?"})) == "[B010] Back again."

    served(use, path, cwd=tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["p.json"], "it writes nothing"


def test_a_run_is_served_as_it_stands(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", examples=30)

    async def use(client: Any) -> None:
        found = await client.call_tool("find_bullets", {"question": "How many?"})
        assert not found.is_error
        assert found.structured_content["in_use"] > 0

    served(use, run, cwd=tmp_path)


def test_standard_output_belongs_to_the_protocol_whatever_comes_in(tmp_path: Path) -> None:
    request = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "0"},
        },
    }
    calls = [
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "nothing"}},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "find_bullets"}},
        {"jsonrpc": "2.0", "id": 4, "method": "no/such"},
        {"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {"name": "find_bullets", "arguments": {"question": "?", "limit": 1}}},
    ]  # fmt: skip
    sent = [json.dumps(request), "no JSON", "[]", *map(json.dumps, calls)]
    with started(tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n".join(sent) + "\n")
        process.stdin.flush()
        answers: dict[object, Any] = {}
        while 5 not in answers:
            answer = json.loads(process.stdout.readline())
            answers[answer.get("id")] = answer
        rest, errors = process.communicate(timeout=30)
    assert (rest, process.returncode) == ("", 0), "the end of its input ends it"
    assert errors == f"4 bullets of {PLAYBOOK} for an MCP client at standard input and output\n"
    assert answers[1]["result"]["serverInfo"]["name"] == "ace"
    assert "question" in answers[3]["result"]["content"][0]["text"]
    assert answers[5]["result"]["content"][0]["text"].startswith("[B0")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    import signal

    with started(tmp_path) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert process.stderr.read() == "error: interrupted\n"
