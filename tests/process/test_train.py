"""`ace train` as users run it: a process, a real HTTP server, real data."""

from __future__ import annotations

from pathlib import Path

from support.command import ace, read_json, train_arguments
from support.scripted_server import ScriptedServer
from support.shared import SHARED, needs_shared

GSM8K = SHARED / "data/gsm8k/train.jsonl"


@needs_shared
def test_two_hundred_rows_of_gsm8k_give_a_playbook_metrics_and_checkpoints(tmp_path: Path) -> None:
    rows = GSM8K.read_text().splitlines()[:200]
    data = tmp_path / "gsm8k.jsonl"
    data.write_text("\n".join(rows) + "\n")
    with ScriptedServer(truth=data) as server:
        done = ace("train", *train_arguments(server.url, data, 200, batch_size=20), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout
    assert "ace inspect run" in done.stdout
    assert done.stderr.splitlines()[0] == "run: run"

    playbook = read_json(tmp_path / "out/playbook.json")
    assert playbook["version"] == "v1.0.0"
    assert playbook["training_config"]["dataset"] == "custom"
    assert playbook["training_config"]["num_examples"] == 200
    ids = [bullet["id"] for bullet in playbook["bullets"]]
    assert ids[:2] == ["B001", "B002"]
    assert len(ids) == len(set(ids)) > 5
    for bullet in playbook["bullets"]:
        helpful, harmful = bullet["helpful_count"], bullet["harmful_count"]
        assert bullet["confidence"] == round((helpful + 1) / (helpful + harmful + 2), 4)
        assert bullet["sources"]

    metrics = read_json(tmp_path / "out/metrics.json")
    summary = metrics["training_summary"]
    assert summary["total_examples"] == 200
    assert summary["failed_generations"] == 0
    assert 0 < summary["accuracy"] == summary["correct_answers"] / 200 < 1
    assert metrics["playbook"]["final_size"] == len(ids)
    assert metrics["usage"]["calls"] == 400
    assert metrics["usage"]["by_role"]["generator"]["calls"] == 200
    assert metrics["usage"]["prompt_tokens"] > 0
    assert len(metrics["curve"]) == 10
    assert metrics["curve"][-1]["examples_seen"] == 200
    assert metrics["insights"]["total_extracted"] == sum(
        metrics["insights"][name] for name in ("helpful", "harmful", "neutral")
    )

    names = sorted(path.name for path in (tmp_path / "run/checkpoints").iterdir())
    assert names == [f"checkpoint_{n:06d}.json" for n in (60, 100, 160, 200)]
    last = read_json(tmp_path / "run/checkpoints/checkpoint_000200.json")
    assert last["metrics"]["total_examples"] == 200
    assert last["metrics"]["correct_answers"] == summary["correct_answers"]
    assert last["playbook"] == playbook["bullets"]
