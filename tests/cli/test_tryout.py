"""`--tryout`: a lesson is kept when it mends more than it breaks, and the rest is told."""

from __future__ import annotations

import json
from typing import Any

from ace_cli.playbook import Add, Drop
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import PhaseKind
from support.command import read_json, train_arguments
from support.inside import Inside
from support.serving import Serve

TRIED = "it was tried and did not help"


def bullets(inside: Inside) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((inside.cwd / "out/playbook.json").read_bytes())["bullets"]
    return found


def test_only_lessons_that_mend_something_become_bullets(serve: Serve, inside: Inside) -> None:
    """The scripted model answers right when the lesson that its question needs stands in the prompt: other lessons mend nothing."""
    server, data = serve(30, right=0.3, novelty=0.0)
    done = inside.train(server, data, 30, tryout=1)
    assert done.code == 0, done.err
    assert bullets(inside)
    with RunReader(inside.cwd / "run") as run:
        changes = [change for merge in run.merges() for change in merge.delta.changes]
        phases = [phase for phase in run.phase_records() if phase.kind == PhaseKind.TRYOUT]
    adds = [change for change in changes if isinstance(change, Add)]
    drops = [change for change in changes if isinstance(change, Drop) and change.reason.startswith(TRIED)]
    assert drops
    assert all("tried on" in change.reason and "mended 0" not in change.reason for change in adds)
    assert len(phases) <= 3
    assert "try-out of batch 1:" in done.err
    assert read_json(inside.cwd / "out/metrics.json")["insights"]["refused"][TRIED] == len(drops)


def test_a_lesson_is_tried_on_examples_that_were_seen_before_and_no_call_is_made_twice(
    serve: Serve, inside: Inside
) -> None:
    server, data = serve(30, right=0.3)
    assert inside.train(server, data, 30, run_dir="whole", tryout=2).code == 0
    whole, calls = bullets(inside), len(server.log)
    stopped = inside.train(server, data, 30, tryout=2, max_calls=calls // 2)
    assert stopped.code == 3
    assert inside("resume", "run", "--max-calls", 10 * calls).code == 0
    assert [b["content"] for b in bullets(inside)] == [b["content"] for b in whole]
    assert len(server.log) == 2 * calls
    with RunReader(inside.cwd / "run") as run:
        for phase in run.phase_records():
            if phase.kind == PhaseKind.TRYOUT:
                batch = phase.id - PhaseKind.TRYOUT.number(0)
                tried = [episode.index for episode in run.episodes(phase=phase.id)]
                assert tried
                assert max(tried) < 10 * (batch + 1)


def test_where_nothing_was_wrong_nothing_is_asked(serve: Serve, inside: Inside) -> None:
    server, data = serve(20, right=1.0)
    assert inside.train(server, data, 20, tryout=1).code == 0
    assert len(server.log) == 2 * 20
    assert bullets(inside) == []
    reasons = read_json(inside.cwd / "out/metrics.json")["insights"]["refused"]
    assert "it could not be tried: nothing near was wrong" in reasons
    with RunReader(inside.cwd / "run") as run:
        assert not [phase for phase in run.phase_records() if phase.kind == PhaseKind.TRYOUT]


def test_the_dry_run_counts_the_try_out(serve: Serve, inside: Inside) -> None:
    server, data = serve(20)
    asked = ("train", *train_arguments(server.url, data, 20), "--dry-run")
    assert "try-out" in inside(*asked, "--tryout", 1).out
    assert "try-out" not in inside(*asked).out


def test_lessons_that_contradict_each_other_and_do_not_help_leave_nothing(
    serve: Serve, inside: Inside
) -> None:
    """The Curator has set one of them aside for the other, and neither is there after the try-out."""
    lessons = ["Always increase the total before you answer.", "Always decrease the total before you answer."]
    reply = {
        "reasoning": "",
        "bullet_ids": [],
        "final_answer": "never right",
        "insights": [{"content": lesson, "section": "helpful", "confidence": 0.5} for lesson in lessons],
    }
    server, data = serve(4, reply=json.dumps(reply))
    assert inside.train(server, data, 2, run_dir="untried").code == 0
    assert any("set_aside" in bullet for bullet in bullets(inside)), "they contradict each other"
    done = inside.train(server, data, 2, tryout=0)
    assert done.code == 0, done.err
    assert bullets(inside) == []
