"""Fixtures that several test files share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from support.fuzzing import fuzzed
from support.scripted_server import ScriptedServer

settings.register_profile("ace", parent=fuzzed)
settings.load_profile("ace")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., tuple[ScriptedServer, Path]]]:
    """Starts a scripted server that knows ``count`` questions; it and their file are returned."""
    running: list[ScriptedServer] = []

    def start(count: int = 20, **options: Any) -> tuple[ScriptedServer, Path]:
        data = tmp_path / f"rows-{count}.jsonl"
        rows = [
            {
                "id": f"row-{n}",
                "question": f"What is {n} plus {n * n}, said by clerk {n}?",
                "answer": str(n + n * n),
            }
            for n in range(count)
        ]
        data.write_text("".join(json.dumps(row) + "\n" for row in rows))
        server = ScriptedServer(truth=data, **options)
        server.start()
        running.append(server)
        return server, data

    yield start
    for server in running:
        server.stop()
