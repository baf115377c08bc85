"""What a run will take, before it is started: ``ace train --dry-run``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ace_cli.data import ContentHash, Example, count_rows
from ace_cli.engine.assumed import ASSUMED_COMPLETION, INSIGHT_TOKENS, SAMPLE
from ace_cli.engine.calls import Role
from ace_cli.engine.create import check_start
from ace_cli.engine.dataset import dataset_spec
from ace_cli.engine.events import Listener, PlannedRole, RunPlanned
from ace_cli.engine.heldout import HeldOut
from ace_cli.engine.wiring import NO_REPLACEMENTS, Replacements, make_roles, with_curator
from ace_cli.llm.base import ChatModel
from ace_cli.llm.hosts import hosts
from ace_cli.runs import lock
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import Split
from ace_cli.settings import Settings
from ace_cli.settings.layers import Loaded
from ace_cli.stages.prompts import Prompts
from ace_cli.training.plan import make_plan
from ace_cli.training.validation import due_versions


@dataclass(frozen=True, slots=True)
class Estimate:
    """``examples`` of the dataset, ``steps`` over all epochs. Tokens and cost are rough. ``hosts`` would get the calls.

    ``rows`` is what the dataset holds, where that is known.
    ``validations`` counts the versions that are validated at most; ``notes`` are of the rows that they are validated on.
    """

    dataset: str
    examples: int
    skipped: int
    steps: int
    batches: int
    epochs: int
    batch_size: int
    dataset_hash: str
    roles: tuple[PlannedRole, ...]
    hosts: tuple[str, ...]
    rows: int | None = None
    validations: int = 0
    notes: tuple[str, ...] = ()

    @property
    def calls(self) -> int:
        return sum(role.calls for role in self.roles)

    @property
    def cost_usd(self) -> float | None:
        costs = [role.cost_usd for role in self.roles]
        return None if any(cost is None for cost in costs) else sum(cost or 0.0 for cost in costs)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The examples of a run. ``held`` are the rows that their data holds, None where that is not known without reading it all.

    ``question`` are the tokens of one, on average, ``choosing`` and ``judging`` count held-out ones.
    """

    name: str
    count: int
    question: float
    choosing: int = 0
    judging: int = 0
    skipped: int = 0
    digest: str = ""
    notes: tuple[str, ...] = ()
    held: int | None = None


def estimate(
    settings: Settings,
    examples: Sequence[Example] | None = None,
    replacements: Replacements = NO_REPLACEMENTS,
) -> Estimate:
    """Read the dataset, check the settings, count. Makes no call and no file.

    The playbook is taken to grow by half a bullet an example, up to the context budget.

    Args:
        examples: the dataset, where it does not come from the settings.
        replacements: stages handed over as objects, which may call nobody.

    Raises:
        UsageError: as a real start would.
    """
    ready = check_start(settings, replacements)
    roles = _roles(settings)
    held_out, digest = HeldOut(settings, examples), ContentHash()

    def training() -> Iterator[Example]:
        for example in held_out.training():
            digest.update(example)
            yield example

    count, question = _measured(training(), roles["generator"].model)
    splits = held_out.splits()
    rows = _Rows(
        name=dataset_name(settings),
        count=count,
        question=question,
        choosing=len(splits.get(Split.VALIDATION, ())),
        judging=len(splits.get(Split.JUDGEMENT, ())),
        skipped=len(held_out.skipped),
        digest=digest.hexdigest(),
        notes=(*ready.notes, *held_out.notes(splits)),
        held=_held(settings, examples),
    )
    return _estimate(settings, ready.prompts, roles, rows)


def announce(
    run_dir: Path, loaded: Loaded, emit: Listener, examples: Sequence[Example] | None = None
) -> None:
    """Tell what a new run will take, before its first call: models, rows, calls and cost.

    Args:
        examples: the dataset, where it does not come from the settings.
    """
    # Held, so that nobody takes a run that is about to start for one whose process is gone.
    with lock.hold(run_dir), RunReader(run_dir) as run:
        emit(_planned(run, loaded, examples))


