"""Locks that are looked at, signals that come early, money spent before its price was known, stdout on a full disk."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ace_cli import Example
from ace_cli.engine.create import create_run
from ace_cli.engine.ledger import Ledger, Quote
from ace_cli.engine.wiring import make_roles, priced
from ace_cli.errors import AceError, LimitReached, StoreError, UsageError
from ace_cli.runs import lock, store
from ace_cli.runs.records import Usage
from ace_cli.settings import Kind
from ace_cli.settings.layers import ENVIRONMENT, FLAG, Layer, fold
from ace_cli.settings.recorded import Recorded, recorded
from support.command import environment
from support.inside import Inside

LOCAL = {"models.generator.model": "openai/scripted", "models.reflector.model": "openai/scripted"}


def new_run(folder: Path, **more: Any) -> Path:
    flags = {**LOCAL, "output.run_dir": str(folder / "run"), "output.playbook": str(folder / "p.json")}
    flags["output.metrics"] = str(folder / "m.json")
    loaded = fold([Layer("flag", FLAG, {**flags, **more})])
    return create_run(loaded, lambda _: None, [Example("a", "1 + 1?", "2")])


def test_a_look_whether_a_run_is_held_does_not_turn_its_writer_away(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    stop = threading.Event()
    (run / "run.pid").write_text("{}")  # as a killed process leaves it

    def look() -> None:
        while not stop.is_set():
            lock.is_held(run)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(30):
            with lock.hold(run):
                pass
            (run / "run.pid").write_text("{}")
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_run_made_meanwhile_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(tmp_path)
    before = (run / "run.sqlite3").read_bytes()
    answers = iter([False, True])
    monkeypatch.setattr("ace_cli.engine.create.is_run", lambda _: next(answers))
    with pytest.raises(UsageError, match="holds a run already"):
        new_run(tmp_path)
    assert (run / "run.sqlite3").read_bytes() == before


def test_a_store_whose_writer_cannot_be_opened_is_an_error_and_no_endless_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path)
    opened = iter([store.connect])

    def connect(path: Path) -> sqlite3.Connection:
        for open_ in opened:  # the migration's
            return open_(path)
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(store, "connect", connect)
    with pytest.raises(StoreError, match="unable to open"):
        store.RunStore(run)


def test_a_new_store_that_cannot_get_its_name_is_an_error_of_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(AceError, match=r"cannot write .*run\.sqlite3: No space left on device"):
        new_run(tmp_path)
    assert not (tmp_path / "run").exists()


def test_money_spent_while_the_price_was_unknown_counts_for_a_cost_limit() -> None:
    values = {**LOCAL, "limits.max_cost": 1.0}
    for role in ("generator", "reflector"):
        values |= {f"models.{role}.input_price": 10.0, f"models.{role}.output_price": 10.0}
    settings = fold([Layer("flag", FLAG, values)]).settings
    roles = make_roles(settings.models)
    earlier = {"generator": Usage(calls=3, prompt_tokens=90_000, completion_tokens=20_000, cost_usd=None)}
    spent = priced(settings, earlier, roles)
    assert spent["generator"].cost_usd == pytest.approx(1.1)
    with pytest.raises(LimitReached, match="--max-cost"):
        Ledger(settings.limits, spent, 0.0).reserve(
            Quote("generator", 5, roles["generator"].model.price), 0.0
        )


def test_a_key_is_always_todays_whatever_gave_it_at_the_start() -> None:
    start = fold([Layer("flag", FLAG, {**LOCAL, "models.generator.api_key": "sk-old-old-old"})])
    kept = Recorded(
        recorded(start.settings, Kind.IDENTITY),
        recorded(start.settings, Kind.RUNTIME),
        {path: layer.rank for path, layer in start.origin.items()},
    )
    today = [Layer("environment", ENVIRONMENT, {"models.generator.api_key": "sk-new-new-new"})]
    found = kept.resumed(today).settings
    assert found.models.generator.api_key is not None
    assert found.models.generator.api_key.get_secret_value() == "sk-new-new-new"


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_termination_before_the_run_listens_is_an_interruption_and_leaves_nothing(
    name: str, tmp_path: Path
) -> None:
    pipe = tmp_path / "rows.jsonl"
    os.mkfifo(pipe)  # a dataset that does not come
    command = [sys.executable, "-m", "ace_cli", "train", "--input", str(pipe), "--run-dir", "run"]
    command += ["--generator-model", "openai/x", "--reflector-model", "openai/x"]
    child = subprocess.Popen(command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True)
    for _ in range(600):
        if (tmp_path / "run").exists():
            break
        time.sleep(0.05)
    child.send_signal(signal.Signals[name])
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "interrupted" in err
    assert "Traceback" not in err
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_output_that_finds_no_room_is_told(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"bullets": [{"id": "B001", "content": "x"}]}')
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ace_cli", "export", "p.json", "--format", "markdown"],
            cwd=tmp_path,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_rows_left_out_of_an_extension_are_told(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    rows = [f'{{"id": "r{n}", "question": "q {n}", "answer": "4"}}' for n in range(6)]
    rows.insert(4, '{"id": "bad", "question": ""}')
    (inside.cwd / "rows.jsonl").write_text("\n".join(rows))
    stages = ["--generator", "test_review_engine:Generator", "--reflector", "test_review_engine:Reflector"]
    models = ["--generator-model", "openai/x", "--reflector-model", "openai/x"]
    flags = ["--input", "rows.jsonl", "--num-examples", "3", "--skip-invalid", "--run-dir", "run"]
    assert inside("train", *flags, *stages, *models).code == 0
    done = inside("resume", "run", "--extend-to", "6")
    assert done.code == 0, done.err
    assert "1 invalid rows were skipped" in done.err
    again = inside("resume", "run", "--extend-to", "6")
    assert again.code == 2
    assert "without it goes on" in again.err


def test_paid_vectors_are_on_disk_before_they_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    import numpy as np

    from ace_cli.embeddings.cached import CachedEmbedder
    from ace_cli.engine.wiring import StoredVectors, text_hash
    from ace_cli.runs.reader import RunReader

    class Paid:
        name = "paid"

        async def embed(self, texts: Any) -> Any:
            return np.ones((len(texts), 2), dtype=np.float32)

    run = new_run(tmp_path)
    commit = store.RunStore._commit

    def slow(self: Any, *arguments: Any) -> Any:
        time.sleep(0.3)
        return commit(self, *arguments)

    monkeypatch.setattr(store.RunStore, "_commit", slow)

    async def use() -> None:
        with store.RunStore(run) as opened:
            await CachedEmbedder(Paid(), StoredVectors(opened, "paid")).embed(["text"])
            with RunReader(run) as seen:
                assert seen.vectors("paid", [text_hash("text")])

    asyncio.run(use())


def test_a_display_that_nobody_reads_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    from ace_cli.engine.events import Notice
    from ace_cli.report.progress import reporter as reporters
    from ace_cli.settings import DisplaySettings

    heard: list[str] = []

    class Gone:
        def __call__(self, event: object) -> None:
            heard.append("event")
            raise OSError(5, "Input/output error")

        def close(self) -> None:
            heard.append("close")

    monkeypatch.setattr(reporters, "_choose", lambda _: [Gone()])
    with reporters.reporter(DisplaySettings()) as listen:
        listen(Notice("one"))
        assert heard == ["event", "close"]
        listen(Notice("two"))
    assert heard == ["event", "close"]


def test_threads_that_write_the_same_file_do_not_meet(tmp_path: Path) -> None:
    from ace_cli.files import write_atomic

    problems: list[BaseException] = []
    start = threading.Barrier(4)

    def write(letter: bytes) -> None:
        start.wait()
        try:
            for _ in range(20):
                write_atomic(tmp_path / "file", letter * 10_000)
        except AceError as error:
            problems.append(error)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b", b"c", b"d")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert len(set((tmp_path / "file").read_bytes())) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


STUCK = """
import asyncio, time
from concurrent.futures import ThreadPoolExecutor

