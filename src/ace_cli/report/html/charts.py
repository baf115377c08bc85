"""Charts as inline SVG, drawn by pygal and dressed by the page's own style sheet.

Pygal's scripts, styles and comments are taken out, so that the page's policy can forbid all but its own,
and colours follow the reader's light or dark mode.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ace_cli.playbook import Bullet
from ace_cli.playbook.formats.visible import visible_line
from ace_cli.runs.records import CurvePoint

_SVG = "{http://www.w3.org/2000/svg}"
_DOTS_UP_TO = 40
_DOMAINS = 8

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Chart:
    """``svg`` is safe markup. ``series`` names the lines, for a legend; ``words`` say what the picture shows."""

    title: str
    svg: str
    words: str
    series: tuple[str, ...] = ()


def run_charts(curve: Sequence[CurvePoint]) -> list[Chart]:
    """Accuracy, growth of the playbook, and cost (tokens, where a price is unknown) over examples seen."""
    if not curve:
        return []
    first, last = curve[0], curve[-1]
    priced = all(point.cost_usd is not None for point in curve)
    spent: list[Point] = [
        (point.examples_seen, (point.cost_usd or 0.0) if priced else point.tokens) for point in curve
    ]
    return [
        Chart(
            "Accuracy",
            _lines(
                {
                    "of each batch": [(p.examples_seen, p.batch_accuracy) for p in curve],
                    "so far": [(p.examples_seen, p.accuracy) for p in curve],
                },
                lambda value: f"{value:.0%}",
                top=1.0,
            ),
            f"First batch {first.batch_accuracy:.0%}, last batch {last.batch_accuracy:.0%}, all examples {last.accuracy:.0%}.",
            ("of each batch", "so far"),
        ),
        Chart(
            "Bullets in the playbook",
            _lines({"bullets": [(p.examples_seen, p.playbook_size) for p in curve]}, _whole),
            f"From {first.playbook_size:,} after the first batch to {last.playbook_size:,} after {last.examples_seen:,} examples.",
        ),
        Chart(
            "Cost in US dollars" if priced else "Tokens",
            _lines({"spent": spent}, _dollars if priced else _whole),
            f"{_dollars(spent[-1][1]) if priced else _whole(spent[-1][1])} in all, {last.calls:,} calls.",
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
            _bars([(f"{tenth / 10:.1f}", tenths[tenth]) for tenth in range(10)]),
            f"{sure:,} of {len(bullets):,} above 0.5, where a bullet without votes stands.",
        )
    ]
    if len(domains) > 1:
        common = domains.most_common(_DOMAINS)
        rest = len(bullets) - sum(count for _, count in common)
        more = f"; {rest:,} more in {len(domains) - _DOMAINS} others" if rest else ""
        charts.append(
            Chart(
                "Bullets by domain",
                _bars([(_short(name), count) for name, count in common], sideways=True),
                f"{len(domains)} domains{more}.",
            )
        )
    return charts


def _lines(
    series: dict[str, list[Point]],
    formatted: Callable[[float], str],
    *,
    top: float | None = None,
) -> str:
    import pygal

    points = max(map(len, series.values()))
    highest = top or max((y for line in series.values() for _, y in line), default=0) or 1
    chart = pygal.XY(
        **_LOOK,
        range=(0, highest),
        xrange=(0, max(x for line in series.values() for x, _ in line)),
        show_dots=points <= _DOTS_UP_TO,
        dots_size=2.5,
        value_formatter=formatted,
        x_value_formatter=_whole,
        y_labels=_ticks(int(highest)) if formatted is _whole else None,
    )
    for name, line in series.items():
        labels = [f"{formatted(y)} after {x:,} examples" for x, y in line]
        chart.add(name, [{"value": point, "label": label} for point, label in zip(line, labels, strict=True)])
    return _bare(chart)


def _bars(counts: Sequence[tuple[str, int]], *, sideways: bool = False) -> str:
    import pygal

    kind = pygal.HorizontalBar if sideways else pygal.Bar
    if sideways:
        counts = counts[::-1]  # pygal stacks them from the bottom
    highest = max(count for _, count in counts) or 1
    chart = kind(**_LOOK, range=(0, highest), y_labels=_ticks(highest), value_formatter=_whole)
    chart.x_labels = [name for name, _ in counts]
    chart.add("bullets", [count for _, count in counts])
    return _bare(chart)


_NEEDS_SCRIPT = {"text-overlay", "tooltip-overlay", "tooltip", "titles"}
_LOOK: dict[str, Any] = {
    "width": 400,
    "height": 230,
    "margin": 12,
    "spacing": 8,
    "js": [],
    "css": [],
    "no_prefix": True,
    "show_legend": False,
    "max_scale": 5,
    "print_values": False,
    "no_data_text": "",
}


def _ticks(highest: int) -> list[int]:
    """0 and up to 6 round whole numbers above it: there are no halves of bullets."""
    step = next(
        size * 10**power for power in range(20) for size in (1, 2, 5) if highest <= 6 * size * 10**power
    )
    return list(range(0, highest + 1, step))


def _bare(chart: Any) -> str:
    """The drawing without pygal's styles, scripts, ids and inline styles; values become native tooltips."""
    root = chart.render_tree()
    for parent in list(root.iter()):
        for child in list(parent):
            tag = child.tag if isinstance(child.tag, str) else "comment"
            if tag.removeprefix(_SVG) in ("defs", "script", "style", "comment", "title"):
                parent.remove(child)
    for group in root.iter():
        texts = {desc.get("class", ""): desc.text or "" for desc in group if _tag(desc) == "desc"}
        for desc in [child for child in group if _tag(child) == "desc"]:
            group.remove(desc)
        if texts.get("value"):
            tip = ET.Element("title")
            tip.text = texts.get("label") or f"{texts.get('x_label', '')}: {texts['value']}"
            group.insert(0, tip)
        for attribute in ("style", "id"):
            group.attrib.pop(attribute, None)
    _drop_overlays(root)
    root.set("aria-hidden", "true")  # the words below the chart say it
    return ET.tostring(root, encoding="unicode")


def _drop_overlays(root: ET.Element) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if _NEEDS_SCRIPT.intersection(child.get("class", "").split()):
                parent.remove(child)


def _tag(element: ET.Element) -> str:
    return element.tag.removeprefix(_SVG) if isinstance(element.tag, str) else ""


def _whole(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def _dollars(value: float) -> str:
    return f"${value:,.2f}" if value >= 1 or value == 0 else f"${value:.4f}".rstrip("0")


def _short(name: str) -> str:
    return name if len(name) <= 18 else f"{name[:17]}…"


def all_charts(bullets: Sequence[Bullet], curve: Iterable[CurvePoint] = ()) -> list[Chart]:
    """The charts of a page: a run's when there is one, and the bullets'."""
    return [*run_charts(list(curve)), *bullet_charts(bullets)]
