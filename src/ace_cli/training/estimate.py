"""What a run will take, before it is started: ``ace train --dry-run``."""

from __future__ import annotations

from dataclasses import dataclass

from ace_cli.data import ContentHash
from ace_cli.engine.assumed import ASSUMED_COMPLETION, INSIGHT_TOKENS, SAMPLE
from ace_cli.engine.create import check_start
from ace_cli.engine.dataset import dataset_spec
from ace_cli.engine.heldout import HeldOut
from ace_cli.engine.wiring import make_roles
from ace_cli.llm.hosts import hosts
from ace_cli.runs.records import Split
from ace_cli.settings import Settings
from ace_cli.training.plan import make_plan
from ace_cli.training.validation import due_versions


@dataclass(frozen=True, slots=True)
class RoleEstimate:
    """``cost_usd`` is None when the model's price is unknown."""

    role: str
    model: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """``examples`` of the dataset, ``steps`` over all epochs. Tokens and cost are rough. ``hosts`` would get the calls.

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
    roles: tuple[RoleEstimate, ...]
    hosts: tuple[str, ...]
    validations: int = 0
    notes: tuple[str, ...] = ()

    @property
    def calls(self) -> int:
        return sum(role.calls for role in self.roles)

    @property
    def cost_usd(self) -> float | None:
        costs = [role.cost_usd for role in self.roles]
        return None if any(cost is None for cost in costs) else sum(cost or 0.0 for cost in costs)


def estimate(settings: Settings) -> Estimate:
    """Read the dataset, check the settings, count. Makes no call and no file.

    The playbook is taken to grow by half a bullet an example, up to the context budget.

    Raises:
        UsageError: as a real start would.
    """
    prompts = check_start(settings).prompts
    roles = make_roles(settings.models)
    model = roles["generator"].model
    spec = dataset_spec(settings.data, settings.training.seed)
    held_out = HeldOut(settings)
    digest, count, tokens = ContentHash(), 0, 0
    for example in held_out.training():
        digest.update(example)
        if count < SAMPLE:
            tokens += model.count_tokens(f"{example.context} {example.question}")
        count += 1
    question = tokens / max(1, min(count, SAMPLE))
    training = settings.training
    plan = make_plan(settings, [(0, count)])
    splits = held_out.splits()
    choosing, judging = (len(splits.get(split, ())) for split in (Split.VALIDATION, Split.JUDGEMENT))
    validations = len(due_versions(plan, settings.validation.every)) if choosing else 0
    validating = validations * choosing + 2 * judging
    grown = min(training.context_budget, plan.steps * INSIGHT_TOKENS // 4)
    if training.max_bullets is not None:
        grown = min(grown, training.max_bullets * INSIGHT_TOKENS)
    frames = {role: model.count_tokens(prompts.texts.get(f"{role}.txt", "")) for role in roles}
    found = []
    work = [(name, name, plan.batch_count if name == "curator" else plan.steps) for name in roles]
    work += [("validation", "generator", validating)] if validating else []
    for title, name, calls in work:
        role = roles[name]
        completion = calls * (role.max_tokens or ASSUMED_COMPLETION)
        each = frames[name] + question + (grown if name == "generator" else ASSUMED_COMPLETION)
        prompt = round(calls * each)
        found.append(
            RoleEstimate(
                title, role.model.name, calls, prompt, completion, role.model.price(prompt, completion)
            )
        )
    return Estimate(
        dataset=spec.name if spec.input is None else str(spec.input),
        examples=count,
        skipped=len(held_out.skipped),
        steps=plan.steps,
        batches=plan.batch_count,
        epochs=training.epochs,
        batch_size=training.batch_size,
        dataset_hash=digest.hexdigest(),
        roles=tuple(found),
        validations=validations,
        notes=tuple(held_out.notes(splits)),
        hosts=hosts(settings.models),
    )
