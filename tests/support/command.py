"""The `ace` command as a process, as users run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

KEY = "sk-canary-0123456789abcdef"
"""The API key of all tests: it must appear in nothing that `ace` writes or says."""


def environment(**more: str) -> dict[str, str]:
    """A clean environment: no settings of the developer's, a key, fixed times in files."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ACE_")}
    kept.pop("NO_COLOR", None)
    return {**kept, "OPENAI_API_KEY": KEY, "SOURCE_DATE_EPOCH": "1700000000", "COLUMNS": "100", **more}


def ace(
    *arguments: object, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run `ace ARGUMENTS` in ``cwd`` to its end; nothing is a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "ace_cli", *map(str, arguments)],
        cwd=cwd,
        env=dict(env or environment()),
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def start(
    *arguments: object,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    program: Sequence[str] = ("-m", "ace_cli"),
) -> subprocess.Popen[str]:
    """Start `ace ARGUMENTS` and return at once."""
    return subprocess.Popen(
        [sys.executable, *program, *map(str, arguments)],
        cwd=cwd,
        env=dict(env or environment()),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def train_arguments(url: str, data: Path, count: int, **flags: object) -> list[object]:
    """Flags of a small run against a scripted server: outputs and run directory below the working directory."""
    given = {
        "input": data,
        "num_examples": count,
        "api_base": url,
        "generator_model": "openai/scripted",
        "reflector_model": "openai/scripted",
        "output": "out/playbook.json",
        "metrics_output": "out/metrics.json",
        "run_dir": "run",
        **flags,
    }
    return [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", value)]


def read_json(path: Path) -> Any:
    return json.loads(path.read_bytes())
