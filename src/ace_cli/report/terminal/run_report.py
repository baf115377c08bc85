"""A run's store -> what the HTML page tells of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ace_cli.playbook import Add, Bullet, Confirm, Vote
from ace_cli.report.html.model import Moment, RunReport
from ace_cli.report.html.page import setting
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import CurvePoint, Merge, Usage


def run_report(run: RunReader, bullets: Iterable[Bullet]) -> RunReport:
    """Everything the page shows of ``run``, with the history of ``bullets`` alone."""
    header, state = run.header(), run.state()
    merges = list(run.merges())
    curve = [merge.curve for merge in merges]
    usage = run.usage()
    return RunReport(
        summary=[
            ("State", f"{state.name} ({state.reason})" if state.reason else state.name),
            *_progress(run.counts(), curve),
            ("Work", _duration(run.seconds())),
            *_bill(usage.values()),
        ],
        settings=[(name, setting(value)) for name, value in sorted(header.identity.items())],
        curve=curve,
        usage=usage,
        failures=run.failures(),
        history=_history(merges, {bullet.id for bullet in bullets}),
    )


def _progress(counts: tuple[int, int, int], curve: list[CurvePoint]) -> list[tuple[str, str]]:
    seen, correct, failed = counts
    rows = [("Examples", f"{seen:,}")]
    if seen:
        rows.append(("Accuracy", f"{correct / seen:.1%}"))
    if len(curve) > 1:
        rows.append(("Last batch", f"{curve[-1].batch_accuracy:.1%}"))
    if failed:
        rows.append(("Failed", f"{failed:,}"))
    return rows


def _bill(usage: Iterable[Usage]) -> list[tuple[str, str]]:
    total = Usage()
    for part in usage:
        total = total.add(part)
    cost = "unknown price" if total.cost_usd is None else f"${total.cost_usd:,.4f}".rstrip("0").rstrip(".")
    return [("Calls", f"{total.calls:,}"), ("Tokens", f"{total.tokens:,}"), ("Cost", cost)]


def _history(merges: Iterable[Merge], wanted: Collection[str]) -> dict[str, list[Moment]]:
    history: dict[str, list[Moment]] = {}
    for merge in merges:
        for change in merge.delta.changes:
            match change:
                case Add(bullet, example_id):
                    bullet_id, moment = bullet.id, Moment(merge.batch, "added", example_id)
                case Confirm(bullet_id, example_id, content, _, similarity):
                    moment = Moment(merge.batch, "confirmed", example_id, content, similarity)
                case Vote(bullet_id, example_id, tag):
                    moment = Moment(merge.batch, tag.value, example_id)
                case _:
                    continue
            if bullet_id in wanted:
                history.setdefault(bullet_id, []).append(moment)
    return history


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
    )
