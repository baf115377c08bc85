"""Lines and bars as inline SVG. No styles or scripts inside: the page's own style sheet dresses them, for light and dark."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil

_WIDTH, _HEIGHT = 400, 230
_TOP, _RIGHT, _BOTTOM = 22, 16, 38
_CHARACTER = 6.2
"""Mean width of a character of the labels, in the drawing's units."""
_DOTS_UP_TO = 40

Label = Callable[[float], str]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Interval:
    """A value that is known to lie between ``low`` and ``high``."""

    name: str
    value: float
    low: float
    high: float


def lines(
    series: Mapping[str, Sequence[Point]],
    label: Label,
    along: Label,
    *,
    names: tuple[str, str],
    highest: float = 0.0,
    whole: bool = False,
) -> str:
    """A line for each of ``series`` over the same x, from (0, 0).

    Args:
        names: of the axes, x and y.
        label: of a value; ``along`` of a place on the x axis. A point's tooltip is ``label`` after ``along``.
        highest: where the scale ends, if not at the largest value.
        whole: there are no halves of what is counted.
    """
    points = [point for line in series.values() for point in line]
    widest = max(x for x, _ in points) or 1
    steps, left = _scale(highest or max(y for _, y in points), label, whole)
    across, up = _WIDTH - left - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def at(point: Point) -> tuple[float, float]:
        return left + point[0] / widest * across, _TOP + (1 - point[1] / steps[-1]) * up

    parts = [_level(at((0, step))[1], left, label(step)) for step in steps]
    for part in range(5):
        x = widest * part // 4
        anchor = "start" if part == 0 else "end" if part == 4 else "middle"
        parts.append(_text(at((x, 0))[0], _HEIGHT - 20, f"{x:,.0f}", anchor))
    for number, line in enumerate(series.values()):
        path = " L".join(f"{x:.1f} {y:.1f}" for x, y in map(at, line))
        parts.append(f'<g class="series-{number} of-{len(series)}"><path class="line" d="M{path}"/>')
        for point in line if len(line) <= _DOTS_UP_TO else ():
            x, y = at(point)
            tip = _tip(f"{label(point[1])} after {along(point[0])}")
            parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3">{tip}</circle>')
        parts.append("</g>")
    return _drawing([*parts, *_axes(names, left)])


def bars(counts: Sequence[tuple[str, int]], label: Label, names: tuple[str, str]) -> str:
    """A standing bar for each (name, count); ``names`` are those of the axes, x and y."""
    steps, left = _scale(max(count for _, count in counts), label, whole=True)
    band, up = (_WIDTH - left - _RIGHT) / len(counts), _HEIGHT - _TOP - _BOTTOM
    parts = [_level(_TOP + (1 - step / steps[-1]) * up, left, label(step)) for step in steps]
    for number, (name, count) in enumerate(counts):
        x, height = left + number * band, count / steps[-1] * up
        parts.append(
            _bar(x + band * 0.12, _TOP + up - height, band * 0.76, height, f"{name}: {label(count)}")
        )
        parts.append(_text(x + band / 2, _HEIGHT - 20, name, "middle"))
    return _drawing([*parts, *_axes(names, left)])


def lying_bars(counts: Sequence[tuple[str, int]], label: Label) -> str:
    """A lying bar for each (name, count), for names that are long."""
    left = 8 + _CHARACTER * max(len(name) for name, _ in counts)
    most = max(count for _, count in counts) or 1
    room = _WIDTH - left - _RIGHT - _CHARACTER * len(label(most))
    band = min((_HEIGHT - _TOP) / len(counts), 40)
    parts = []
    for number, (name, count) in enumerate(counts):
        y, width = _TOP + number * band, count / most * room
        parts.append(_bar(left, y + band * 0.14, width, band * 0.72, f"{name}: {label(count)}"))
        parts.append(_text(left - 7, y + band / 2 + 4, name, "end"))
        parts.append(_text(left + width + 5, y + band / 2 + 4, label(count), "start"))
    return _drawing(parts)


def intervals(rows: Sequence[Interval], label: Label, steps: Sequence[float]) -> str:
    """A dot with the line of its interval for each of ``rows``, on a scale of these ``steps``.

    A line at 0 is drawn if the scale goes below it. The first row is the one that matters: the others are of another colour.
    """
    left = 12 + _CHARACTER * max(len(row.name) for row in rows)
    band = min((_HEIGHT - _TOP - _BOTTOM) / len(rows), 44)
    across, bottom = _WIDTH - left - 1.5 * _RIGHT, _TOP + band * len(rows)

    def at(value: float) -> float:
        return left + (value - steps[0]) / (steps[-1] - steps[0]) * across

    parts = []
    for step in steps:
        parts.append(f'<path class="grid" d="M{at(step):.1f} {_TOP}V{bottom:.1f}"/>')
        parts.append(_text(at(step), bottom + 16, label(step), "middle"))
    if steps[0] < 0 < steps[-1]:
        parts.append(f'<path class="zero" d="M{at(0):.1f} {_TOP}V{bottom:.1f}"/>')
    for number, row in enumerate(rows):
        y = _TOP + (number + 0.5) * band
        tip = _tip(f"{row.name}: {label(row.value)}, 95 % interval {label(row.low)} to {label(row.high)}")
        parts.append(_text(left - 9, y + 4, row.name, "end"))
        parts.append(f'<g class="series-{0 if number else 1} of-2">{tip}')
        parts.append(f'<path class="whisker" d="M{at(row.low):.1f} {y:.1f}H{at(row.high):.1f}"/>')
        for end in (row.low, row.high):
            parts.append(f'<path class="whisker" d="M{at(end):.1f} {y - 5:.1f}v10"/>')
        parts.append(f'<circle class="dot" cx="{at(row.value):.1f}" cy="{y:.1f}" r="5"/></g>')
    return _drawing(parts, ceil(bottom + _BOTTOM))


def _scale(highest: float, label: Label, whole: bool) -> tuple[list[float], float]:
    """Round steps from 0 to ``highest`` or just above it, at most 7, and the room that their labels take."""
    highest, least = (
        min(highest or 1.0, 1e18),
        0 if whole else -6,
    )  # what is more is no money, but a damaged store
    rounds = (size * 10.0**power for power in range(least, 20) for size in (1, 2, 5))
    step = next(step for step in rounds if highest <= 6 * step)
    steps = [round(number * step, 9) for number in range(max(1, ceil(highest / step)) + 1)]
    return steps, 10 + _CHARACTER * max(len(label(step)) for step in steps)


def _drawing(parts: Sequence[str], height: int = _HEIGHT) -> str:
    # Hidden from screen readers: the words below the chart say it.
    return f'<svg viewBox="0 0 {_WIDTH} {height}" aria-hidden="true">{"".join(parts)}</svg>'


def _level(y: float, left: float, text: str) -> str:
    line = f'<path class="grid" d="M{left:.1f} {y:.1f}H{_WIDTH - _RIGHT}"/>'
    return line + _text(left - 7, y + 4, text, "end")


def _bar(x: float, y: float, width: float, height: float, tip: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="bar" {place} rx="2">{_tip(tip)}</rect>'


def _axes(names: tuple[str, str], left: float) -> list[str]:
    """The names of both axes: below the ticks of the one, above those of the other."""
    return [
        _text((left + _WIDTH - _RIGHT) / 2, _HEIGHT - 4, names[0], "middle"),
        _text(0, 10, names[1], "start"),
    ]


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text class="{anchor}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _tip(text: str) -> str:
    return f"<title>{escape(text)}</title>"
