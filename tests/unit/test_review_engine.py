"""What may go wrong around a run: listeners and stages that raise, second thoughts of the user, full disks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ace_cli import Example, OfflineTrainer, TrainingConfig
from ace_cli.engine.events import BatchMerged, Event, ExampleFinished, RunFinished, Stopping
from ace_cli.engine.listening import ListenerFailed
from ace_cli.errors import AceError, Interrupted, LimitReached
from ace_cli.runs.reader import RunReader
from ace_cli.stages.base import Attempt, Case, Insight, Reflection, Task
from ace_cli.training import job
from support.inside import Inside
from support.scripted_server import ScriptedServer


class Generator:
    """Answers at once; ``before`` is awaited first."""

    def __init__(self, before: Callable[[Task], Any] | None = None) -> None:
        self._before = before
        self.seen: list[str] = []
        self.cut: list[str] = []

    async def generate(self, task: Task, ask: Any) -> Attempt:
        self.seen.append(task.id)
        try:
            if self._before is not None:
                await self._before(task)
        except asyncio.CancelledError:
            self.cut.append(task.id)
            raise
        return Attempt("4")


class Reflector:
    async def reflect(self, case: Case, ask: Any) -> Reflection:
        return Reflection((Insight(f"A lesson about {case.example.question}"),))


def examples(count: int) -> list[Example]:
    return [Example(f"e{n}", f"question {n}", "4") for n in range(count)]


def trainer(folder: Path, count: int = 4, on_event: Any = None, **more: Any) -> OfflineTrainer:
    stages = {
        "generator": more.pop("generator", Generator()),
        "reflector": more.pop("reflector", Reflector()),
    }
    if "curator" in more:
        stages["curator"] = more.pop("curator")
    config = TrainingConfig(
        generator_model="openai/scripted",
        reflector_model="openai/scripted",
        batch_merge_size=2,
        run_dir=folder / "run",
        output_playbook_path=folder / "playbook.json",
        output_metrics_path=folder / "metrics.json",
        **{"api_base": "http://127.0.0.1:9/v1", **more},
    )
    return OfflineTrainer(config, examples(count), on_event=on_event, **stages)


def go_on(folder: Path, given: OfflineTrainer) -> None:
    """What `ace resume` does, with the stages at hand."""
    from ace_cli.settings.recorded import Recorded

    with RunReader(folder / "run") as run:
        settings = Recorded(run.header().identity, run.runtime(), {}).settings
    job.train(folder / "run", settings, given._on_event, given._replacements)


def state(folder: Path) -> tuple[str, str]:
    with RunReader(folder / "run") as run:
        found = run.state()
    return found.name, found.reason


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

    given = trainer(tmp_path, on_event=listen)
    with pytest.raises(ListenerFailed, match="KeyError: 'not my day'") as caught:
        given.train()
    assert isinstance(caught.value.__cause__, KeyError)
    assert state(tmp_path)[0] == ("finished" if kind is RunFinished else "failed")
    with RunReader(tmp_path / "run") as run:
        recorded = {episode.example_id for episode in run.episodes()}
    assert recorded >= {"e0", "e1"}, "what was in flight is on record"
    again = Generator()
    given._on_event, given._replacements = (lambda _: None), type(given._replacements)(again, Reflector())
    go_on(tmp_path, given)
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
    from ace_cli.playbook import Delta

    class Curator:
        broken = True

        def curate(self, playbook: Any, items: Any, ask: Any, *, at: str) -> Delta:
            if self.broken:
                raise ZeroDivisionError("oh")
            return Delta(at)

    given = trainer(tmp_path, curator=Curator())
    with pytest.raises(AceError, match="the curator failed: ZeroDivisionError: oh"):
        given.train()
    assert state(tmp_path)[0] == "failed"
    Curator.broken = False
    go_on(tmp_path, given)
    assert state(tmp_path)[0] == "finished"


def test_a_stage_that_swallows_the_stop_decides_nothing(tmp_path: Path) -> None:
    class Greedy(Generator):
        async def generate(self, task: Task, ask: Any) -> Attempt:
            from ace_cli.llm.base import Message

            with contextlib.suppress(Exception):
                await ask([Message("user", f"You are the Generator {task.question}")])
                return Attempt("4")
            return Attempt("I gave up")

    with (
        ScriptedServer({"question 0": "4"}) as server,
        pytest.raises(LimitReached),
    ):
        trainer(tmp_path, generator=Greedy(), api_base=server.url, settings={"limits.max_calls": 1}).train()
    with RunReader(tmp_path / "run") as run:
        answers = [episode.rounds[0].attempt.answer for episode in run.episodes()]
    assert answers == ["4"]


def test_playbook_that_cannot_be_written_at_the_end_leaves_a_failed_run_to_resume(tmp_path: Path) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, BatchMerged) and event.point.batch == 1:
            (tmp_path / "playbook.json").mkdir()

    events: list[Event] = []
    given = trainer(tmp_path, on_event=lambda e: (events.append(e), listen(e)))
    with pytest.raises(AceError, match=r"cannot write .*playbook\.json"):
        given.train()
    name, reason = state(tmp_path)
    assert name == "failed"
    assert "playbook.json" in reason
    assert isinstance(events[-1], RunFinished)
    assert events[-1].state == "failed"
    (tmp_path / "playbook.json").rmdir()
    given._on_event = lambda _: None
    go_on(tmp_path, given)
    assert json.loads((tmp_path / "playbook.json").read_bytes())["bullets"]


def test_interrupted_while_waiting_to_try_again_it_does_not_wait(tmp_path: Path) -> None:
    from ace_cli.llm.base import Message

    class Asking(Generator):
        async def generate(self, task: Task, ask: Any) -> Attempt:
            return Attempt((await ask([Message("user", task.question)])).text)

    def listen(event: Event) -> None:
        if type(event).__name__ == "RetryScheduled":
            os.kill(os.getpid(), signal.SIGINT)

    given = trainer(  # nobody listens on the port: a retry would follow for an hour
        tmp_path,
        on_event=listen,
        generator=Asking(),
        settings={"execution.grace_period": 3600, "execution.retry_horizon": 3600},
    )
    with pytest.raises(Interrupted):
        given.train()
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
    with pytest.raises(AceError, match="no reply from the provider: text-embedding-3-small"):
        trainer(tmp_path, settings=settings).train()  # nobody listens on its port
    with RunReader(tmp_path / "run") as run:
        assert run.counts()[0] == 0


def test_lone_surrogates_of_examples_in_python_are_no_failure(tmp_path: Path) -> None:
    with ScriptedServer({}) as server:
        config = TrainingConfig(
            generator_model="openai/scripted",
            reflector_model="openai/scripted",
            api_base=server.url,
            run_dir=tmp_path / "run",
            output_playbook_path=tmp_path / "p.json",
            output_metrics_path=tmp_path / "m.json",
        )
        found = OfflineTrainer(config, [Example("a", "What is \ud800?", "4")]).train()
    assert found["metrics"].failed_examples == 0


def test_a_run_with_stages_of_python_is_not_resumed_with_others(tmp_path: Path, inside: Inside) -> None:
    class Local(Generator):
        pass

    async def fail(task: Task) -> None:
        raise Interrupted("enough")

    with pytest.raises(Interrupted):
        trainer(tmp_path, generator=Local(fail)).train()
    done = inside("resume", str(tmp_path / "run"))
    assert done.code == 2
    assert "Local" in done.err
    assert state(tmp_path)[0] == "stopped"


def test_a_run_with_importable_stages_is_resumed_by_the_command(tmp_path: Path, inside: Inside) -> None:
    async def fail(task: Task) -> None:
        raise Interrupted("enough")

    with pytest.raises(Interrupted):
        trainer(tmp_path, generator=Generator(fail)).train()
    done = inside("resume", str(tmp_path / "run"))
    assert done.code == 0, done.err
    assert state(tmp_path)[0] == "finished"