class Stuck:
    pool = ThreadPoolExecutor(1)

    async def generate(self, task, ask):
        print("asked", flush=True)
        await asyncio.get_running_loop().run_in_executor(self.pool, time.sleep, 3600)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_twice_interrupted_it_does_not_wait_for_threads(tmp_path: Path) -> None:
    (tmp_path / "stuck.py").write_text(STUCK)
    (tmp_path / "rows.jsonl").write_text('{"question": "1 + 1?", "answer": "2"}')
    command = [
        sys.executable,
        "-m",
        "ace_cli",
        "train",
        "--input",
        "rows.jsonl",
        "--generator",
        "stuck:Stuck",
    ]
    command += ["--generator-model", "openai/x", "--reflector-model", "openai/x", "--run-dir", "run"]
    child = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    while "stopping" not in child.stderr.readline():
        pass
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "ace resume" in err


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals of POSIX")
def test_nohup_keeps_a_run_going(tmp_path: Path) -> None:
    (tmp_path / "hangup.py").write_text(
        "import os, signal\n"
        "from ace_cli.stages.base import Attempt\n"
        "class Hangup:\n"
        "    def generate(self, task, ask):\n"
        "        os.kill(os.getpid(), signal.SIGHUP)\n"
        "        return Attempt('2')\n"
        "    def reflect(self, case, ask):\n"
        "        from ace_cli.stages.base import Reflection\n"
        "        return Reflection()\n"
    )
    (tmp_path / "rows.jsonl").write_text('{"question": "1 + 1?", "answer": "2"}\n' * 30)
    command = ["nohup", sys.executable, "-m", "ace_cli", "train", "--input", "rows.jsonl", "--run-dir", "run"]
    command += ["--generator", "hangup:Hangup", "--reflector", "hangup:Hangup"]
    command += ["--generator-model", "openai/x", "--reflector-model", "openai/x", "--concurrency", "1"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
