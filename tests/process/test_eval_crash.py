"""An evaluation that is killed at any moment ends with the report of an undisturbed one, and pays for nothing twice."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from ace_cli.runs.reader import RunReader
from support.command import ace, environment, start
from support.inspect_samples import write
from support.scripted_roles import LESSONS
from support.scripted_server import ScriptedServer
from support.serving import write_sums

ROWS = 30
CRASHING = (str(Path(__file__).parents[1] / "support" / "crash_child.py"),)


def report(folder: Path) -> bytes:
    """The report, without seconds: those are of the server."""
    data = (folder / "eval/report.json").read_bytes()
    return re.sub(rb'"seconds": [-0-9.e]+', b"", data)


@pytest.mark.parametrize(
    "kills",
    [["making:1", "session:1", "reply:40"], ["commit:30", "episode:55", "reply:10", "file:1", "end:1"]],
)
def test_killed_again_and_again_it_ends_with_the_same_report(kills: list[str], tmp_path: Path) -> None:
    data = write_sums(tmp_path / "rows.jsonl", ROWS)
    book = [{"id": f"B{n:03d}", "content": f"Always {lesson}."} for n, lesson in enumerate(LESSONS[:12], 1)]
    write(tmp_path / "book.json", book)
    with ScriptedServer(truth=data, delay=(0.002, 0.02), right=0.2) as server:
        flags = [
            "--input",
            data,
            "--api-base",
            server.url,
            "--generator-model",
            "openai/scripted",
            "--run-dir",
            "eval",
        ]
        arguments = ["eval", tmp_path / "book.json", *flags, "--ablate", "2", "--json", "--concurrency", "4"]
        calm, killed = tmp_path / "calm", tmp_path / "killed"
        for folder in (calm, killed):
            folder.mkdir()
        undisturbed = ace(*arguments, cwd=calm)
        assert undisturbed.returncode == 0, undisturbed.stderr
        paid = len(server.log)
        for kill in kills:
            command = ["resume", "eval"] if (killed / "eval/run.sqlite3").exists() else arguments
            child = start(*command, cwd=killed, env=environment(CRASH_AT=kill), program=CRASHING)
            _, err = child.communicate(timeout=120)
            assert child.returncode == -signal.SIGKILL, (kill, err)
        done = ace("resume", "eval", "--json", cwd=killed)
        assert done.returncode == 0, done.stderr
        lost = len(server.log) - 2 * paid
    assert report(killed) == report(calm)
    assert json.loads(done.stdout) == json.loads((killed / "eval/report.json").read_bytes())
    assert 0 <= lost <= 4 * len(kills), "only calls that were in flight are made again"
    before = (killed / "eval/report.json").read_bytes()
    (killed / "eval/report.json").unlink()
    assert ace("resume", "eval", cwd=killed).returncode == 0
    assert (killed / "eval/report.json").read_bytes() == before, "seconds come from the record, too"
    with RunReader(killed / "eval") as run:
        assert run.usage()["generator"].calls == 3 * ROWS
