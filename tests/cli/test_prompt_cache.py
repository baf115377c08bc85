"""A playbook at the beginning of prompts is read from the provider's cache, and the metrics say how much of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.command import read_json
from support.inside import Inside
from support.scripted_prefixes import Prefixes
from support.serving import Serve

pytestmark = pytest.mark.patient

SONNET = "anthropic/claude-sonnet-4-5"


def large_playbook(path: Path) -> Path:
    bullets = [
        {"id": f"B{n:03}", "content": f"When invoice {n} arrives, check field {n * n} before paying it out."}
        for n in range(1, 121)
    ]
    path.write_text(json.dumps({"bullets": bullets}))
    return path


def test_most_of_a_grown_playbook_is_read_from_the_providers_cache(serve: Serve, inside: Inside) -> None:
    inside.set(ANTHROPIC_API_KEY="sk-ant-canary")
    playbooks, costs = [], []
    for name, least in (("cached", 1024), ("plain", 10**9)):
        server, data = serve(30, right=0.3, novelty=0.5)
        server.prefixes = Prefixes(least)
        flags = {
            "initial_playbook": large_playbook(inside.cwd / "grown.json"),
            "concurrency": 1,
            "context_budget": 8000,
        }
        models = {"generator_model": SONNET, "reflector_model": SONNET, "run_dir": name}
        done = inside.train(
            server, data, 30, batch_size=10, api_base=server.url.removesuffix("/v1"), **models, **flags
        )
        assert done.code == 0, done.err
        usage = read_json(inside.cwd / "out/metrics.json")["usage"]
        playbooks.append((inside.cwd / "out/playbook.json").read_bytes())
        costs.append(usage["cost_usd"])
        share = usage["by_role"]["generator"]["cached_prompt_share"]
        assert share > 0.6 if name == "cached" else share == 0

    assert playbooks[0] == playbooks[1]
    assert costs[0] < 0.7 * costs[1]
