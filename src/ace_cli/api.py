"""The Python API: the same runs as `ace train` makes, from a script or a notebook."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from dataclasses import fields as fields_of
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypedDict, get_origin, get_type_hints

from ace_cli.data import Example, example_of
from ace_cli.engine.checks import called_roles
from ace_cli.engine.create import create_run, replaced
from ace_cli.engine.dataset import dataset_spec
from ace_cli.engine.events import Listener
from ace_cli.engine.resume import prepare_resume
from ace_cli.engine.styles import settle_styles
from ace_cli.engine.trust import Claim, Word, admit, claims_of, remember
from ace_cli.engine.wiring import Replacements
from ace_cli.errors import AceError
from ace_cli.evaluation.create import create_evaluation
from ace_cli.evaluation.job import evaluate as work_evaluation
from ace_cli.evaluation.plan import Asked, Subject, make_plan, settings_of
from ace_cli.evaluation.records import EvalReport
from ace_cli.playbook import Playbook, PlaybookStage
from ace_cli.redact import redact
from ace_cli.report.tracking.listener import tracked
from ace_cli.runs.lock import hold_existing
from ace_cli.runs.target import open_target
from ace_cli.settings import DEFINITIONS, Kind, Settings
from ace_cli.settings.layers import FLAG, Layer, fold
from ace_cli.stages.base import Curator, Generator, Reflector
from ace_cli.training.estimate import Estimate, announce, estimate
from ace_cli.training.job import TrainedRun
from ace_cli.training.job import train as work


@dataclass
class TrainingConfig:
    """What a training run is made of, each with the path of its setting. Every other setting goes into ``settings``.

    Args:
        dataset_name: ``gsm8k``, ``custom`` (with ``input_path`` or ``examples``), or a Hugging Face id or folder.
        num_examples: how many; None takes all.
        batch_merge_size: examples that see the same playbook.
        similarity_threshold: likeness (0 to 1) from which an insight repeats a bullet.
        settings: further settings by dotted path, such as ``{"training.epochs": 2, "limits.max_cost": 1.5}``.
    """

    dataset_name: Annotated[str, "data.dataset"] = "gsm8k"
    dataset_split: Annotated[str, "data.split"] = "train"
    num_examples: Annotated[int | None, "data.num_examples"] = 100
    generator_model: Annotated[str, "models.generator.model"] = "gpt-4-turbo"
    reflector_model: Annotated[str, "models.reflector.model"] = "gpt-4o-mini"
    batch_merge_size: Annotated[int, "training.batch_size"] = 10
    similarity_threshold: Annotated[float, "training.similarity_threshold"] = 0.8
    target_stage: Annotated[PlaybookStage | str, "training.target_stage"] = PlaybookStage.SHADOW
    output_playbook_path: Annotated[str | Path, "output.playbook"] = "playbooks/offline_trained.json"
    output_metrics_path: Annotated[str | Path, "output.metrics"] = "metrics/offline_training_metrics.json"
    save_checkpoints: Annotated[bool, "output.checkpoints"] = True
    checkpoint_interval: Annotated[int, "output.checkpoint_interval"] = 50
    input_path: Annotated[str | Path | None, "data.input"] = None
    run_dir: Annotated[str | Path | None, "output.run_dir"] = None
    api_base: Annotated[str | Sequence[str] | None, "models.api_base"] = None
    concurrency: Annotated[int | str, "execution.concurrency"] = "auto"
    seed: Annotated[int, "training.seed"] = 0
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Without keys, so that it may be printed."""
        shown = {field.name: getattr(self, field.name) for field in fields_of(self)}
        shown["settings"] = {
            path: value if DEFINITIONS[path].kind is not Kind.SECRET else "***"
            for path, value in self.settings.items()
            if path in DEFINITIONS
        }
        return (
            f"TrainingConfig({', '.join(f'{name}={redact(repr(value))}' for name, value in shown.items())})"
        )

    def values(self) -> dict[str, Any]:
        """Dotted path of the setting -> value."""
        values = {path: getattr(self, name) for name, path in _paths(type(self)).items()}
        texts = {path: str(value) for path, value in values.items() if isinstance(value, Path | StrEnum)}
        return {**values, **texts, "data.num_examples": self.num_examples or 0, **self.settings}


@dataclass(frozen=True)
class TrainingMetrics:
    """The numbers of a finished run; ``details`` is the whole metrics file, in which each has its place."""

    total_examples: Annotated[int, "training_summary.total_examples"]
    correct_answers: Annotated[int, "training_summary.correct_answers"]
    failed_examples: Annotated[int, "training_summary.failed_generations"]
    accuracy: Annotated[float, "training_summary.accuracy"]
    playbook_size: Annotated[int, "playbook.final_size"]
    bullets_added: Annotated[int, "playbook.bullets_added"]
    bullets_incremented: Annotated[int, "playbook.bullets_incremented"]
    total_insights: Annotated[int, "insights.total_extracted"]
    calls: Annotated[int, "usage.calls"]
    cost_usd: Annotated[float | None, "usage.cost_usd"]
    duration_seconds: Annotated[float, "timing.duration_seconds"]
    details: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class TrainingResult(TypedDict):
    """What :meth:`OfflineTrainer.train` returns. A run that does not finish raises instead."""

    success: bool
    metrics: TrainingMetrics
    playbook_size: int
    output_paths: dict[str, str]
    run_dir: str


