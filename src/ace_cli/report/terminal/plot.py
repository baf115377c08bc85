"""Curves drawn in the terminal. The only importer of plotext."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from ace_cli.report.format import number, percent

_ASCII = str.maketrans({"│": "|", "─": "-", "┤": "|", "┬": "+", "└": "+", "┌": "+", "┐": "+", "┘": "+"})
_NARROW = 40
"""Cells below which a curve is described in a line instead of drawn."""
_STYLES = {"line": Style(color="cyan"), "dots": Style(color="yellow")}


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of one colour: joined by a line, or left as dots."""

    xs: Sequence[float]
    ys: Sequence[float]
    is_line: bool = True


def plot(
    title: str,
    curves: Sequence[Curve],
    *,
    width: int,
    height: int = 9,
    share: bool = False,
    ascii_only: bool = False,
) -> list[Text]:
    """A titled plot of at most ``width`` cells, or one line of words where there is no room for one.

    The last curve is the one that matters: it lies on top and its last value stands in the title.
    The axis starts at 0 and ends at the largest value; that of a ``share`` ends at 100 %.
    """
    main = curves[-1]
    heading = Text.assemble((title, Style(bold=True)), f"  {_label(main.ys[-1], share)}")
    if width < _NARROW or len(main.xs) < 2:
        heading.append(f", at first {_label(main.ys[0], share)}" if len(main.xs) > 1 else "")
        return [heading]

    import plotext

    highest = 1.0 if share else max(1.0, *(y for curve in curves for y in curve.ys))
    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, height)
    figure.theme("colorless")
    for curve in curves:
        marker = ("*" if ascii_only else "braille") if curve.is_line else ("o" if ascii_only else "•")
        signal = figure.signal(list(curve.xs), list(curve.ys), marker=marker)
        signal.lines(curve.is_line)
        figure.draw(signal)
    figure.ruler("y").lim(0, highest)
    middle = highest / 2 if share else highest // 2
    ticks = [0, middle, highest] if share or highest >= 4 else [0, highest]
    figure.ruler("y").ticks(ticks, [_label(tick, share) for tick in ticks])
    start, end = min(main.xs), max(main.xs)
    figure.ruler("x").ticks([start, end], [number(start), number(end)])
    figure.axes(False, axis="x", side="upper")
    figure.axes(False, axis="y", side="right")
    drawn: str = figure.build().string(True)
    figure.clear()
    return [heading, *(_coloured(line.rstrip(), ascii_only) for line in drawn.rstrip().splitlines())]


def _label(value: float, share: bool) -> str:
    return percent(value, 0) if share else number(value)


def _coloured(line: str, ascii_only: bool) -> Text:
    text = Text(line.translate(_ASCII) if ascii_only else line, no_wrap=True)
    text.highlight_regex("[\u2801-\u28ff*]+", _STYLES["line"])
    text.highlight_regex("[•o]+", _STYLES["dots"])
    return text
