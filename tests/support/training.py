"""Training runs from Python whose stages answer by themselves, so that no server is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ace_cli import OfflineTrainer, TrainingConfig
from ace_cli.engine.events import Event
from ace_cli.engine.wiring import Replacements
from ace_cli.llm.base import Message
from ace_cli.runs.reader import RunReader
from ace_cli.settings.recorded import Recorded
from ace_cli.stages.base import Ask, Attempt, Case, Insight, Reflection, Task
from ace_cli.training import job
from support.builders import examples


class Generator:
    """Answers 4 at once; ``before`` is awaited first. Keeps which examples it saw, and of which it was cut off."""

    def __init__(self, before: Callable[[Task], Awaitable[None]] | None = None) -> None:
        self._before = before
        self.seen: list[str] = []
        self.cut: list[str] = []

    async def generate(self, task: Task, ask: Ask) -> Attempt:
        self.seen.append(task.id)
        try:
            if self._before is not None:
                await self._before(task)
        except asyncio.CancelledError:
            self.cut.append(task.id)
            raise
        return Attempt("4")


class AskingGenerator:
    """Answers what the model says."""

    async def generate(self, task: Task, ask: Ask) -> Attempt:
        return Attempt((await ask([Message("user", f"You are the Generator {task.question}")])).text)


class Reflector:
    async def reflect(self, case: Case, ask: Ask) -> Reflection:
        return Reflection((Insight(f"A lesson about {case.example.question}"),))


def trainer(
    folder: Path,
    count: int = 4,
    on_event: Callable[[Event], None] | None = None,
    generator: object = None,
    curator: Any = None,
    **config: Any,
) -> OfflineTrainer:
    """A run of ``count`` examples in batches of 2, in ``folder``; by default nobody listens at its address."""
    made = TrainingConfig(
        generator_model="openai/scripted",
        reflector_model="openai/scripted",
        batch_merge_size=2,
        run_dir=folder / "run",
        output_playbook_path=folder / "playbook.json",
        output_metrics_path=folder / "metrics.json",
        **{"api_base": "http://127.0.0.1:9/v1", **config},
    )
    stages: dict[str, Any] = {"generator": generator or Generator(), "reflector": Reflector()}
    return OfflineTrainer(made, examples(count), on_event=on_event, curator=curator, **stages)


def go_on(folder: Path, generator: Any = None, curator: Any = None) -> None:
    """What `ace resume` does, with stages at hand."""
    with RunReader(folder / "run") as run:
        settings = Recorded(run.header().identity, run.runtime(), {}).settings
    stages = Replacements(generator or Generator(), Reflector(), curator)
    job.train(folder / "run", settings, lambda _: None, stages)


def state(folder: Path) -> tuple[str, str]:
    """The run's state and the reason for it."""
    with RunReader(folder / "run") as run:
        found = run.state()
    return found.state, found.reason
