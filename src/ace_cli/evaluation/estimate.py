"""What an evaluation will take, and what it can show, before it is started: ``ace eval --dry-run``."""

from __future__ import annotations

from dataclasses import dataclass

from ace_cli.engine.assumed import ASSUMED_COMPLETION, INSIGHT_TOKENS, SAMPLE
from ace_cli.engine.create import check_parts
from ace_cli.engine.wiring import make_roles
from ace_cli.evaluation.job import answering_only
from ace_cli.evaluation.plan import Plan
from ace_cli.evaluation.statistics import detectable
from ace_cli.llm.base import PromptStyle
from ace_cli.llm.hosts import hosts
from ace_cli.playbook import Playbook
from ace_cli.playbook.render import lines


@dataclass(frozen=True, slots=True)
class EvalEstimate:
    """Calls are one an answer (a repaired reply takes one more). ``detectable`` is a fraction; ``cost_usd`` None without a price."""

    model: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    detectable: float
    hosts: tuple[str, ...]


def estimate(plan: Plan) -> EvalEstimate:
    """Count. Makes no call and no file.

    Raises:
        UsageError: as a real start would.
    """
    settings = answering_only(plan.settings)
    check_parts(settings, plan.prompts)
    role = make_roles(settings.models)["generator"]
    rows, evaluation = plan.rows.examples, plan.evaluation
    sample = rows[:SAMPLE]
    question = sum(role.model.count_tokens(f"{row.context} {row.question}") for row in sample) / len(sample)
    frame = role.model.count_tokens(plan.prompts.texts.get("generator.txt", ""))
    most = settings.training.context_budget
    if role.model.style is PromptStyle.PLAIN and settings.training.max_bullets is None:
        most = min(most, settings.training.max_bullets_plain * INSIGHT_TOKENS)

    def tokens(playbook: Playbook | None) -> float:
        text = lines(playbook.bullets) if playbook is not None else ""
        return min(most, role.model.count_tokens(text)) if text else 0

    arms = [evaluation.against] if evaluation.is_baseline else [evaluation.against, plan.playbook]
    arms += [plan.playbook] * bool(evaluation.ablate)
    each = len(rows) * evaluation.repeats
    prompt = round(sum(each * (frame + question + tokens(playbook)) for playbook in arms))
    completion = plan.answers * (role.max_tokens or ASSUMED_COMPLETION)
    return EvalEstimate(
        role.model.name,
        plan.answers,
        prompt,
        completion,
        role.model.price(prompt, completion),
        detectable(len(rows), repeats=evaluation.repeats),
        hosts(settings.models),
    )
