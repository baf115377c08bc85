"""A session runs any job: here one that only attempts, in a phase of its own, on workers behind a wall of bytes."""

from __future__ import annotations

import asyncio
import pickle
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

from ace_cli.data import Example
from ace_cli.embeddings import make_embedder
from ace_cli.engine.events import Event, Notice
from ace_cli.engine.example import ExampleJob, Outcome, PlanStep, work
from ace_cli.engine.executor import Executor
from ace_cli.engine.phase import Phase
from ace_cli.engine.session import Session, hold
from ace_cli.engine.wiring import Replacements, StageSpec
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import TRAINING, State
from ace_cli.settings.layers import FLAG, Layer, fold
from ace_cli.settings.recorded import Recorded
from ace_cli.stages.prompts import load_prompts
from ace_cli.stages.retrieval import Shown
from support.ask import ScriptedAsk
from support.scripted_server import ScriptedServer
from support.training import AskingGenerator, trainer

CHECKING = 1


class Shipping:
    """Jobs and outcomes travel as bytes, as they would to another process and back."""

    def __init__(self, inner: Executor) -> None:
        self._inner = inner

    def slot(self) -> AbstractAsyncContextManager[object]:
        return self._inner.slot()

    async def work(self, job: ExampleJob) -> Outcome:
        shipped: ExampleJob = pickle.loads(pickle.dumps(job))
        outcome: Outcome = pickle.loads(pickle.dumps(await self._inner.work(shipped)))
        return outcome

    async def close(self) -> None:
        await self._inner.close()


class Check:
    """Attempts the run's own examples once more, with its finished playbook; its result is how many were right."""

    phases = (CHECKING,)

    def __init__(self, session: Session) -> None:
        self._session = replace(session, executor=Shipping(session.executor))

    def started(self) -> Event:
        return Notice("checking")

    async def run(self) -> None:
        store = self._session.store
        store.begin_phase(CHECKING, "check")
        phase = Phase(self._session, tries=None, phase=CHECKING)
        known = {episode.step: episode for episode in store.episodes(phase=CHECKING)}
        steps = [PlanStep(n, epoch=0, index=n, batch=0, version=2) for n in range(store.example_count())]
        await phase.episodes(steps, known, store.playbook())

    def write(self) -> int:
        return self._session.store.counts(CHECKING)[1]

    def finished(self, state: State, reason: str) -> Event:
        return Notice(f"checked: {state}{reason}")


def test_another_job_attempts_in_its_own_phase_and_pays_once(tmp_path: Path) -> None:
    told: list[Event] = []
    with ScriptedServer({f"question {n}": "4" for n in range(4)}, right=1.0) as server:
        trainer(tmp_path, generator=AskingGenerator(), api_base=server.url).train()
        calls = len(server.log)
        with RunReader(tmp_path / "run") as run:
            trained = list(run.episodes())
            settings = Recorded(run.header().identity, run.runtime(), {}).settings
        stages = Replacements(generator=AskingGenerator())
        for _ in range(2):  # the second time, all of it is on record
            right = hold(tmp_path / "run", settings, Check, told.append, stages)
            assert right == 4
            assert len(server.log) == 2 * calls, "no reply is shared between phases, and none is paid twice"
    with RunReader(tmp_path / "run") as run:
        assert list(run.episodes(phase=TRAINING)) == trained
        checked = list(run.episodes(phase=CHECKING))
        assert all(run.conversation(episode.step, CHECKING) for episode in checked)
        assert run.usage()["generator"].calls == 2 * calls
    assert [episode.example_id for episode in checked] == [f"e{n}" for n in range(4)]
    assert {round_.reflection for episode in checked for round_ in episode.rounds} == {None}
    assert [event.message for event in told if isinstance(event, Notice)] == [
        "checking",
        "checked: finished",
    ] * 2


def test_a_worker_makes_its_stages_from_a_spec_that_travels_as_bytes() -> None:
    settings = fold([Layer("flag", FLAG, {"training.scorer": "contains"})]).settings
    spec: StageSpec = pickle.loads(pickle.dumps(StageSpec(settings, load_prompts())))
    stages = spec.make(make_embedder("wordllama"))
    job = ExampleJob(CHECKING, 0, Example("e", "Who?", "Ann"), Shown(), None, {})
    ask = ScriptedAsk('{"reasoning": "", "final_answer": "It was Ann."}')
    outcome = asyncio.run(work(stages, job, ask, ask))
    assert outcome.rounds[0].verdict.correct
    assert (outcome.failure, len(ask.asked)) == ("", 1)
