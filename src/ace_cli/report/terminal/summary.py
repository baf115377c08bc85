"""Numbers and results in words: the end of a run, a plan, a list of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ace_cli.engine.events import RunFinished
from ace_cli.runs.records import FINISHED, CurvePoint

if TYPE_CHECKING:
    from ace_cli.engine.estimate import Estimate


def percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def count(number: int, one: str, more: str = "") -> str:
    """``1 example``, ``6 examples``; an odd plural is given as ``more``."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def money(cost: float | None) -> str:
    """US dollars; small sums with more places, since small sums are what people try first."""
    if cost is None:
        return "unknown price"
    return f"${cost:.2f}" if cost >= 10 else f"${cost:.4f}"


def span(seconds: float) -> str:
    """``42 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def result_lines(event: RunFinished) -> list[str]:
    """What a user wants to know at the end: how it went, where the files are, which command is next."""
    done = event.state == FINISHED
    failed = f", {event.failed} failed" if event.failed else ""
    lines = [f"accuracy   {percent(event.accuracy)} ({event.correct} of {event.examples} examples{failed})"]
    if not event.examples:
        lines = ["accuracy   none yet: no example is done"]
    if trend := _trend(event.curve):
        lines.append(f"by part    {trend}")
    lines.append(
        f"playbook   {event.playbook_size} bullets" + (f" in {event.playbook_path}" if done else " so far")
    )
    if done and not event.playbook_size:
        lines.append(f"           nothing was learned: ace inspect {event.run_dir} --example ID shows why")
    if done:
        lines.append(f"metrics    {event.metrics_path}")
    tokens = f"{event.usage.prompt_tokens:,} + {event.usage.completion_tokens:,} tokens"
    lines.append(
        f"cost       {money(event.usage.cost_usd)} ({event.usage.calls} calls, {tokens}, {event.usage.retries} retries)"
    )
    lines.append(f"time       {span(event.seconds)}")
    lines.append(f"run        {event.run_dir}")
    lines.append(f"next       ace {'inspect' if done else 'resume'} {event.run_dir}")
    return lines


def _trend(curve: tuple[CurvePoint, ...], parts: int = 5) -> str:
    """Accuracy over consecutive parts of the run, so that learning is seen: ``8.3 % -> 75.0 %``."""
    if len(curve) < 2:
        return ""
    total = curve[-1].examples_seen
    bounds = [round(total * i / min(parts, len(curve))) for i in range(1, min(parts, len(curve)) + 1)]
    shares, seen, correct = [], 0, 0
    for bound in bounds:
        point = next(p for p in curve if p.examples_seen >= bound)
        if point.examples_seen > seen:
            shares.append((point.correct - correct) / (point.examples_seen - seen))
            seen, correct = point.examples_seen, point.correct
    return " -> ".join(percent(share) for share in shares)


def plan_lines(plan: Estimate) -> list[str]:
    """``--dry-run`` for people."""
    lines = [
        f"dataset    {plan.dataset}: {count(plan.examples, 'example')}"
        + (f" ({plan.skipped} invalid ones skipped)" if plan.skipped else ""),
        f"plan       {count(plan.epochs, 'epoch')}, {count(plan.batches, 'batch', 'batches')} of {plan.batch_size}: {count(plan.steps, 'example')} to do",
    ]
    for role in plan.roles:
        lines.append(
            f"{role.role:<10} {role.model}: {role.calls} calls, about {role.prompt_tokens:,} + "
            f"{role.completion_tokens:,} tokens, {money(role.cost_usd)}"
        )
    lines.append(f"total      {plan.calls} calls, {money(plan.cost_usd)} (rough; retries not counted)")
    lines.append("no call was made")
    return lines
