"""The run store: what goes in comes out, old and damaged ones are told apart, one writer, writes in groups."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ace_cli.data import Example
from ace_cli.embeddings.cached import CachedEmbedder
from ace_cli.engine.wiring import StoredVectors
from ace_cli.errors import StoreError, UsageError
from ace_cli.files import digest
from ace_cli.llm.base import ChatReply
from ace_cli.playbook import Add, Bullet, Confirm, Delta, Drop, Playbook, PlaybookStage, Section, Vote
from ace_cli.runs import migrations, store, writer
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import (
    CurvePoint,
    Episode,
    Evaluation,
    Header,
    RecordedReply,
    Round,
    SessionRecord,
    Standing,
    State,
    Usage,
)
from ace_cli.runs.store import RunStore
from ace_cli.scoring import Verdict
from ace_cli.settings import DEFINITIONS, Kind
from ace_cli.stages.base import Attempt, BulletTag, Insight, Reflection
from support.embedders import CountingEmbedder
from support.inside import Inside
from support.inspect_samples import make_run

GOLDEN = Path(__file__).parents[1] / "fixtures/stores/schema1.sqlite3"
HOSTILE = 'a\x00b "q" \\ \x1b[31m [bold] <script> =1+1 \u202e ünïcödé 🙂\r\n'
LONG = HOSTILE * (1_000_000 // len(HOSTILE))
IDENTITY = {d.path: d.default for d in DEFINITIONS.values() if d.kind is Kind.IDENTITY}


def header(**changes: Any) -> Header:
    base = Playbook(
        (Bullet("B001", HOSTILE, "d", Section.NEUTRAL, sources=(HOSTILE,), extra={"x": [1, None]}),)
    )
    made = Header("2026-01-01T00:00:00Z", "0.1.0", IDENTITY, {"training.seed": 5}, {"generator.txt": HOSTILE}, base, "", {"f": 1})  # fmt: skip
    return replace(made, **changes)


def create(folder: Path, examples: list[Example] | None = None, **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rows = examples or [Example(f"e{n}", f"q{n}", f"{n}") for n in range(4)]
    RunStore.create(folder, header(**changes), {"execution.concurrency": 3}, rows, lambda: "hash")
    return folder


def reply(number: int, text: str = "hi", **more: Any) -> RecordedReply:
    return RecordedReply(
        f"key-{number}", number, "generator", 0, "m", (("system", "Be brief."), ("user", text)),
        ChatReply(text, "stop", 10, 5, 2, 0.25, 1, 0.5, **more), "2026-01-01T00:00:01Z",
    )  # fmt: skip


# -- what goes in comes out


@pytest.mark.parametrize("text", ["", "plain", HOSTILE, LONG], ids=["empty", "plain", "hostile", "long"])
def test_every_record_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    examples = [Example(f"e{text}", text, text, text, text), Example("e2", "q", "a")]
    bullet = Bullet("B002", text or "x", text, Section.HARMFUL, PlaybookStage.PRODUCTION, sources=(text,), extra={"k": text})  # fmt: skip
    episode = Episode(
        0, 0, 0, 0, f"e{text}", text, 0, 2,
        (Round(Attempt(text, text, ("B001",)), Verdict(False, text, "", text),
               Reflection((Insight(text, Section.NEUTRAL, 0.25),), (BulletTag("B001", Section.HARMFUL),), text, text, text, text)),
         Round(Attempt(text), Verdict(True, text, text, "exact"))), seconds=0.5,
    )  # fmt: skip
    failed = Episode(1, 0, 1, 0, "e2", "general", 0, failure="timeout", error=text)
    delta = Delta(
        "2026-01-01T00:00:02Z",
        (
            Add(bullet, "e2", text), Confirm("B001", "e2", text, Section.HELPFUL, 0.9, text),
            Vote("B001", "e2", Section.NEUTRAL), Drop("e2", text, Section.HARMFUL, text),
        ),
    )  # fmt: skip
    curve = CurvePoint(0, 0, 2, 1, 1, 0.5, 0.5, 2, 1, 1, {"helpful": 1}, 2, 30, None)
    said = RecordedReply("k", 0, "generator", 0, "m", (("user", text), ("user", text)), ChatReply(text, "length", 1, 2, 3, None, 4, 0.5), "t")  # fmt: skip
    create(tmp_path, examples)

    async def write() -> None:
        with RunStore(tmp_path) as store:
            store.begin_session({"display.progress": text})
            await store.record_reply(said)
            await store.record_episode(failed)
            await store.record_episode(episode)
            await store.record_merge(0, delta, curve)
            await store.record_vectors("w", [("h", b"\0\1")])
            store.end_session(State.STOPPED, "why")

    asyncio.run(write())
    with RunReader(tmp_path) as run:
        assert list(run.all_examples()) == examples
        assert run.examples([1, 0]) == [examples[1], examples[0]]
        assert run.index_of(f"e{text}") == 0
        assert run.index_of("nobody") is None
        assert run.example_ids() == [f"e{text}", "e2"]
        assert run.header() == header(dataset_hash="hash")
        assert run.runtime() == {"display.progress": text}
        assert run.conversation(0) == [said]
        assert run.replies(0, 0) == {"k": said.reply}
        assert run.usage() == {"generator": Usage(1, 1, 2, 3, 0, 4, None)}
        assert list(run.episodes()) == [episode, failed]
        assert list(run.episodes(index=1)) == [failed]
        assert (run.newest(1), run.newest(5)) == ([failed], [episode, failed])
        assert run.newest(5, epoch=failed.epoch) == [e for e in (episode, failed) if e.epoch == failed.epoch]
        assert run.newest(5, phase=7) == []
        assert run.failures() == {"timeout": [("e2", text)]}
        assert run.counts() == (2, 0, 1)
        (merge,) = run.merges()
        assert (merge.delta, merge.curve) == (delta, curve)
        assert run.playbook().by_id["B002"] == bullet
        assert len(run.playbook(version=0)) == 1
        assert run.vectors("w", ["h", "x"]) == {"h": b"\0\1"}
        assert run.state() == Standing(State.STOPPED, "why")
        (session,) = run.sessions()
        assert session == SessionRecord(1, session.started_at, session.seconds, os.getpid(), socket.gethostname(), "stopped why")  # fmt: skip
        assert run.segments() == [(0, 2)]


def test_a_run_is_extended_by_a_further_segment(tmp_path: Path) -> None:
    create(tmp_path)
    with RunStore(tmp_path) as store:
        store.extend([Example("new", "q", "a")], "other hash")
        assert store.segments() == [(0, 4), (4, 5)]
        assert store.example(4) == Example("new", "q", "a")
        assert store.header().dataset_hash == "other hash"


@pytest.mark.parametrize(
    ("examples", "message"),
    [([], "no examples"), ([Example("a", "q", "1"), Example("a", "r", "2")], r"same id \(example 2\)")],
)
def test_a_store_is_made_whole_or_not_at_all(tmp_path: Path, examples: list[Example], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RunStore.create(tmp_path, header(), {}, examples, lambda: "")
    assert list(tmp_path.iterdir()) == []


# -- older schemas


def test_a_store_of_the_first_schema_is_brought_up_to_date_and_everything_reads(tmp_path: Path) -> None:
    shutil.copy(GOLDEN, tmp_path / "run.sqlite3")
    with closing(sqlite3.connect(GOLDEN)) as db:
        assert migrations.version(db) == 1
    with RunReader(tmp_path) as old:  # reading needs no writing
        before = everything(old)
    with closing(sqlite3.connect(tmp_path / "run.sqlite3")) as db:
        assert migrations.version(db) == 1
    with RunStore(tmp_path) as store:
        assert everything(store) == before
    with closing(sqlite3.connect(tmp_path / "run.sqlite3")) as db:
        assert migrations.version(db) == len(migrations.MIGRATIONS)
        assert db.execute("SELECT 1 FROM sqlite_master WHERE name = 'episode_failure'").fetchone()
    assert before["counts"] == (30, 14, 1)
    assert before["state"] == Standing(State.STOPPED, "spent $1.00 of $1.00")
    assert before["merges"] == 3
    assert before["bullets"] == ["B001", "B002", "B003"]
    assert before["vectors"] == {"00ff": b"\0\0\x80?"}
    verdicts = [round_.verdict for episode in before["episodes"] for round_ in episode.rounds]
    assert {verdict.scorer for verdict in verdicts} == {"numeric"}  # it was called the judge then
    assert {(verdict.correct, verdict.credit) for verdict in verdicts} == {(True, 1.0), (False, 0.0)}


def everything(run: RunReader) -> dict[str, Any]:
    return {
        "header": run.header(),
        "runtime": run.runtime(),
        "state": run.state(),
        "sessions": run.sessions(),
        "examples": list(run.all_examples()),
        "replies": run.replies(0, 1000),
        "conversations": [run.conversation(step) for step in range(30)],
        "usage": run.usage(),
        "episodes": list(run.episodes()),
        "failures": run.failures(),
        "counts": run.counts(),
        "merges": len(list(run.merges())),
        "bullets": [bullet.id for bullet in run.playbook().bullets],
        "vectors": run.vectors("wordllama", ["00ff"]),
        "slowest": run.slowest(),
        "most_expensive": run.most_expensive(),
    }


def test_a_step_that_fails_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(GOLDEN, tmp_path / "run.sqlite3")

    def broken(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE half (x)")
        db.execute("nonsense")

    monkeypatch.setattr(migrations, "MIGRATIONS", (migrations.initial, broken))
    with pytest.raises(StoreError):
        RunStore(tmp_path)
    with closing(sqlite3.connect(tmp_path / "run.sqlite3")) as db:
        assert migrations.version(db) == 1
        assert not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'half'").fetchone()


# -- what is no store


def sql(text: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as db:
            db.executescript(text)

    return change


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def scribble(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(os.urandom(4096 * 4))


def foreign(path: Path) -> None:
    path.unlink()
    sql("CREATE TABLE mine (x); INSERT INTO mine VALUES (1)")(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE: list[tuple[str, Callable[[Path], object], str, int]] = [
    ("no database", lambda path: path.write_bytes(b"Dear diary\n" * 1000), "is damaged: file is not a database", 1),
    ("empty", lambda path: path.write_bytes(b""), "is a database of another program", 2),
    ("foreign", foreign, "is a database of another program", 2),
    ("newer", sql("PRAGMA user_version = 99"), "was written by a newer version of ace (schema 99", 2),
    ("truncated", truncate, "is damaged: ", 1),
    ("scribbled", scribble, "is damaged: ", 1),
    ("row missing", sql("DELETE FROM run"), "is damaged: a row is missing", 1),
    ("table missing", sql("DROP TABLE run"), "is damaged: no such table: run", 1),
    ("broken text", sql("UPDATE run SET identity = '{'"), "is damaged: a record cannot be read", 1),
    ("setting missing", sql("UPDATE run SET identity = '{}'"), "is damaged: a record cannot be read", 1),
    ("folder", folder, "is not a run: it has no run.sqlite3", 2),
    ("missing", Path.unlink, "is not a run: it has no run.sqlite3", 2),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "message", "code"), DAMAGE, ids=[row[0] for row in DAMAGE])
@pytest.mark.parametrize("command", [["resume"], ["inspect"], ["export", "-f", "json"]], ids=lambda c: c[0])
def test_what_is_no_sound_store_is_told_in_one_line(
    inside: Inside, command: list[str], name: str, change: Callable[[Path], object], message: str, code: int
) -> None:
    make_run(inside.cwd / "runs/run", examples=30, state="stopped")
    change(inside.cwd / "runs/run/run.sqlite3")
    done = inside(command[0], "runs/run", *command[1:])
    assert done.err.startswith("error: ")
    assert len(done.err.splitlines()) <= 2
    if command[0] == "resume" or name not in (
        "folder",
        "missing",
    ):  # to the others it is a folder like any other
        assert message in done.err
        assert done.code == code
    listed = inside("resume", "--list")
    assert listed.code == 0
    if name not in ("folder", "missing"):
        assert message in listed.err
        assert "damaged" in listed.out


# -- groups of writes


def connecting(monkeypatch: pytest.MonkeyPatch, opened: Callable[[sqlite3.Connection], object]) -> None:
    """Every connection that writes is shown to ``opened`` first."""
    original = writer.connect

    def connect(path: Path) -> sqlite3.Connection:
        db = original(path)
        opened(db)
        return db

    for module in (store, writer):
        monkeypatch.setattr(module, "connect", connect)


def commits(monkeypatch: pytest.MonkeyPatch, each: Callable[[], object]) -> None:
    """``each`` is called before every commit."""
    connecting(monkeypatch, lambda db: db.set_trace_callback(lambda sql: each() if sql == "COMMIT" else None))


def test_many_replies_at_once_share_transactions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create(tmp_path)
    counted: list[None] = []
    commits(monkeypatch, lambda: counted.append(None))

    async def write() -> None:
        with RunStore(tmp_path) as store:
            await asyncio.gather(*(store.record_reply(reply(n)) for n in range(200)))
            with RunReader(tmp_path) as other:  # durable when awaited, for any other reader
                assert len(other.replies(0, 200)) == 200

    asyncio.run(write())
    assert 0 < len(counted) <= 100


def test_paid_vectors_are_on_disk_before_they_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(tmp_path)
    commits(monkeypatch, lambda: time.sleep(0.3))

    async def use() -> None:
        with RunStore(tmp_path) as opened:
            await CachedEmbedder(CountingEmbedder(), StoredVectors(opened, "paid")).embed(["text"])
            with RunReader(tmp_path) as seen:
                assert seen.vectors("paid", [digest(b"text")])

    asyncio.run(use())


def test_a_store_whose_writer_cannot_be_opened_is_an_error_and_no_endless_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(tmp_path)
    opened: list[sqlite3.Connection] = []

    def second_fails(db: sqlite3.Connection) -> None:
        opened.append(db)
        if len(opened) > 1:  # the first is the migration's
            raise sqlite3.OperationalError("unable to open database file")

    connecting(monkeypatch, second_fails)
    with pytest.raises(StoreError, match="unable to open"):
        RunStore(tmp_path)


def limit(monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
    """A store that may grow by ``pages`` pages of 4 KB: its disk is full then."""

    def full(db: sqlite3.Connection) -> None:
        used = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {used + pages}")

    connecting(monkeypatch, full)


def test_a_full_disk_is_told_to_everybody_who_waits_and_nothing_recorded_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    create(tmp_path)
    limit(monkeypatch, 8)
    random = os.urandom(300_000).hex()

    async def write() -> list[Any]:
        with RunStore(tmp_path) as store:
            store.begin_session({})
            for number in range(3):
                await store.record_reply(reply(number))
            vectors = [(str(n), os.urandom(1000)) for n in range(100)]
            unheard = asyncio.create_task(store.record_vectors("w", vectors))
            waiting = [store.record_reply(reply(number, random + str(number))) for number in range(10, 20)]
            ended = await asyncio.gather(unheard, *waiting, return_exceptions=True)
            with pytest.raises(StoreError):  # nor does anything later go through
                await store.record_reply(reply(30))
            with pytest.raises(StoreError):
                store.end_session(State.STOPPED)
        return ended

    for error in asyncio.run(write()):
        assert isinstance(error, StoreError)
        assert "no space left" in error.message
        assert "ace resume" in error.hint
    assert not caplog.records, "an error that is told elsewhere is not told again by asyncio"
    with RunReader(tmp_path) as run:
        assert sorted(run.replies(0, 100)) == ["key-0", "key-1", "key-2"]
    monkeypatch.undo()

    async def again() -> None:
        with RunStore(tmp_path) as store:
            await store.record_reply(reply(10, random))

    asyncio.run(again())


def test_a_value_that_no_store_can_hold_is_an_error_and_no_hang(tmp_path: Path) -> None:
    create(tmp_path)

    async def write(record: RecordedReply) -> None:
        with RunStore(tmp_path) as store:
            await asyncio.wait_for(store.record_reply(record), 20)

    for record in (
        replace(reply(1), model="\ud800"),
        replace(reply(1), reply=ChatReply("x", "stop", 10**30)),
    ):
        with pytest.raises(StoreError, match="cannot write"):
            asyncio.run(write(record))
    asyncio.run(write(reply(1)))


def test_an_evaluation_comes_out_as_it_went_in(tmp_path: Path) -> None:
    asked = Evaluation(
        name=HOSTILE, against_name="other", against=header().base_playbook, repeats=3, min_gain=0.05, ablate=2,
        promote="/p.json", overlap=4, notes=(HOSTILE, "b"),
    )  # fmt: skip
    tmp_path.joinpath("run").mkdir()
    rows = [Example("e", "q", "a", cluster=HOSTILE)]
    RunStore.create(tmp_path / "run", header(), {}, rows, lambda: "", asked)
    with RunReader(tmp_path / "run") as run:
        found = run.evaluation()
        assert run.example(0).cluster == rows[0].cluster
    assert found == asked


def test_a_run_of_the_schema_before_evaluations_is_one_of_training(tmp_path: Path) -> None:
    shutil.copy(GOLDEN.with_name("schema4.sqlite3"), tmp_path / "run.sqlite3")
    with RunStore(tmp_path) as run:
        assert run.evaluation() is None
        assert run.counts()[0] == 10
