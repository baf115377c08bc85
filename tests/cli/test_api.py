"""The Python API: the same runs as `ace train` makes, from a script, with one's own stages, inside of an event loop."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import ace_cli
from ace_cli import (
    AceError,
    Bullet,
    DatasetLoader,
    Example,
    OfflineTrainer,
    Playbook,
    PlaybookStage,
    TrainingConfig,
    create_offline_trainer,
    read_playbook,
    resume,
)
from ace_cli.engine.events import BatchMerged, ExampleFinished, RunFinished, RunStarted
from ace_cli.errors import LimitReached, UsageError
from ace_cli.playbook import Add, Delta
from ace_cli.runs.reader import RunReader
from ace_cli.sameness.base import Judgement, Pair, Relation
from ace_cli.scoring import Verdict
from ace_cli.stages.base import Attempt, Case, Insight, MergeItem, Reflection, Task
from support.inside import Inside
from support.scripted_server import ScriptedServer
from support.serving import Serve

MODELS: dict[str, Any] = {"generator_model": "openai/scripted", "reflector_model": "openai/scripted"}


@pytest.fixture(autouse=True)
def at_home(inside: Inside) -> None:
    """In a folder of its own, with a key and without anybody's settings."""


def config(server: ScriptedServer, **more: Any) -> TrainingConfig:
    return TrainingConfig(dataset_name="custom", api_base=server.url, run_dir="run", **MODELS, **more)


def examples(count: int) -> list[Example]:
    return [Example(f"e{n}", f"What is {n} plus {n}?", str(2 * n), "maths") for n in range(count)]


def test_a_trainer_in_one_call_gives_metrics_and_files(serve: Serve) -> None:
    server, data = serve(12)
    trainer = create_offline_trainer(
        dataset_name="custom", num_examples=12, **MODELS, output_playbook_path="playbooks/trained.json",
        input_path=data, api_base=server.url, batch_merge_size=4,
    )  # fmt: skip
    result = trainer.train(initial_playbook_path=None)
    assert set(result) == {"success", "metrics", "playbook_size", "output_paths", "run_dir"}
    metrics = result["metrics"]
    assert result["success"] is True
    assert metrics.total_examples == 12
    assert 0 < metrics.correct_answers <= 12
    assert metrics.accuracy == pytest.approx(metrics.correct_answers / 12, abs=1e-6)
    assert (metrics.failed_examples, metrics.calls) == (0, 24)
    assert metrics.to_dict()["total_examples"] == 12
    assert metrics.details["training_summary"]["batches"] == 3
    book = read_playbook(Path(result["output_paths"]["playbook"]))
    assert len(book) == result["playbook_size"] == metrics.playbook_size > 0
    assert PlaybookStage.PRODUCTION not in {bullet.stage for bullet in book.bullets}
    assert result["output_paths"] == {
        "playbook": "playbooks/trained.json",
        "metrics": "metrics/offline_training_metrics.json",
    }
    assert json.loads(Path(result["output_paths"]["metrics"]).read_text()) == metrics.details
    with RunReader(Path(result["run_dir"])) as run:
        assert run.state().state == "finished"


