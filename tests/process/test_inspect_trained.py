"""`ace inspect` beside a real `ace train`: followed while it runs, then read from every side."""

from __future__ import annotations

import time

from support.command import KEY, start, train_arguments
from support.inside import Inside
from support.serving import Serve


def test_a_training_run_is_followed_and_told(serve: Serve, inside: Inside) -> None:
    server, data = serve(40, delay=(0.2, 0.3))
    training = start("train", *train_arguments(server.url, data, 40, batch_size=10), cwd=inside.cwd)
    deadline = time.monotonic() + 60
    while not (inside.cwd / "run/run.sqlite3").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    followed = inside("inspect", "run", "--follow")
    _, errors = training.communicate(timeout=120)
    assert training.returncode == 0, errors
    assert followed.code == 0, followed.err
    assert [line.split(":")[0] for line in followed.out.splitlines()] == [f"batch {n}" for n in range(1, 5)]
    assert followed.err == "run is finished\n"

    told = [
        inside("inspect", "run", *arguments)
        for arguments in ([], ["--full"], ["--bullets"], ["B001"], ["--example", "row-3"], ["--json"])
    ]
    assert [done.code for done in told] == [0] * len(told)
    glance, full, bullets, bullet, example, _ = (done.out for done in told)
    assert "40 of 40" in glance
    assert "generator" in glance
    assert "100 %┤" in glance
    assert "training.batch_size" in full
    assert bullets.count("\n") >= 2
    assert "taught by row-" in bullet
    assert "You are the Reflector" in example
    assert "What the curator did" in example
    assert not any(KEY in done.out + done.err for done in told)

    same = inside("inspect", "run", "--diff", "out/playbook.json")
    assert same.out.startswith("0 added, 0 removed, 0 changed"), "the file is what the store says"
