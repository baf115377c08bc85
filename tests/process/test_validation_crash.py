"""Killed in the middle of a validation, a run ends with the very files of an undisturbed one, and pays for no reply twice."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from typing import Any

from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import PhaseKind
from support.command import ace, environment, read_json, start, train_arguments
from support.learner import learner, rows, write_rows

TRAINED, HELD = rows("trained", 12), rows("held", 12)
CHILD = (str(Path(__file__).parents[1] / "support" / "crash_child.py"),)
REPLIES = (4, 15, 30, 44)
"""So many replies are durable when each process dies: in the first validation, in training, in later ones."""


def test_killed_in_the_middle_of_a_validation_it_ends_the_same_and_pays_nothing_twice(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "train.jsonl", TRAINED)
    held = write_rows(tmp_path / "held.jsonl", HELD)
    flags = {"validation_input": held, "validate_every": 1, "batch_size": 4, "concurrency": 4, "lookahead": 1}
    with learner(lambda bullets: 0.2 + 0.1 * bullets, [*TRAINED, *HELD], delay=(0.002, 0.02)) as server:
        words = ["train", *train_arguments(server.url, data, 12, **flags), "--validation-judge"]
        (tmp_path / "whole").mkdir()
        done = ace(*words, cwd=tmp_path / "whole")
        assert done.returncode == 0, done.stderr
        calls = len(server.log)
        server.log.clear()
        killed = tmp_path / "killed"
        killed.mkdir()
        before, in_validation = 0, 0
        for at in REPLIES:
            environ = environment(CRASH_AT=f"reply:{at - before}")
            child = start(
                *(words if not before else ["resume", "run"]), cwd=killed, env=environ, program=CHILD
            )
            child.communicate(timeout=120)
            assert child.returncode == -signal.SIGKILL, "it died where it should"
            before = at
            in_validation += is_in_a_validation(killed)
        assert in_validation >= 1
        done = ace("resume", "run", cwd=killed)
        assert done.returncode == 0, done.stderr
        # What was in flight when a process died may be asked again: it was not on record.
        assert len(server.log) <= calls + len(REPLIES) * 4
    assert outcome(killed) == outcome(tmp_path / "whole")


def is_in_a_validation(folder: Path) -> bool:
    """Whether a validation was begun and not ended when the process died."""
    with RunReader(folder / "run") as run:
        phases = [phase.id for phase in run.phase_records() if phase.kind == PhaseKind.VALIDATION]
        return any(0 < len(run.replies(0, 100, phase)) < 6 for phase in phases)


def outcome(folder: Path) -> dict[str, Any]:
    """All that a run leaves behind, times aside."""
    metrics = read_json(folder / "out/metrics.json")
    metrics.pop("timing")
    with RunReader(folder / "run") as run:
        replies = Counter(
            (phase.id, step, call.role, call.messages)
            for phase in run.phase_records()
            for step in range(12)
            for call in run.conversation(step, phase.id)
        )
        episodes = [
            (e.step, e.correct) for phase in run.phase_records() for e in run.episodes(phase=phase.id)
        ]
    assert set(replies.values()) == {1}, "no reply is on record twice"
    return {
        "playbook": (folder / "out/playbook.json").read_bytes(),
        "metrics": metrics,
        "replies": replies,
        "episodes": episodes,
    }
