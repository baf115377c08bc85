"""`ace inspect` beside a real `ace train`: followed while it runs, then read from every side."""

from __future__ import annotations

import json
import time
from pathlib import Path

from support.command import KEY, ace, start, train_arguments
from support.scripted_server import ScriptedServer


def test_a_training_run_is_followed_and_told(tmp_path: Path) -> None:
    data = tmp_path / "sums.jsonl"
    rows = [{"id": f"sum-{n}", "question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(40)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with ScriptedServer(truth=data, delay=(0.2, 0.3)) as server:
        training = start("train", *train_arguments(server.url, data, 40, batch_size=10), cwd=tmp_path)
        deadline = time.monotonic() + 60
        while not (tmp_path / "run/run.sqlite3").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        followed = ace("inspect", "run", "--follow", cwd=tmp_path)
        _, errors = training.communicate(timeout=120)
    assert training.returncode == 0, errors
    assert followed.returncode == 0, followed.stderr
    assert [line.split(":")[0] for line in followed.stdout.splitlines()] == [
        f"batch {n}" for n in range(1, 5)
    ]
    assert followed.stderr == "run is finished\n"

    told = [
        ace("inspect", "run", *arguments, cwd=tmp_path)
        for arguments in ([], ["--full"], ["--bullets"], ["B001"], ["--example", "sum-3"], ["--json"])
    ]
    assert [done.returncode for done in told] == [0] * len(told)
    glance, full, bullets, bullet, example, _ = (done.stdout for done in told)
    assert "40 of 40" in glance
    assert "generator" in glance
    assert "100 %┤" in glance
    assert "training.batch_size" in full
    assert bullets.count("\n") >= 2
    assert "taught by sum-" in bullet
    assert "You are the Reflector" in example
    assert "What the curator did" in example
    assert not any(KEY in done.stdout + done.stderr for done in told)

    same = ace("inspect", "run", "--diff", "out/playbook.json", cwd=tmp_path)
    assert same.stdout.startswith("0 added, 0 removed, 0 changed"), "the file is what the store says"
