"""What an evaluation found, for people: the table of its figures, and what stands around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from ace_cli.evaluation.verdict import interval, points
from ace_cli.report.format import count, money, percent
from ace_cli.report.terminal.eval_view import added_words, bullet_cells, eval_lines
from ace_cli.report.terminal.grid import grid
from ace_cli.report.terminal.headroom_view import headroom_lines
from ace_cli.report.terminal.style import QUIET, fact, heading
from ace_cli.report.text import one_line

if TYPE_CHECKING:
    from ace_cli.evaluation.estimate import EvalEstimate
    from ace_cli.evaluation.finding import Ablation, Finding
    from ace_cli.evaluation.plan import Plan
    from ace_cli.evaluation.records import BulletEffect
    from ace_cli.playbook import Bullet


def finding_lines(
    finding: Finding, width: int, *, whole: bool = False, ascii_only: bool = False
) -> Iterator[Text]:
    """All of it, for a terminal of ``width`` cells; ``whole``: every bullet and every example that there is to show."""
    if finding.report is not None:
        yield from eval_lines(finding.report, width, whole=whole, ascii_only=ascii_only)
    if finding.baseline is not None:
        yield from headroom_lines(finding.baseline, width, whole=whole, ascii_only=ascii_only)
    if finding.ablation is not None:
        yield from _ablation(finding.ablation)
    yield Text()
    yield fact("measured", one_line(f"{finding.dataset}, {finding.model}, scorer {finding.scorer}"))
    for note in finding.notes:
        yield Text(f"Note: {one_line(note)}", QUIET)


def _ablation(ablation: Ablation) -> Iterator[Text]:
    left, report = ", ".join(map(one_line, ablation.left_out)), ablation.report
    yield from heading(f"Without the most doubtful bullets ({left})")
    whole, without = (percent(arm.accuracy.value) for arm in (report.base, report.playbook))
    yield Text(
        f"  {without} instead of {whole}: {points(report.difference.value, signed=True)}, {interval(report.difference)}"
    )
    yield Text(f"  {added_words(report.added)} an answer", QUIET)


def effect_lines(
    effects: Iterable[tuple[Bullet, BulletEffect]], width: int, *, ascii_only: bool = False
) -> Iterator[Text]:
    """What an evaluation says of single bullets, each with its wording."""
    rows: list[tuple[str, ...]] = [
        ("bullet", "cited", "without", "with", "effect", "95 % interval", "doubt", "lesson")
    ]
    rows += [(*bullet_cells(effect), one_line(bullet.content)) for bullet, effect in effects]
    yield from grid(rows, width, mark="..." if ascii_only else "…")


def plan_lines(plan: Plan, estimate: EvalEstimate) -> list[str]:
    """``ace eval --dry-run``."""
    evaluation, rows = plan.evaluation, len(plan.rows.examples)
    arms = (
        "no playbook"
        if evaluation.is_baseline
        else f"{evaluation.against_name or 'no playbook'}, {evaluation.name}"
    )
    if evaluation.ablate:
        arms += f", and without its {evaluation.ablate} most doubtful bullets"
    tokens = f"about {estimate.prompt_tokens:,} + {estimate.completion_tokens:,} tokens"
    facts = [
        ("dataset", f"{plan.dataset}: {count(rows, 'example')}"),
        ("arms", arms),
        ("answers", f"{count(plan.answers, 'answer')}: {count(evaluation.repeats, 'repeat')} in each arm"),
        ("model", f"{estimate.model}: {count(estimate.calls, 'call')}, {tokens}, {money(estimate.cost_usd)}"),
        *([("calls to", ", ".join(estimate.hosts))] if estimate.hosts else []),
        (
            "power",
            f"a gain or loss under {percent(estimate.detectable, 0)} would not show with {count(rows, 'example')}",
        ),
    ]
    told = [*(f"{name:<10} {one_line(value)}" for name, value in facts), *map(one_line, evaluation.notes)]
    return [*told, "no call was made"]
