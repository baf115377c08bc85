"""`ace check` in words."""

from __future__ import annotations

from collections.abc import Iterator

from ace_cli.llm.trial import Schema, Trial
from ace_cli.report.format import count, duration, money
from ace_cli.training.checkup import Checkup, Finding

_SCHEMA = {
    Schema.FOLLOWED: "JSON schema followed",
    Schema.IGNORED: "JSON schema taken, but not followed",
    Schema.REFUSED: "JSON schema refused (asked for JSON in words)",
    Schema.NOT_SENT: "asked in plain text",
}


def check_lines(checkup: Checkup) -> Iterator[str]:
    """What was found, line by line; hints under what is wrong, once where several say the same."""
    hints: set[str] = set()
    for found in checkup.findings:
        yield _line(found.name, "wrong" if found.problem else "ok", _said(found))
        if found.problem and found.problem.hint not in ("", *hints):
            hints.add(found.problem.hint)
            yield _line("", "", found.problem.hint)
        for note in found.notes:
            yield _line("", "note", note)
    if plan := checkup.plan:
        least = f", at least {duration(checkup.seconds)}" if checkup.seconds else ""
        calls = f"{count(plan.examples, 'example')}, about {count(plan.calls, 'call')}"
        yield _line("the run", "", f"{calls}, {money(plan.cost_usd)}{least}")


def _line(name: str, state: str, text: str) -> str:
    return f"{name:<10} {state:<5} {text}"


def _said(found: Finding) -> str:
    if found.problem:
        return found.problem.message
    parts = [found.subject, *(_trial(found.trial) if found.trial else ())]
    if found.dimensions:
        parts.append(count(found.dimensions, "dimension"))
    return ", ".join(filter(None, parts))


def _trial(trial: Trial) -> Iterator[str]:
    yield f"reply in {trial.seconds:.2f} s"
    if trial.tokens_per_second:
        yield f"{trial.tokens_per_second:,.0f} tokens/s"
    yield _SCHEMA[trial.schema]
    yield f"context {trial.context:,} tokens" if trial.context else "context unknown"
    if trial.cost_usd is not None:
        yield money(trial.cost_usd)