class OfflineTrainer:
    """Trains one playbook.

    Args:
        config: what to train on, with what.
        examples: the dataset, instead of what ``config`` names: examples, or dicts as they stand in a file of rows.
        generator, reflector, curator: any object that fits the Protocol in ``ace_cli.stages.base``.
        on_event: called with every event of the run (``ace_cli.engine.events``), from the thread of the run.
    """

    def __init__(
        self,
        config: TrainingConfig,
        examples: Sequence[Example | Mapping[str, Any]] | None = None,
        *,
        generator: Generator | None = None,
        reflector: Reflector | None = None,
        curator: Curator | None = None,
        on_event: Listener | None = None,
    ) -> None:
        self.config = config
        self._custom_examples: Sequence[Example | Mapping[str, Any]] | None = (
            examples  # older scripts assign it
        )
        self._replacements = Replacements(generator, reflector, curator)
        self._on_event: Listener = on_event or (lambda _: None)

    def train(self, initial_playbook_path: str | Path | None = None) -> TrainingResult:
        """Run to the end. What is recorded stays in the run directory, so that :func:`resume` can go on after an error.

        Raises:
            UsageError: something is wrong with the settings or the data; nothing was paid.
            RunStopped: a limit, an interruption, an outage or too many failures stopped the run; ``run_dir`` is where it stands.
            AceError: anything else that was foreseen.
        """
        with told_in_python(type(self.config)):
            config = Layer("TrainingConfig", FLAG, self._values(initial_playbook_path))
            loaded, objects = fold([config]), Layer("objects", FLAG, replaced(self._replacements))
            # all of it is the caller's word: `ace resume` need not ask
            remember(claims_of(fold([config, objects])))
            rows = self._rows(loaded.settings)
            loaded = settle_styles(loaded, self._on_event, self._replacements)
            run_dir = create_run(loaded, self._on_event, rows, self._replacements)
            if {"generator", "reflector"} <= set(called_roles(loaded.settings, self._replacements)):
                announce(run_dir, loaded, self._on_event, rows)
            with tracked(loaded.settings.output.track, self._on_event) as emit:
                return _result(work(run_dir, loaded.settings, emit, self._replacements))

    def plan(self) -> Estimate:
        """What training would take: examples, calls, tokens, cost. Reads the data and checks everything that can be checked; makes
        no call and no file.

        Raises:
            UsageError: as :meth:`train`.
        """
        with told_in_python(type(self.config)):
            settings = fold([Layer("TrainingConfig", FLAG, self._values(None))]).settings
            return estimate(settings, self._rows(settings), self._replacements)

    def _values(self, initial_playbook_path: str | Path | None) -> dict[str, Any]:
        values = self.config.values()
        if initial_playbook_path is not None:
            values["training.initial_playbook"] = str(initial_playbook_path)
        return values

    def _rows(self, settings: Settings) -> list[Example] | None:
        """The examples that were handed over; a dict is read as a row of a file is."""
        if self._custom_examples is None:
            return None
        fields = dataset_spec(settings.data, 0).fields
        return [
            row if isinstance(row, Example) else example_of(row, number, fields)
            for number, row in enumerate(self._custom_examples, 1)
        ]


def resume(
    run_dir: str | Path,
    *,
    settings: Mapping[str, Any] = MappingProxyType({}),
    trust: bool = False,
    generator: Generator | None = None,
    reflector: Reflector | None = None,
    curator: Curator | None = None,
    on_event: Listener | None = None,
) -> TrainingResult:
    """Go on with a training run, as `ace resume` does. Nothing that was paid is asked for again.

    Args:
        run_dir: ``result["run_dir"]``, or the ``run_dir`` of the error that ended it.
        settings: runtime settings to change, by dotted path, such as ``{"limits.max_cost": 5}``; and keys, which are on no record.
        trust: allow the hosts, files and code that the run names, where they are not known to be yours.
        generator, reflector, curator: those that the run was started with, if it was with objects.

    Raises:
        UsageError: it cannot go on like this; nothing was paid. Else as :meth:`OfflineTrainer.train`.
    """
    emit: Listener = on_event or (lambda _: None)
    directory, layers = Path(run_dir), [Layer("settings", FLAG, settings)]
    stages = Replacements(generator, reflector, curator)

    given = replaced(stages)

    def ask(claims: Sequence[Claim]) -> Word:
        return Word.NOW if trust or all(claim.key in given for claim in claims) else Word.NO

    with told_in_python(TrainingConfig):
        with hold_existing(directory):
            loaded = prepare_resume(
                directory, layers, None, emit, lambda found: admit(found, ask, directory), stages
            )
        with tracked(loaded.settings.output.track, emit) as listener:
            return _result(work(directory, loaded.settings, listener, stages))