def test_every_field_of_the_contract_is_there() -> None:
    made = TrainingConfig(
        dataset_name="gsm8k", dataset_split="test", num_examples=None, generator_model="a", reflector_model="b",
        batch_merge_size=3, similarity_threshold=0.7, target_stage=PlaybookStage.PRODUCTION,
        output_playbook_path="p.json", output_metrics_path="m.json", save_checkpoints=False, checkpoint_interval=7,
    )  # fmt: skip
    values = made.values()
    assert values["data.num_examples"] == 0  # all
    assert values["training.target_stage"] == "production"
    assert values["training.batch_size"] == 3
    for name in ace_cli.__all__:
        assert getattr(ace_cli, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Trainer'"):
        ace_cli.Trainer  # noqa: B018 - the access is what is tested


@pytest.mark.parametrize("assign", [False, True], ids=["handed over", "assigned as older scripts do"])
def test_examples_come_from_the_loader(serve: Serve, assign: bool) -> None:
    server, data = serve(8)
    Path("rows.json").write_text(json.dumps([json.loads(line) for line in data.read_text().splitlines()]))
    rows = DatasetLoader(dataset_name="custom").load_from_json("rows.json", num_examples=5)
    assert len(rows) == 5
    if assign:
        trainer = OfflineTrainer(config(server))
        trainer._custom_examples = rows
    else:
        trainer = OfflineTrainer(config(server), examples=rows)
    assert trainer.train()["metrics"].total_examples == 5


def test_training_goes_on_from_a_playbook(serve: Serve) -> None:
    server, data = serve(6)
    first = Playbook((Bullet("B001", "Carry the one.", "general", helpful_count=2),))
    from ace_cli.playbook.formats import dump_playbook

    Path("first.json").write_bytes(dump_playbook(first))
    result = OfflineTrainer(config(server, input_path=data)).train(initial_playbook_path="first.json")
    book = read_playbook(Path(result["output_paths"]["playbook"]))
    assert book.bullets[0].content == "Carry the one."
    assert len(book) > 1
    assert result["metrics"].details["playbook"]["initial_size"] == 1


class Answerer:
    def generate(self, task: Task, ask: Any) -> Attempt:
        assert not hasattr(task, "answer")
        truth = {example.question: example.answer for example in examples(6)}
        return Attempt(truth[task.question] if task.id != "e1" else "no idea", "because")


class Thinker:
    def reflect(self, case: Case, ask: Any) -> Reflection:
        return Reflection((Insight(f"Remember {case.example.id}."),))


class Keeper:
    def curate(self, playbook: Playbook, items: Sequence[MergeItem], ask: Any, *, at: str) -> Delta:
        size = len(playbook)
        return Delta(
            at,
            tuple(
                Add(Bullet(f"B{size + n:03d}", item.reflection.insights[0].content), item.example_id)
                for n, item in enumerate(items, 1)
            ),
        )


class AsyncAnswerer(Answerer):
    async def generate(self, *args: Any, **named: Any) -> Attempt:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().generate(*args, **named)


class AsyncThinker(Thinker):
    async def reflect(self, *args: Any) -> Reflection:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().reflect(*args)


class AsyncKeeper(Keeper):
    async def curate(self, *args: Any, **named: Any) -> Delta:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().curate(*args, **named)


def own(*stages: Any, on_event: Any = None, **more: Any) -> OfflineTrainer:
    """A trainer that needs no server: its stages call no model."""
    made = TrainingConfig(dataset_name="custom", run_dir="run", batch_merge_size=3, **MODELS, **more)
    named = dict(zip(("generator", "reflector", "curator"), stages, strict=True))
    return OfflineTrainer(made, examples(6), on_event=on_event, **named)


@pytest.mark.parametrize(
    "stages",
    [(Answerer(), Thinker(), Keeper()), (AsyncAnswerer(), AsyncThinker(), AsyncKeeper())],
    ids=["functions", "coroutines"],
)
def test_any_object_that_fits_replaces_a_stage(stages: tuple[Any, ...]) -> None:
    result = own(*stages).train()
    assert (result["metrics"].correct_answers, result["metrics"].calls) == (5, 0)
    book = read_playbook(Path(result["output_paths"]["playbook"]))
    assert [bullet.content for bullet in book.bullets] == [f"Remember e{n}." for n in range(6)]


@pytest.mark.parametrize(
    ("replaced", "asked"),
    [({"curator": Keeper()}, {"generator", "reflector"}), ({"reflector": Thinker()}, {"generator"})],
    ids=["curator", "reflector"],
)
def test_one_stage_can_be_replaced_alone(serve: Serve, replaced: dict[str, Any], asked: set[str]) -> None:
    server, data = serve(6)
    result = OfflineTrainer(config(server, input_path=data, num_examples=6), **replaced).train()
    assert result["metrics"].total_examples == 6
    assert {entry.role for entry in server.log} == asked


class AllTheSame:
    reach = -1.0

    async def compare(self, pairs: Sequence[Pair], ask: Any) -> list[Judgement]:
        return [Judgement(Relation.SAME) for _ in pairs]


def test_a_sameness_of_ones_own_decides_what_is_merged() -> None:
    result = own(Answerer(), Thinker(), None, settings={"stages.sameness": f"{__name__}:AllTheSame"}).train()
    book = read_playbook(Path(result["output_paths"]["playbook"]))
    assert [(b.content, b.activation_count) for b in book.bullets] == [("Remember e0.", 5)]


class Lenient:
    """Asks somebody else, and gives half the credit for an answer that is not right."""

    name = "lenient"

    async def __call__(self, answer: str, truth: str) -> Verdict:
        await asyncio.sleep(0)
        return Verdict(answer == truth, truth, answer, self.name, 1.0 if answer == truth else 0.5)


def test_a_scorer_may_be_async_and_give_partial_credit() -> None:
    settings = {"training.scorer": f"{__name__}:Lenient"}
    result = own(Answerer(), Thinker(), Keeper(), settings=settings).train()
    assert result["metrics"].correct_answers == 5
    with RunReader(Path("run")) as run:
        assert [episode.rounds[0].verdict.credit for episode in run.episodes()] == [1, 0.5, 1, 1, 1, 1]


def test_it_runs_inside_of_a_running_event_loop(serve: Serve) -> None:
    server, data = serve(6)

    async def main() -> int:
        trainer = OfflineTrainer(config(server, input_path=data))
        return trainer.train()["metrics"].total_examples

    assert asyncio.run(main()) == 6


def test_events_are_heard_in_order() -> None:
    heard: list[Any] = []
    own(Answerer(), Thinker(), Keeper(), on_event=heard.append).train()
    assert isinstance(heard[0], RunStarted)
    assert isinstance(heard[-1], RunFinished)
    assert sum(isinstance(event, ExampleFinished) for event in heard) == 6
    assert [event.point.examples_seen for event in heard if isinstance(event, BatchMerged)] == [3, 6]


def test_a_stage_that_raises_is_the_failure_of_its_examples() -> None:
    class Broken(Answerer):
        def generate(self, task: Task, ask: Any) -> Attempt:
            if task.id == "e2":
                raise RuntimeError("no luck today")
            return super().generate(task, ask)

    result = own(Broken(), Thinker(), Keeper()).train()
    assert result["metrics"].failed_examples == 1
    assert result["metrics"].details["training_summary"]["failures"] == {"stage_error": 1}
    with RunReader(Path("run")) as run:
        assert run.failures() == {"stage_error": [("e2", "RuntimeError: no luck today")]}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"target_stage": "staging"}, "TrainingConfig.target_stage: 'staging' is not allowed"),
        ({"settings": {"training.epoch": 2}}, "TrainingConfig: unknown key 'training.epoch'"),
        ({"settings": {"training": {"epochs": 2}}}, "TrainingConfig: unknown key 'training'"),
        (
            {"settings": {"limits.max_cost": 1.0}},
            "settings['limits.max_cost'] needs the price of openai/scripted",
        ),
        ({"similarity_threshold": 2}, "TrainingConfig.similarity_threshold: 2 is not allowed"),
        ({"output_playbook_path": "."}, "is a folder"),
    ],
)
def test_what_is_wrong_with_the_settings_is_told_before_anything_is_made(
    more: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as told:
        own(Answerer(), Thinker(), Keeper(), **more).train()
    assert told.value.hint
    assert not Path("run").exists()


def test_errors_of_data_are_ace_errors() -> None:
    for made in (
        TrainingConfig(dataset_name="custom", **MODELS),
        TrainingConfig(dataset_name="custom", input_path="nothing.jsonl", **MODELS),
        TrainingConfig(
            dataset_name="custom", input_path="nothing.jsonl", generator_model="local/nothing.gguf"
        ),
    ):
        with pytest.raises(AceError):
            OfflineTrainer(made).train()
    with pytest.raises(UsageError, match="no examples"):
        OfflineTrainer(TrainingConfig(dataset_name="custom", **MODELS), examples=[]).train()
    with pytest.raises(AceError):
        own(Answerer(), Thinker(), Keeper()).train(initial_playbook_path="nothing.json")


def test_lone_surrogates_of_examples_in_python_are_no_failure(serve: Serve) -> None:
    server, _ = serve(1)
    found = OfflineTrainer(config(server), examples=[Example("a", "What is \ud800?", "4")]).train()
    assert found["metrics"].failed_examples == 0


def test_input_alone_means_custom(serve: Serve) -> None:
    server, data = serve(4)
    made = TrainingConfig(input_path=data, api_base=server.url, **MODELS)
    assert OfflineTrainer(made).train()["metrics"].total_examples == 4


def test_a_limit_raises_and_the_run_can_be_resumed(serve: Serve, inside: Inside) -> None:
    server, data = serve(8)
    made = config(server, input_path=data, settings={"limits.max_calls": 6}, batch_merge_size=4)
    with pytest.raises(LimitReached, match=r"limits\.max_calls'\] 6"):
        OfflineTrainer(made).train()
    done = inside("resume", "run", "--max-calls", 100)
    assert done.code == 0, done.err
    assert sum(server.answered().values()) == 16


# -- going on, planning, and what a script is told


def test_an_error_says_where_the_run_stands_and_resume_goes_on(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(8)
    config = TrainingConfig(
        input_path=data,
        dataset_name="custom",
        generator_model="openai/scripted",
        reflector_model="openai/scripted",
        api_base=server.url,
        run_dir=tmp_path / "run",
        output_playbook_path=tmp_path / "p.json",
        output_metrics_path=tmp_path / "m.json",
        settings={"limits.max_calls": 5, "models.generator.api_key": "sk-of-the-script-1"},
    )
    with pytest.raises(AceError) as stopped:
        OfflineTrainer(config).train()
    assert stopped.value.run_dir == tmp_path / "run"
    assert "settings['limits.max_calls']" in stopped.value.message
    assert "--" not in str(stopped.value)
    result = resume(stopped.value.run_dir, settings={"limits.max_calls": 100})
    assert result["metrics"].total_examples == 8
    assert set(server.answered().values()) == {1}
    assert "sk-of-the-script" not in repr(config)


def test_a_plan_makes_nothing(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    server, data = serve(8)
    before = set(tmp_path.iterdir())
    plan = create_offline_trainer("custom", None, "gpt-4o-mini", input_path=data, api_base=server.url).plan()
    assert (plan.examples, plan.calls) == (8, 16)
    assert (plan.cost_usd or 0) > 0
    assert set(tmp_path.iterdir()) == before
    assert not server.log


def test_rows_may_be_dicts_and_a_bad_one_is_told_by_its_number(serve: Serve, tmp_path: Path) -> None:
    server, _ = serve(4)
    config = TrainingConfig(
        "custom",
        generator_model="openai/scripted",
        reflector_model="openai/scripted",
        api_base=server.url,
        run_dir=tmp_path / "run",
        output_playbook_path=tmp_path / "p.json",
        output_metrics_path=tmp_path / "m.json",
        settings={"data.question_field": "q"},
    )
    rows: list[Mapping[str, Any]] = [
        {"q": "2 + 2?", "answer": 4},
        {"q": "2 + 3?", "answer": "5", "domain": "sums"},
    ]
    assert OfflineTrainer(config, rows).train()["metrics"].total_examples == 2
    with pytest.raises(UsageError, match="examples, row 2: "):
        OfflineTrainer(config, [rows[0], {"q": "no answer"}]).plan()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"num_examples": -1}, "TrainingConfig.num_examples: -1 is not allowed"),
        (
            {"settings": {"training.epochs": 0}},
            "TrainingConfig.settings['training.epochs']: 0 is not allowed",
        ),
        ({"generator_model": "gpt-4o-mni"}, "generator_model: litellm knows no provider"),
    ],
)
def test_an_error_names_what_a_script_can_set(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as told:
        create_offline_trainer(**wrong).plan()
    assert str(told.value).startswith(said)
    assert "--" not in told.value.hint
