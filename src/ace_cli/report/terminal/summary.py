"""Results in words: the end of a run, and a plan before there is one."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ace_cli.engine.events import RunFinished, RunPlanned
from ace_cli.report.format import calls_made, count, duration, money, percent, sights
from ace_cli.runs.records import CurvePoint, State

if TYPE_CHECKING:
    from ace_cli.training.estimate import Estimate


def result_lines(event: RunFinished) -> list[str]:
    """What a user wants to know at the end: how it went, where the files are, which command is next."""
    done, usage = event.state == State.FINISHED, event.usage
    failed = f", {event.failed:,} failed" if event.failed else ""
    of = f"({event.correct:,} of {count(event.examples, 'example')}{failed})"
    accuracy = f"{sights(event.curve) or f'{percent(event.accuracy)} at first sight'} {of}"
    facts = [("accuracy", accuracy if event.examples else "none yet: no example is done")]
    if trend := _trend(event.curve):
        facts.append(("by part", trend))
    where = f" in {event.playbook_path}" if done else " so far"
    facts.append(("playbook", count(event.playbook_size, "bullet") + where))
    facts += [("check" if at == 0 else "", note) for at, note in enumerate(event.notes)]
    if done and not event.playbook_size and not any(point.bullets_added for point in event.curve):
        facts.append(("", f"nothing was learned: ace inspect {event.run_dir} --example ID shows why"))
    if done:
        facts.append(("metrics", event.metrics_path))
    took = (
        calls_made(usage),
        f"{usage.prompt_tokens:,} + {usage.completion_tokens:,} tokens",
        count(usage.retries, "retry", "retries"),
    )
    facts += [
        ("cost", f"{money(usage.cost_usd)} ({', '.join(took)})"),
        ("time", duration(event.seconds)),
        ("run", event.run_dir),
        ("next", f"ace {'inspect' if done else 'resume'} {event.run_dir}"),
    ]
    return [f"{name:<10} {value}" for name, value in facts]


def _trend(curve: tuple[CurvePoint, ...], most: int = 5) -> str:
    """Accuracy over consecutive parts of the run, so that learning is seen: ``8.3 % -> 75.0 %``."""
    parts = min(most, len(curve))
    if parts < 2:
        return ""
    ends = [curve[round(len(curve) * part / parts) - 1] for part in range(1, parts + 1)]
    steps = pairwise([(0, 0), *((point.examples_seen, point.correct) for point in ends)])
    return " -> ".join(percent((correct - c) / (seen - s)) for (s, c), (seen, correct) in steps if seen > s)


def planned_lines(event: RunPlanned) -> list[str]:
    """What a new run will take: rows, models, calls and cost."""
    models = []
    for role in event.roles:
        default = " (the default)" if role.role in event.defaults else ""
        models.append(f"{role.role} {role.model}{default}, about {money(role.cost_usd)}")
    choose = "; --model names one for both" if event.defaults else ""
    return [
        f"rows: {_rows(event)}",
        f"models: {'; '.join(models)}{choose}",
        f"in all: about {count(event.calls, 'call')}, {money(event.cost_usd)} (rough; --max-cost sets a limit)",
    ]


def _rows(event: RunPlanned) -> str:
    where = f" in {event.dataset}" if event.dataset else ""
    if event.rows is None:
        return f"{event.examples:,}{where}"
    if event.examples < event.rows:
        return f"{event.examples:,} of {event.rows:,}{where}; --num-examples takes more, 0 all"
    wanted = event.asked_for or 0
    fewer = f"; --num-examples asks for {wanted:,}, there are no more" if wanted > event.rows else ""
    return f"all {event.rows:,}{where}{fewer}"


def _of(plan: Estimate) -> str:
    return f" of {plan.rows:,}" if plan.rows is not None and plan.rows > plan.examples else ""


def plan_lines(plan: Estimate) -> list[str]:
    """``--dry-run`` for people."""
    skipped = f" ({plan.skipped:,} invalid ones skipped)" if plan.skipped else ""
    batches = f"{count(plan.batches, 'batch', 'batches')} of {plan.batch_size}"
    facts = [
        ("dataset", f"{plan.dataset}: {count(plan.examples, 'example')}{_of(plan)}{skipped}"),
        ("plan", f"{count(plan.epochs, 'epoch')}, {batches}: {count(plan.steps, 'example')} to do"),
    ]
    if plan.validations:
        facts.append(("validation", f"at most {count(plan.validations, 'version')}, the start among them"))
    facts += [("", note) for note in plan.notes]
    for role in plan.roles:
        tokens = f"about {role.prompt_tokens:,} + {role.completion_tokens:,} tokens"
        facts.append(
            (role.role, f"{role.model}: {count(role.calls, 'call')}, {tokens}, {money(role.cost_usd)}")
        )
    facts += [("calls to", ", ".join(plan.hosts))] if plan.hosts else []
    facts.append(
        ("total", f"{count(plan.calls, 'call')}, {money(plan.cost_usd)} (rough; retries not counted)")
    )
    return [*(f"{name:<10} {value}" for name, value in facts), "no call was made"]