def _planned(run: RunReader, loaded: Loaded, examples: Sequence[Example] | None) -> RunPlanned:
    settings = loaded.settings
    roles = _roles(settings)
    prompts = Prompts(dict(run.header().prompts))
    count, question = _measured(run.all_examples(), roles["generator"].model)
    choosing, judging = (run.example_count(split) for split in (Split.VALIDATION, Split.JUDGEMENT))
    held = _held(settings, examples)
    name = dataset_name(settings) if examples is None else ""
    plan = _estimate(settings, prompts, roles, _Rows(name, count, question, choosing, judging, held=held))
    return RunPlanned(
        dataset=name,
        examples=count,
        rows=held,
        asked_for=settings.data.num_examples if "data.num_examples" in loaded.origin else None,
        roles=plan.roles,
        defaults=tuple(role for role in roles if f"models.{role}.model" not in loaded.origin),
        calls=plan.calls,
        cost_usd=plan.cost_usd,
    )


def _roles(settings: Settings) -> dict[str, Role]:
    """Those whose calls are known. The curator "auto" asks about what is unsure: mostly nobody, once a batch at most."""
    roles = make_roles(settings.models)
    return with_curator(settings, roles) if settings.stages.curator == "llm" else roles


def dataset_name(settings: Settings) -> str:
    """What a user calls it."""
    return str(settings.data.input or settings.data.dataset)


def _held(settings: Settings, examples: Sequence[Example] | None) -> int | None:
    spec = dataset_spec(settings.data, settings.training.seed)
    return count_rows(spec) if examples is None else len(examples)


def _measured(examples: Iterable[Example], model: ChatModel) -> tuple[int, float]:
    """How many, and the tokens of one, by the first few."""
    count = tokens = 0
    for example in examples:
        if count < SAMPLE:
            tokens += model.count_tokens(f"{example.context} {example.question}")
        count += 1
    return count, tokens / max(1, min(count, SAMPLE))


def _estimate(settings: Settings, prompts: Prompts, roles: Mapping[str, Role], rows: _Rows) -> Estimate:
    training, model = settings.training, roles["generator"].model
    plan = make_plan(settings, [(0, rows.count)])
    validations = len(due_versions(plan, settings.validation.every)) if rows.choosing else 0
    validating = validations * rows.choosing + 2 * rows.judging
    grown = min(training.context_budget, plan.steps * INSIGHT_TOKENS // 4)
    if training.max_bullets is not None:
        grown = min(grown, training.max_bullets * INSIGHT_TOKENS)
    frames = {role: model.count_tokens(prompts.texts.get(f"{role}.txt", "")) for role in roles}
    found = []
    work = [(name, name, plan.batch_count if name == "curator" else plan.steps) for name in roles]
    work += [("validation", "generator", validating)] if validating else []
    if training.tryout is not None:  # about every second example teaches something new
        work += [("try-out", "generator", plan.steps * (1 + training.tryout) // 2)]
    for title, name, calls in work:
        role = roles[name]
        completion = calls * (role.max_tokens or ASSUMED_COMPLETION)
        each = frames[name] + rows.question + (grown if name == "generator" else ASSUMED_COMPLETION)
        prompt = round(calls * each)
        cost = role.model.price(prompt, completion)
        found.append(PlannedRole(title, role.model.name, calls, prompt, completion, cost))
    return Estimate(
        dataset=rows.name,
        examples=rows.count,
        rows=rows.held,
        skipped=rows.skipped,
        steps=plan.steps,
        batches=plan.batch_count,
        epochs=training.epochs,
        batch_size=training.batch_size,
        dataset_hash=rows.digest,
        roles=tuple(found),
        validations=validations,
        notes=rows.notes,
        hosts=hosts(settings.models),
    )
