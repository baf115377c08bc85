"""Rows whose answers the scripted server knows, and the fixture that serves them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from support.scripted_server import ScriptedServer


class Serve(Protocol):
    """Starts a server that knows ``count`` questions; it and their file are returned. ``options`` are the server's."""

    def __call__(self, count: int = 20, **options: Any) -> tuple[ScriptedServer, Path]: ...


def write_sums(path: Path, count: int) -> Path:
    """A dataset of ``count`` sums, with ids row-0, row-1 ..."""
    rows = [
        {
            "id": f"row-{n}",
            "question": f"What is {n} plus {n * n}, said by clerk {n}?",
            "answer": str(n + n * n),
        }
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(name="serve")
def serve_fixture(tmp_path: Path) -> Iterator[Serve]:
    running: list[ScriptedServer] = []

    def start(count: int = 20, **options: Any) -> tuple[ScriptedServer, Path]:
        data = write_sums(tmp_path / f"rows-{count}.jsonl", count)
        server = ScriptedServer(truth=data, **options)
        server.start()
        running.append(server)
        return server, data

    yield start
    for server in running:
        server.stop()
