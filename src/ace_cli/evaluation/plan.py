"""What an evaluation is to do: with which settings, on which rows. Nothing is made or paid yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ace_cli.data import DatasetSpec, Example, Skipped, read_examples
from ace_cli.data.hub import UnknownSplit
from ace_cli.data.reader import locate
from ace_cli.engine.dataset import dataset_spec
from ace_cli.errors import UsageError
from ace_cli.evaluation.heldout import HeldOut, Known, held_out, known_rows
from ace_cli.evaluation.promotion import file_to_promote
from ace_cli.playbook import Playbook
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import Evaluation
from ace_cli.runs.target import Target
from ace_cli.settings import Settings
from ace_cli.settings.layers import CONFIG, FLAG, Layer, Loaded, fold
from ace_cli.settings.recorded import Recorded, identity_of_header
from ace_cli.stages.prompts import Prompts, load_prompts

BASELINE_ROWS = 40
"""Examples of a baseline, where nobody says how many: enough to sort errors, few enough to pay."""

_DATA = ("data.dataset", "data.input", "data.config", "data.split", "data.shuffle", "data.skip_invalid")
_NEVER_LENT = ("data.num_examples", "training.initial_playbook")
_OTHER_SPLITS = ("test", "validation", "valid", "val", "dev", "eval")


@dataclass(frozen=True, slots=True)
class Subject:
    """A playbook as a user names it: in a file (``path``), of a run, or just at hand."""

    name: str
    playbook: Playbook
    run: RunReader | None = None
    path: Path | None = None

    @classmethod
    def of(cls, target: Target) -> Subject:
        """What was opened.

        Raises:
            UsageError: it is itself an evaluation.
        """
        if target.run is not None and target.run.evaluation() is not None:
            raise UsageError(
                f"{target.path} is an evaluation, not a playbook or the run that trained one",
                f"`ace inspect {target.path}` shows it; `ace resume {target.path}` goes on with it.",
            )
        return cls(str(target.path), target.playbook, target.run, None if target.run else target.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a user asks for. Without a ``subject`` it is a baseline; ``min_gain`` is a fraction."""

    subject: Subject | None = None
    against: Subject | None = None
    repeats: int = 1
    cluster: str = ""
    ablate: int = 0
    promote: bool = False
    min_gain: float = 0.0

    def __post_init__(self) -> None:
        if self.subject is None:
            given = {"--against": self.against, "--ablate": self.ablate, "--promote": self.promote}
            if wanting := [flag for flag, value in given.items() if value]:
                raise UsageError(f"{wanting[0]} needs a playbook to measure", "Give a playbook or a run.")
        elif self.ablate >= max(1, len(self.subject.playbook)):
            raise UsageError(
                f"--ablate {self.ablate}: the playbook has {len(self.subject.playbook)} bullets",
                "Leave out fewer than all of them.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that a run of `ace eval` is made from. ``told`` is what the user should know before it begins."""

    loaded: Loaded
    playbook: Playbook
    evaluation: Evaluation
    prompts: Prompts
    dataset: str
    rows: HeldOut
    told: tuple[str, ...] = field(default=())

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    @property
    def answers(self) -> int:
        """Examples times arms times repeats."""
        return len(self.rows.examples) * self.evaluation.answers


def settings_of(asked: Asked, layers: Sequence[Layer]) -> Loaded:
    """The settings to measure with: those that the playbook was trained with, unless ``layers`` say otherwise.

    Raises:
        UsageError: a setting is wrong.
    """
    if asked.subject is None:
        return fold([Layer("ace eval", 0, {"data.num_examples": BASELINE_ROWS}), *layers])
    but = [*_NEVER_LENT, *(_DATA if _names_data(layers) else ())]
    run = asked.subject.run
    if run is not None:
        header = run.header()
        return Recorded(header.identity, run.runtime(), header.origins).lent(layers, but=but)
    header_says = identity_of_header(asked.subject.playbook.training_config)
    return Recorded(header_says, {}, {}, asked.subject.name).lent(layers, but=but)


def make_plan(asked: Asked, loaded: Loaded, examples: Iterable[Example] | None = None) -> Plan:
    """Find the rows, and what is known of those that the playbook was trained on.

    Args:
        examples: the rows, where they do not come from the settings.

    Raises:
        UsageError: there are no held-out rows, or something else is wrong.
    """
    settings = loaded.settings
    spec = dataset_spec(settings.data, settings.training.seed)
    spec = replace(spec, fields=replace(spec.fields, cluster=asked.cluster or None))
    subjects = [one for one in (asked.subject, asked.against) if one is not None]
    if examples is None:
        known = [known_rows(one.playbook, one.run, spec) for one in subjects]
        chosen = _held_out_split(asked, loaded, spec)
        loaded = _with_split(loaded, chosen.split)
        name = str(locate(chosen))
        skipped: list[Skipped] = []
        wanted = chosen.num_examples
        rows = held_out(
            read_examples(replace(chosen, num_examples=None), skipped), known, wanted, skipped, name
        )
        dataset = name if locate(chosen).path and chosen.split == "train" else f"{name} ({chosen.split})"
    else:
        known = [_known_of_run(one) for one in subjects]
        rows = held_out(examples, known, None, [], "the examples")
        dataset = "examples of a script"
    evaluation = _evaluation(asked, loaded.settings, dataset, rows, known)
    return Plan(
        loaded=loaded,
        playbook=asked.subject.playbook if asked.subject else Playbook(),
        evaluation=evaluation,
        prompts=_prompts(asked, loaded),
        dataset=dataset,
        rows=rows,
        told=tuple(_told(loaded, dataset, rows)),
    )


def _names_data(layers: Sequence[Layer]) -> bool:
    """Whether the user says which data to take, rather than that of the training."""
    said = (layer for layer in layers if layer.rank in (CONFIG, FLAG))
    return any(path in layer.values for layer in said for path in ("data.dataset", "data.input"))


def _held_out_split(asked: Asked, loaded: Loaded, spec: DatasetSpec) -> DatasetSpec:
    """``spec`` on another split than the training's, where the user names neither data nor split and there is one."""
    source = locate(spec)
    is_file = source.path is not None and source.path.is_file()
    explicit = any(
        (layer := loaded.origin.get(path)) is not None and layer.rank in (CONFIG, FLAG)
        for path in ("data.dataset", "data.input", "data.split")
    )
    if asked.subject is None or is_file or explicit:
        return spec
    known: Sequence[str] = _OTHER_SPLITS
    for split in _OTHER_SPLITS:
        if split == spec.split or split not in known:
            continue
        other = replace(spec, split=split)
        try:
            next(iter(read_examples(replace(other, num_examples=1, shuffle=False))))
        except UnknownSplit as error:
            known = error.known
        else:
            return other
    return spec


def _with_split(loaded: Loaded, split: str) -> Loaded:
    if split == loaded.settings.data.split:
        return loaded
    data = loaded.settings.data.model_copy(update={"split": split})
    return replace(loaded, settings=loaded.settings.model_copy(update={"data": data}))


def _known_of_run(subject: Subject) -> Known:
    """Where the rows are given by a script, nothing is read from the dataset of the settings."""
    return known_rows(subject.playbook, subject.run, DatasetSpec("")) if subject.run else Known(None)


def _evaluation(
    asked: Asked, settings: Settings, dataset: str, rows: HeldOut, known: Sequence[Known]
) -> Evaluation:
    subject, against = asked.subject, asked.against
    notes = tuple(_notes(asked, settings, rows, known))
    if subject is None:
        return Evaluation(dataset=dataset, repeats=asked.repeats, notes=notes)
    return Evaluation(
        name=subject.name,
        dataset=dataset,
        against_name=against.name if against else "",
        against=against.playbook if against else None,
        repeats=asked.repeats,
        min_gain=asked.min_gain,
        ablate=asked.ablate,
        promote=str(file_to_promote(subject.path, subject.playbook, subject.run)) if asked.promote else "",
        overlap=rows.overlap,
        notes=notes,
    )


def _notes(asked: Asked, settings: Settings, rows: HeldOut, known: Sequence[Known]) -> Iterator[str]:
    if rows.overlap:
        yield f"{rows.overlap} rows were left out: the playbook was trained on them, or chosen by them."
    if any(one.keys is None for one in known):
        yield (
            "Which rows the playbook was trained on is not known (its run directory holds them), so an overlap with these"
            " would not show."
        )
    if rows.same_ids:
        yield f"{rows.same_ids} of the rows have the id of an example that taught a bullet; they may be the same."
    if asked.repeats > 1 and settings.models.generator.temperature == 0:
        yield "The temperature is 0: repeats measure only the noise of the model's server."
    if asked.ablate:
        yield (
            "The bullets that were left out were chosen by these same rows, which flatters the playbook without them;"
            " other rows should judge it."
        )


def _prompts(asked: Asked, loaded: Loaded) -> Prompts:
    """Those of the run, unless a folder is named."""
    layer = loaded.origin.get("stages.prompts")
    run = asked.subject.run if asked.subject else None
    if run is not None and (layer is None or layer.rank not in (CONFIG, FLAG)):
        return Prompts(dict(run.header().prompts))
    return load_prompts(loaded.settings.stages.prompts)


def _told(loaded: Loaded, dataset: str, rows: HeldOut) -> Iterator[str]:
    settings = loaded.settings
    source = loaded.origin.get("models.generator.model")
    where = "the default" if source is None else source.name
    if source is not None and source.rank == 0:
        where = "as in training"
    yield f"model: {settings.models.generator.model} ({where}), scorer {settings.training.scorer}"
    many = len(rows.examples)
    yield f"examples: {many} of {dataset}"
    wanted = settings.data.num_examples
    if wanted and many < wanted and dataset != "examples of a script":
        yield f"{wanted} were asked for; there are no more"
