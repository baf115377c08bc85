"""Which charts a page has, and what each of them shows in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ace_cli.playbook import Bullet
from ace_cli.report.format import accuracy_title, count, money, number, percent
from ace_cli.report.html import svg
from ace_cli.runs.records import CurvePoint
from ace_cli.runs.validated import Validation
from ace_cli.text import visible_line

_DOMAINS = 8
_SEEN = "examples seen"


@dataclass(frozen=True, slots=True)
class Chart:
    """``svg`` is safe markup. ``series`` names the lines, for a legend; ``words`` say what the picture shows."""

    title: str
    svg: str
    words: str
    series: tuple[str, ...] = ()


def run_charts(curve: Sequence[CurvePoint], validation: Validation | None = None) -> list[Chart]:
    """Accuracy (of ``validation`` too), growth of the playbook, and cost (tokens, where a price is unknown) over examples seen."""
    if not curve:
        return []
    first, last = curve[0], curve[-1]
    whole_percent = partial(percent, places=0)
    accuracy = {
        "of each batch": [(p.examples_seen, p.batch_accuracy) for p in curve],
        "so far": [(p.examples_seen, p.accuracy) for p in curve],
    }
    validated = ""
    if validation is not None and (best := validation.best) is not None:
        accuracy["validation"] = [(one.examples_seen, one.accuracy) for one in validation.versions]
        validated = (
            f" On {count(validation.rows, 'validation example')} {whole_percent(validation.versions[0].accuracy)} at"
            f" the start, at best {whole_percent(best.accuracy)} after {count(best.examples_seen, 'example')}."
        )
    sizes = {"bullets": [(p.examples_seen, p.playbook_size) for p in curve]}
    priced = last.cost_usd is not None
    spent = [(p.examples_seen, (p.cost_usd or 0.0) if priced else p.tokens) for p in curve]
    label: svg.Label = money if priced else number
    return [
        Chart(
            accuracy_title(curve),
            svg.lines(accuracy, whole_percent, _examples, names=(_SEEN, "right answers"), highest=1.0),
            f"First batch {whole_percent(first.batch_accuracy)}, last batch {whole_percent(last.batch_accuracy)}, "
            f"all examples {whole_percent(last.accuracy)}.{validated}",
            tuple(accuracy),
        ),
        Chart(
            "Bullets in the playbook",
            svg.lines(sizes, number, _examples, names=(_SEEN, "bullets"), whole=True),
            f"From {first.playbook_size:,} after the first batch to {last.playbook_size:,} after {last.examples_seen:,} examples.",
        ),
        Chart(
            "Cost in US dollars" if priced else "Tokens",
            svg.lines({"spent": spent}, label, _examples, names=(_SEEN, "spent so far"), whole=not priced),
            f"{label(spent[-1][1])} in all, {count(last.calls, 'call')}.",
        ),
    ]


def bullet_charts(bullets: Sequence[Bullet]) -> list[Chart]:
    """How confident the bullets are, and which domains they are of."""
    if not bullets:
        return []
    tenths = Counter(min(int(bullet.confidence * 10), 9) for bullet in bullets)
    domains = Counter(visible_line(bullet.domain_id) for bullet in bullets)
    sure = sum(bullet.confidence > 0.5 for bullet in bullets)
    charts = [
        Chart(
            "Bullets by confidence",
            svg.bars(
                [(f"{tenth / 10:.1f}", tenths[tenth]) for tenth in range(10)],
                number,
                ("confidence, from", "bullets"),
            ),
            f"{sure:,} of {len(bullets):,} above 0.5, where a bullet without votes stands.",
        )
    ]
    if len(domains) > 1:
        common = domains.most_common(_DOMAINS)
        rest = len(bullets) - sum(size for _, size in common)
        more = f"; {rest:,} more in {len(domains) - _DOMAINS} others" if rest else ""
        counts = [(name if len(name) <= 18 else f"{name[:17]}…", size) for name, size in common]
        picture = svg.lying_bars(counts, number)
        charts.append(Chart("Bullets by domain", picture, f"{len(domains)} domains{more}."))
    return charts


def _examples(seen: float) -> str:
    return count(int(seen), "example")
