"""What may go wrong around a run: listeners and stages that raise, second thoughts of the user, no room at the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from ace_cli.engine.events import BatchMerged, Event, ExampleFinished, RetryScheduled, RunFinished, Stopping
from ace_cli.engine.listening import ListenerFailed
from ace_cli.errors import AceError, Interrupted, LimitReached
from ace_cli.playbook import Delta, Playbook
from ace_cli.runs.reader import RunReader
from ace_cli.stages.base import Ask, Attempt, MergeItem, Task
from support.scripted_server import Outage, ScriptedServer
from support.training import AskingGenerator, Generator, go_on, state, trainer


def test_twice_interrupted_the_batches_ahead_are_cut_off_too(tmp_path: Path) -> None:
    async def hang(task: Task) -> None:
        if task.id == "e3":
            os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(5)

    def listen(event: Event) -> None:
        if isinstance(event, Stopping):
            os.kill(os.getpid(), signal.SIGINT)

    generator = Generator(hang)
    with pytest.raises(Interrupted):
        trainer(tmp_path, on_event=listen, generator=generator, settings={"training.lookahead": 1}).train()
    assert sorted(generator.cut) == ["e0", "e1", "e2", "e3"]
    assert state(tmp_path)[0] == "stopped"


@pytest.mark.parametrize("kind", [ExampleFinished, BatchMerged, RunFinished])
def test_a_listener_that_raises_stops_the_run_gently_and_resumably(tmp_path: Path, kind: type) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, kind):
            raise KeyError("not my day")

    with pytest.raises(ListenerFailed, match="KeyError: 'not my day'") as caught:
        trainer(tmp_path, on_event=listen).train()
    assert isinstance(caught.value.__cause__, KeyError)
    assert state(tmp_path)[0] == ("finished" if kind is RunFinished else "failed")
    with RunReader(tmp_path / "run") as run:
        recorded = {episode.example_id for episode in run.episodes()}
    assert recorded >= {"e0", "e1"}, "what was in flight is on record"
    again = Generator()
    go_on(tmp_path, again)
    assert not recorded & set(again.seen)
    assert state(tmp_path)[0] == "finished"


def test_a_notebook_can_interrupt(tmp_path: Path) -> None:
    """Inside of a running loop the run is in a thread, and Ctrl-C is raised in the thread that waits."""

    async def slow(task: Task) -> None:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        await asyncio.sleep(0.5)

    generator = Generator(slow)

    async def cell() -> None:
        # as in a notebook, whose own loop leaves SIGINT to Python
        signal.signal(signal.SIGINT, signal.default_int_handler)
        trainer(tmp_path, count=40, generator=generator, concurrency=1).train()

    with pytest.raises(Interrupted):
        asyncio.run(cell())
    assert len(generator.seen) < 10
    assert state(tmp_path)[0] == "stopped"


def test_a_curator_that_raises_is_named_and_can_be_mended(tmp_path: Path) -> None:
    class Curator:
        broken = True

        def curate(
            self, playbook: Playbook, items: Sequence[MergeItem], ask: Ask | None, *, at: str
        ) -> Delta:
            if self.broken:
                raise ZeroDivisionError("oh")
            return Delta(at)

    curator = Curator()
    with pytest.raises(AceError, match="the curator failed: ZeroDivisionError: oh"):
        trainer(tmp_path, curator=curator).train()
    assert state(tmp_path)[0] == "failed"
    curator.broken = False
    go_on(tmp_path, curator=curator)
    assert state(tmp_path)[0] == "finished"


def test_a_stage_that_swallows_the_stop_decides_nothing(tmp_path: Path) -> None:
    class Greedy(AskingGenerator):
        async def generate(self, task: Task, ask: Ask) -> Attempt:
            with contextlib.suppress(Exception):
                await super().generate(task, ask)
                return Attempt("4")
            return Attempt("I gave up")

    with ScriptedServer({"question 0": "4"}) as server, pytest.raises(LimitReached):
        trainer(tmp_path, generator=Greedy(), api_base=server.url, settings={"limits.max_calls": 1}).train()
    with RunReader(tmp_path / "run") as run:
        answers = [episode.rounds[0].attempt.answer for episode in run.episodes()]
    assert answers == ["4"]


def test_playbook_that_cannot_be_written_at_the_end_leaves_a_failed_run_to_resume(tmp_path: Path) -> None:
    events: list[Event] = []

    def listen(event: Event) -> None:
        events.append(event)
        if isinstance(event, BatchMerged) and event.point.batch == 1:
            (tmp_path / "playbook.json").mkdir()

    with pytest.raises(AceError, match=r"cannot write .*playbook\.json"):
        trainer(tmp_path, on_event=listen).train()
    name, reason = state(tmp_path)
    assert name == "failed"
    assert "playbook.json" in reason
    assert isinstance(events[-1], RunFinished)
    assert events[-1].state == "failed"
    (tmp_path / "playbook.json").rmdir()
    go_on(tmp_path)
    assert json.loads((tmp_path / "playbook.json").read_bytes())["bullets"]


def test_interrupted_while_waiting_to_try_again_it_does_not_wait(tmp_path: Path) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, RetryScheduled):
            os.kill(os.getpid(), signal.SIGINT)

    patient = trainer(  # nobody listens on the port: a retry would follow for an hour
        tmp_path,
        on_event=listen,
        generator=AskingGenerator(),
        settings={"execution.grace_period": 3600, "execution.retry_horizon": 3600},
    )
    with pytest.raises(Interrupted):
        patient.train()
    assert state(tmp_path)[0] == "stopped"


def test_an_embedding_provider_that_is_down_stops_the_run_instead_of_burning_examples(tmp_path: Path) -> None:
    settings = {
        "models.embedding": "text-embedding-3-small",
        "training.max_bullets": 1,
        "training.initial_playbook": str(tmp_path / "initial.json"),
        "execution.max_retries": 0,
        "execution.retry_horizon": 0.1,
    }
    bullets = [{"id": f"B00{n}", "content": f"lesson {n}"} for n in range(1, 5)]
    (tmp_path / "initial.json").write_text(json.dumps({"bullets": bullets}))
    events: list[Event] = []
    with ScriptedServer(outage=Outage(0, 3600)) as down:
        failing = trainer(tmp_path, on_event=events.append, api_base=down.url, settings=settings)
        with pytest.raises(AceError, match="no reply from the provider: text-embedding-3-small"):
            failing.train()
    assert not any(isinstance(event, ExampleFinished) for event in events)
