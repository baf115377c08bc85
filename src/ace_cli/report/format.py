"""Numbers in words, one way everywhere: money, time, shares, counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from ace_cli.runs.records import CurvePoint, Usage


def money(dollars: float | None) -> str:
    """``$12.35``; below a dollar with four places, since small sums are what people try first."""
    if dollars is None:
        return "unknown price"
    if 0 < dollars < 0.0001:
        return "<$0.0001"
    return f"${dollars:,.2f}" if dollars >= 1 or not dollars else f"${dollars:.4f}"


def duration(seconds: float) -> str:
    """``4.2 s``, ``42 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def number(value: float) -> str:
    """``1,200``, ``0.5``: thousands apart, one place where it is not whole."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def size(number: int) -> str:
    """``812 B``, ``97 KB``, ``1.2 MB`` of a number of bytes, in powers of 1000 as file managers count."""
    power = 0 if number < 1000 else min(int(math.log10(number * 1.0005)) // 3, len(_SIZES) - 1)
    value = number / 1000**power
    return f"{value:.1f} {_SIZES[power]}" if power and value < 9.95 else f"{value:,.0f} {_SIZES[power]}"


_SIZES = ("B", "KB", "MB", "GB", "TB")


def local_time(at: str, now: datetime | None = None) -> str:
    """A time of ours (ISO 8601) on the user's clock: ``24 Nov 14:05``, of another year ``24 Nov 2025``. What is none stays."""
    try:
        here = datetime.fromisoformat(at).astimezone()
    except (ValueError, OverflowError):
        return at
    is_recent = here.year == (now or datetime.now()).year
    return f"{here.day} {_MONTHS[here.month - 1]} {f'{here:%H:%M}' if is_recent else here.year}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def percent(share: float, places: int = 1) -> str:
    """``40.0 %`` of a share of 0.4."""
    return f"{share:.{places}%}".replace("%", " %")


def count(number: int, one: str, many: str = "") -> str:
    """``1 example``, ``1,200 examples``; an odd plural is given as ``many``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def accuracy_title(curve: Sequence[CurvePoint]) -> str:
    """What a curve of accuracy shows: of rows at first sight alone, or in later epochs of rows seen before."""
    if curve and curve[-1].epoch:
        return "Accuracy (epoch 1: first sight, then seen before)"
    return "First-sight accuracy"


def sights(curve: Sequence[CurvePoint]) -> str:
    """Where there are several epochs, the accuracy of each kind: ``40.0 % at first sight, 80.0 % of rows seen before``."""
    seen, right = [0, 0], [0, 0]  # at first sight, later
    done = correct = 0
    for point in curve:
        seen[point.epoch > 0] += point.examples_seen - done
        right[point.epoch > 0] += point.correct - correct
        done, correct = point.examples_seen, point.correct
    if not all(seen):
        return ""
    first, later = (percent(r / s) for r, s in zip(right, seen, strict=True))
    return f"{first} at first sight, {later} of rows seen before"


def calls_made(usage: Usage) -> str:
    """``12 calls``; where some came from the cache: ``12 calls, 30 more from the cache``."""
    made = count(usage.calls, "call")
    return f"{made}, {usage.cached_calls:,} more from the cache" if usage.cached_calls else made


def usage_cells(usage: Usage) -> tuple[str, ...]:
    """Calls, prompt tokens, cached ones of them, reply tokens, retries and cost."""
    numbers = (
        usage.calls,
        usage.prompt_tokens,
        usage.cached_prompt_tokens,
        usage.completion_tokens,
        usage.retries,
    )
    return (*(f"{number:,}" for number in numbers), money(usage.cost_usd))


def merge_line(point: CurvePoint, planned: int, batches: int = 0) -> str:
    """A merge on one line, for logs; batches, of which there may be a number, count from 1 for people."""
    return (
        f"batch {point.batch + 1}{f'/{batches}' if batches else ''}: {point.examples_seen:,}/{planned:,} examples, "
        f"accuracy {percent(point.accuracy)} (batch {percent(point.batch_accuracy)}), "
        f"{count(point.playbook_size, 'bullet')} (+{point.bullets_added:,}, {point.bullets_incremented:,} repeated), "
        f"{money(point.cost_usd)}"
    )
