"""A run at a glance: how it stands, what it cost, how accuracy and playbook grew, what went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from ace_cli.report.format import (
    accuracy_title,
    calls_made,
    count,
    duration,
    money,
    percent,
    sights,
    usage_cells,
)
from ace_cli.report.terminal.plot import Curve, plot
from ace_cli.report.terminal.style import BAD, BOLD, CAUTION, GOOD, HEAD, QUIET, fact, heading
from ace_cli.report.terminal.tables import cut
from ace_cli.report.text import one_line, printable
from ace_cli.runs.overview import Overview
from ace_cli.runs.records import Purpose, State, Usage

_STATES = {State.FINISHED: GOOD, State.RUNNING: HEAD, State.STOPPED: CAUTION}
_WIDEST = 100
"""Cells of a curve: on a wider screen it would be flat."""


def run_lines(
    run: Overview,
    width: int,
    *,
    whole: bool = False,
    ascii_only: bool = False,
    findings: Sequence[str] = (),
) -> Iterator[Text]:
    """The run for a terminal of ``width`` cells; ``whole``: with every setting instead of the chosen ones.

    ``findings`` say whether its playbook was seen to help, a sentence each.
    """
    yield from _standing(run)
    for at, sentence in enumerate(findings):
        yield fact("" if at else "check", sentence)
    yield Text()
    yield from _costs(run.usage)
    yield from _accuracy(run, width, ascii_only)
    yield from _validated(run, width, ascii_only)
    yield from _growth(run, width, ascii_only)
    yield from _failures(run, width, "..." if ascii_only else "…")
    yield from _extremes(run)
    yield from _settings(run.settings if whole else run.chosen, whole)
    yield from _next_steps(run)


def live_lines(run: Overview, width: int, height: int, *, ascii_only: bool = False) -> list[Text]:
    """What matters while the run goes on, on one screen: the curves are drawn if there is room for them."""
    lines = [*_standing(run), Text(), *_costs(run.usage)]
    failures = list(_failures(run, width, ""))
    accuracy, validated = _accuracy(run, width, ascii_only, 7), _validated(run, width, ascii_only)
    for curve in (accuracy, validated, _growth(run, width, ascii_only)):
        drawn = list(curve)
        if len(lines) + len(drawn) + len(failures) < height:
            lines += drawn
    return [*lines, *failures][: height - 1]


def _standing(run: Overview) -> Iterator[Text]:
    line = Text(printable(str(run.run_dir)), BOLD)
    line.append("  ").append(run.state, _STATES.get(run.state, BAD))
    line.append(f"  {one_line(run.reason)}" if run.reason else "")
    yield line
    accuracy = "none yet" if run.accuracy is None else percent(run.accuracy)
    wrong = run.done - run.correct - run.failed
    if run.purpose is Purpose.EVAL:
        yield fact("answers", f"{run.done:,} of {run.planned:,}  ({run.failed:,} failed)")
    else:
        yield fact("examples", f"{run.done:,} of {run.planned:,}")
        seen = sights(run.curve) or (f"{accuracy} at first sight" if run.done else accuracy)
        yield fact("accuracy", f"{seen}  ({run.correct:,} right, {wrong:,} wrong, {run.failed:,} failed)")
    if run.curve:
        merges = count(len(run.curve), "merge")
        yield fact("playbook", f"{count(run.playbook_size, 'bullet')} after {merges}")
    if refused := run.refused:
        reasons = ", ".join(f"{number} {one_line(reason)}" for reason, number in refused.items())
        yield fact("refused", f"{count(sum(refused.values()), 'insight')}: {reasons}")
    many = f" in {len(run.sessions)} sessions" if len(run.sessions) > 1 else ""
    yield fact("work", f"{duration(run.seconds)}{many}, since {one_line(run.created_at)}")
    bill = run.bill
    yield fact("cost", f"{money(bill.cost_usd)}  ({calls_made(bill)}, {bill.tokens:,} tokens)")


def _costs(usage: Mapping[str, Usage]) -> Iterator[Text]:
    if not usage:
        return
    rows: list[tuple[str, ...]] = [("", "calls", "prompt", "cached", "reply", "retries", "cost")]
    rows += [(printable(role), *usage_cells(used)) for role, used in usage.items()]
    first, *widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, (role, *cells) in enumerate(rows):
        numbers = "  ".join(cell.rjust(size) for cell, size in zip(cells, widths, strict=True))
        yield Text(f"{role:<{max(first, 12)}} {numbers}", "" if number else QUIET)


def _accuracy(run: Overview, width: int, ascii_only: bool, height: int = 9) -> Iterator[Text]:
    if not run.curve:
        return
    seen = [point.examples_seen for point in run.curve]
    batches = Curve(seen, [point.batch_accuracy for point in run.curve], is_line=False)
    so_far = Curve(seen, [point.accuracy for point in run.curve])
    title = f"{accuracy_title(run.curve)} so far, and of each batch, by examples seen"
    yield Text()
    yield from plot(
        title, [batches, so_far], width=min(width, _WIDEST), height=height, share=True, ascii_only=ascii_only
    )


def _validated(run: Overview, width: int, ascii_only: bool) -> Iterator[Text]:
    if run.validation is None or not run.validation.versions:
        return
    versions = run.validation.versions
    curve = Curve([one.examples_seen for one in versions], [one.accuracy for one in versions])
    title = f"Accuracy on {count(run.validation.rows, 'validation example')}, by examples seen"
    yield Text()
    yield from plot(title, [curve], width=min(width, _WIDEST), height=7, share=True, ascii_only=ascii_only)


def _growth(run: Overview, width: int, ascii_only: bool) -> Iterator[Text]:
    if not run.curve:
        return
    sizes = Curve([p.examples_seen for p in run.curve], [p.playbook_size for p in run.curve])
    title = "Bullets in the playbook, by examples seen"
    yield Text()
    yield from plot(title, [sizes], width=min(width, _WIDEST), height=7, ascii_only=ascii_only)


def _failures(run: Overview, width: int, mark: str) -> Iterator[Text]:
    """By cause; ``mark`` is put where the first error is cut, and without one it is left out."""
    if not run.failures:
        return
    yield from heading(f"Failed examples by cause ({run.failed})")
    for kind, found in sorted(run.failures.items(), key=lambda group: -len(group[1])):
        examples = ", ".join(printable(example) for example, _ in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        yield Text.assemble(f"  {len(found):4}  ", (printable(kind), BAD), f"  {examples}{more}")
        if mark:
            yield Text(cut(f"        {one_line(found[0][1])}", max(width, 20), mark), QUIET)


def _extremes(run: Overview) -> Iterator[Text]:
    if run.slowest:
        yield from heading("Slowest examples")
        for example, seconds in run.slowest:
            yield Text(f"  {duration(seconds):>10}  {printable(example)}")
    if any(cost for _, cost, _ in run.most_expensive):
        yield from heading("Most expensive examples")
        for example, cost, tokens in run.most_expensive:
            yield Text(f"  {money(cost):>10}  {printable(example)}  ({tokens:,} tokens)")
    elif run.most_expensive:
        yield from heading("Examples with most tokens")
        for example, _, tokens in run.most_expensive:
            yield Text(f"  {tokens:>10,}  {printable(example)}")


def _settings(settings: Mapping[str, Any], whole: bool) -> Iterator[Text]:
    if not settings:
        return
    yield from heading("Settings" if whole else "Settings that were set (--full shows all)")
    size = max(map(len, settings))
    for path, value in sorted(settings.items()):
        shown = "" if value is None else one_line(str(value))
        yield Text.assemble((f"  {path:<{size}}  ", QUIET), shown)


def _next_steps(run: Overview) -> Iterator[Text]:
    steps = ["inspect {} --bullets", "inspect {} --example ID"]
    if run.state is State.RUNNING:
        steps.append("inspect {} --follow")
    elif run.state.is_resumable:
        steps.append("resume {}")
    yield from heading("Next")
    for step in steps:
        yield Text(f"  ace {step.format(printable(str(run.run_dir)))}", QUIET)