def _result(done: TrainedRun) -> TrainingResult:
    return {
        "success": True,
        "metrics": _metrics(done.metrics),
        "playbook_size": len(done.playbook),
        "output_paths": {"playbook": str(done.playbook_path), "metrics": str(done.metrics_path)},
        "run_dir": str(done.run_dir),
    }


@contextlib.contextmanager
def told_in_python(record: type) -> Iterator[None]:
    """Errors name what a script can set: the fields of ``record``, or keys of its ``settings``, in place of flags."""
    fields = {path: name for name, path in _paths(record).items()}
    names = {path: fields.get(path) or f"settings[{path!r}]" for path in DEFINITIONS}
    flags = {definition.flag: names[path] for path, definition in DEFINITIONS.items() if definition.flag}
    flags["--trust"] = "trust=True"

    def told(text: str) -> str:
        text = re.sub(r"--[a-z][a-z-]*[a-z]", lambda flag: flags.get(flag[0], flag[0]), text)
        return re.sub(
            r"TrainingConfig: ([a-z_.]+)(?=: )", lambda path: f"TrainingConfig.{names[path[1]]}", text
        )

    try:
        yield
    except AceError as error:
        error.message, error.hint = told(error.message), told(error.hint)
        error.args = (error.message,)
        raise


def create_offline_trainer(
    dataset_name: str = "gsm8k",
    num_examples: int | None = 100,
    generator_model: str = "gpt-4-turbo",
    reflector_model: str = "gpt-4o-mini",
    output_playbook_path: str | Path = "playbooks/offline_trained.json",
    **more: Any,
) -> OfflineTrainer:
    """An :class:`OfflineTrainer` in one call; ``more`` are further fields of :class:`TrainingConfig`."""
    return OfflineTrainer(
        TrainingConfig(
            dataset_name=dataset_name,
            num_examples=num_examples,
            generator_model=generator_model,
            reflector_model=reflector_model,
            output_playbook_path=output_playbook_path,
            **more,
        )
    )


def evaluate(
    playbook: Playbook | str | Path,
    examples: Sequence[Example] | None = None,
    *,
    against: Playbook | str | Path | None = None,
    repeats: int = 1,
    min_gain: float = 0.0,
    generator_model: str = "",
    api_base: str | Sequence[str] = "",
    run_dir: str | Path | None = None,
    settings: Mapping[str, Any] = MappingProxyType({}),
    generator: Generator | None = None,
    on_event: Listener | None = None,
) -> EvalReport:
    """Measure a playbook on held-out examples, with it and without it: what `ace eval` does.

    Args:
        playbook: as an object, a file, or the directory of the run that trained it. Model and settings are those of the training
            where it knows them.
        examples: held-out ones; without them, the dataset that ``settings`` name, or rows of the training's that were not used. Those that a run
            is known to have learned from are left out.
        against: another playbook; None compares to no playbook.
        min_gain: the gain that ``EvalReport.is_shown_to_help`` asks for, as a fraction.
        settings: further settings by dotted path, such as ``{"data.input": "heldout.jsonl", "limits.max_cost": 1.5}``.
        generator: any object that fits the Protocol in ``ace_cli.stages.base``.
        on_event: called with every event, from the thread of the evaluation.

    Raises:
        UsageError: something is wrong; nothing was paid. RunStopped: `ace resume` goes on. AceError: anything else that was foreseen.
    """
    said: dict[str, Any] = {**settings}
    said |= {"models.generator.model": generator_model} if generator_model else {}
    said |= {"models.api_base": api_base} if api_base else {}
    said |= {"output.run_dir": str(run_dir)} if run_dir is not None else {}
    measured, other = _subject(playbook, "playbook"), None if against is None else _subject(against, "other")
    asked = Asked(subject=measured, against=other, repeats=repeats, min_gain=min_gain)
    layer, stages = Layer("evaluate", FLAG, said), Replacements(generator=generator)
    loaded, objects = settings_of(asked, [layer]), Layer("objects", FLAG, replaced(stages))
    remember(claims_of(fold([layer, objects])))  # the caller's word
    emit: Listener = on_event or (lambda _: None)
    plan = make_plan(asked, settle_styles(loaded, emit, stages), examples)
    directory = create_evaluation(plan, emit, stages)
    finding = work_evaluation(directory, plan.settings, emit, stages).finding
    assert finding.report is not None  # there is a playbook
    return finding.report


def _subject(playbook: Playbook | str | Path, name: str) -> Subject:
    if isinstance(playbook, Playbook):
        return Subject(name, playbook)
    return Subject.of(open_target(Path(playbook)))


def _metrics(body: Mapping[str, Any]) -> TrainingMetrics:
    places = {name: path.split(".") for name, path in _paths(TrainingMetrics).items()}
    return TrainingMetrics(**{name: body[part][key] for name, (part, key) in places.items()}, details=body)


def _paths(record: type) -> dict[str, str]:
    """Field -> the dotted path that its annotation names."""
    hints = get_type_hints(record, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items() if get_origin(hint) is Annotated}
