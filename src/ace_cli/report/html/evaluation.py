"""The section of a page that says what an evaluation found: verdict, charts, and what they are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor

from ace_cli.evaluation.records import BulletEffect, Changed, Estimate, EvalReport, Outcome
from ace_cli.evaluation.verdict import interval, points
from ace_cli.report.format import count, percent
from ace_cli.report.html import svg
from ace_cli.report.html.charts import Chart
from ace_cli.report.html.parts import figure, more, table, text, tiles
from ace_cli.text import visible_line

_TONES = {Outcome.HELPS: "helps", Outcome.HELPS_LITTLE: "helps", Outcome.HARMS: "harms"}
_DOMAINS = 8
_CHANGED = 200
_ANSWER = 500


def evaluation_section(report: EvalReport) -> str:
    """Safe markup."""
    tone = _TONES.get(report.conclusion.outcome, "open")
    notes = "".join(f'<p class="note">{text(note)}</p>' for note in (f"By {report.method}.", *report.notes))
    charts = "".join(map(figure, evaluation_charts(report)))
    details = "".join(
        (
            _bullets(report.bullets),
            _examples("Better with the playbook", report.better, report),
            _examples("Worse with the playbook", report.worse, report),
        )
    )
    return (
        '<section class="evaluation" aria-labelledby="evaluation-title"><h2 id="evaluation-title">Does it help?</h2>'
        f'<p class="verdict {tone}">{text(report.conclusion.words)}</p>{notes}'
        f'<dl class="tiles">{tiles(_facts(report))}</dl>'
        f'<div class="charts">{charts}</div><div class="more">{details}</div></section>'
    )


def evaluation_charts(report: EvalReport) -> list[Chart]:
    """Both accuracies, and the paired difference over all examples and by domain."""
    base, playbook = report.base.accuracy, report.playbook.accuracy
    names = _short(report.playbook_name), _short(report.base_name)
    arms = [_row(names[0], playbook), _row(names[1], base)]
    rows = [_row("all examples", report.difference)]
    if len(report.domains) > 1:
        rows += [_row(_short(row.domain), row.difference) for row in report.domains[:_DOMAINS]]
    left_out = len(report.domains) - _DOMAINS
    more_domains = f" {count(left_out, 'more domain')} not drawn." if left_out > 0 else ""
    return [
        Chart(
            "Accuracy with its 95 % interval",
            svg.intervals(arms, lambda share: percent(share, 0), (0, 0.25, 0.5, 0.75, 1)),
            f"{percent(playbook.value)} with, {percent(base.value)} without, of the same {count(report.examples, 'example')}.",
        ),
        Chart(
            "Difference in points, paired, with its 95 % interval",
            svg.intervals(rows, lambda share: f"{100 * share:+.0f}" if share else "0", _steps(rows)),
            f"{points(report.difference.value, signed=True)}, from {interval(report.difference)}.{more_domains}",
        ),
    ]


def _steps(rows: Sequence[svg.Interval]) -> list[float]:
    """Round ones, 0 among them, that the intervals lie between."""
    low, high = min(-0.01, *(row.low for row in rows)), max(0.01, *(row.high for row in rows))
    size = next(size for size in (1, 2, 5, 10, 20, 50) if high - low <= 0.05 * size or size == 50)
    first, last = floor(100 * low / size - 1e-9), ceil(100 * high / size + 1e-9)
    return [number * size / 100 for number in range(first, last + 1)]


def _row(name: str, estimate: Estimate) -> svg.Interval:
    return svg.Interval(name, estimate.value, estimate.low, estimate.high)


def _short(name: str) -> str:
    name = visible_line(name)
    return name if len(name) <= 18 else f"{name[:17]}…"


def _facts(report: EvalReport) -> list[tuple[str, str]]:
    facts = [
        ("Examples", f"{report.examples:,}" + (f" × {report.repeats}" if report.repeats > 1 else "")),
        ("Better / worse", f"{len(report.better):,} / {len(report.worse):,}"),
    ]
    if report.mcnemar is not None:
        facts.append(("Exact McNemar", f"p = {report.mcnemar.p:.2g}"))
    if report.clusters is not None:
        facts.append(("Sources", f"{report.clusters:,}"))
    if failed := report.base.failed + report.playbook.failed:
        facts.append(("Failed calls", f"{failed:,}"))
    facts.append(("Tokens an answer", f"{report.added.prompt_tokens + report.added.completion_tokens:+,.0f}"))
    if (cost := report.added.cost_usd) is not None:
        facts.append(("Cost of 1,000 answers", f"{'-' if cost < 0 else '+'}${abs(1000 * cost):,.2f}"))
    return facts


def _bullets(bullets: Sequence[BulletEffect]) -> str:
    if not bullets:
        return ""
    head = ("Bullet", "Cited", "Without", "With", "Effect", "95 % interval", "Doubt")
    rows = []
    for effect in bullets:
        shares = ["-" if share is None else percent(share, 0) for share in (effect.base, effect.playbook)]
        gain = points(effect.difference.value, signed=True)
        doubt = percent(effect.doubt, 0)
        rows.append(
            (effect.bullet_id, f"{effect.cited:,}", *shares, gain, interval(effect.difference), doubt)
        )
    words = (
        "By the answers that cite a bullet, against the other arm's answers to the same examples, drawn towards the whole"
        " where citations are few. A citation is no cause: ace eval --ablate leaves bullets out and sees."
    )
    return more("Bullets by effect", f'<p class="note">{words}</p>{table(head, rows, numbers=True)}')


def _examples(title: str, changed: Sequence[Changed], report: EvalReport) -> str:
    if not changed:
        return ""
    head = ("Example", "Truth", report.base_name, report.playbook_name)
    rows = [
        (one.example_id, *(_cut(part) for part in (one.truth, one.base_answer, one.playbook_answer)))
        for one in changed[:_CHANGED]
    ]
    if len(changed) > _CHANGED:
        rows.append((f"and {len(changed) - _CHANGED:,} more", "", "", ""))
    return more(f"{title} ({len(changed):,})", table(head, rows))


def _cut(answer: str) -> str:
    return answer if len(answer) <= _ANSWER else f"{answer[: _ANSWER - 1]}…"
