"""A run at a glance: how it stands, what it cost, how accuracy and playbook grew, what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.style import Style
from rich.text import Text

from ace_cli.redact import redact
from ace_cli.report.terminal.plot import Curve, plot
from ace_cli.report.terminal.tables import cut
from ace_cli.report.text import one_line, printable
from ace_cli.runs import lock
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import RUNNING, CurvePoint, Episode, Session, State, Usage

_BOLD = Style(bold=True)
_QUIET = Style(dim=True)
_STATES = {
    "finished": Style(color="green", bold=True),
    "running": Style(color="cyan", bold=True),
    "stopped": Style(color="yellow", bold=True),
}
_BAD = Style(color="red", bold=True)
_WIDEST = 100
"""Cells of a curve: on a wider screen it would be flat."""


@dataclass(frozen=True)
class RunView:
    """What is shown of a run. ``state`` is the store's, or ``crashed`` for a run whose writer was killed."""

    run_dir: Path
    state: str
    reason: str
    created_at: str
    settings: Mapping[str, Any]
    chosen: Mapping[str, Any]
    total: int
    done: int
    correct: int
    failed: int
    seconds: float
    sessions: list[Session]
    usage: Mapping[str, Usage]
    curve: list[CurvePoint]
    failures: Mapping[str, list[tuple[str, str]]]
    slowest: list[Episode]
    most_expensive: list[tuple[str, float, int]]

    @property
    def bill(self) -> Usage:
        total = Usage()
        for usage in self.usage.values():
            total = total.add(usage)
        return total

    def to_dict(self) -> dict[str, Any]:
        return {
            "run": str(self.run_dir),
            "state": self.state,
            "reason": self.reason,
            "created_at": self.created_at,
            "settings": dict(self.settings),
            "examples": {
                "planned": self.total,
                "done": self.done,
                "correct": self.correct,
                "failed": self.failed,
                "accuracy": self.correct / self.done if self.done else None,
            },
            "seconds": self.seconds,
            "sessions": [asdict(session) for session in self.sessions],
            "usage": {role: asdict(usage) for role, usage in self.usage.items()},
            "curve": [asdict(point) for point in self.curve],
            "failures": {
                kind: [{"example": example, "error": error} for example, error in found]
                for kind, found in self.failures.items()
            },
            "slowest": [{"example": e.example_id, "seconds": e.seconds} for e in self.slowest],
            "most_expensive": [
                {"example": name, "cost_usd": cost, "tokens": tokens}
                for name, cost, tokens in self.most_expensive
            ],
        }


def run_view(run: RunReader, earlier: RunView | None = None) -> RunView:
    """Read everything that is shown; a run that goes on is read as it stands.

    ``earlier`` is an earlier look at the same run, whose merges need not be read again.
    """
    header, state = run.header(), _state(run)
    curve = list(earlier.curve) if earlier is not None else []
    curve += [merge.curve for merge in run.merges(after=curve[-1].batch if curve else -1)]
    done, correct, failed = run.counts()
    settings = {path: _harmless(value) for path, value in {**header.identity, **run.runtime()}.items()}
    return RunView(
        run_dir=run.run_dir,
        state=state.name,
        reason=state.reason,
        created_at=header.created_at,
        settings=settings,
        chosen={path: value for path, value in settings.items() if header.origins.get(path)},
        total=run.example_count() * int(header.identity["training.epochs"]),
        done=done,
        correct=correct,
        failed=failed,
        seconds=run.seconds(),
        sessions=run.sessions(),
        usage=run.usage(),
        curve=curve,
        failures=run.failures(),
        slowest=run.slowest(),
        most_expensive=run.most_expensive(),
    )


def run_lines(view: RunView, width: int, *, whole: bool = False, ascii_only: bool = False) -> Iterator[Text]:
    """The run for a terminal of ``width`` cells; ``whole``: with every setting instead of the chosen ones."""
    yield from _standing(view)
    yield Text()
    yield from _costs(view.usage)
    yield from _accuracy(view, width, ascii_only)
    yield from _growth(view, width, ascii_only)
    yield from _failures(view, width, "..." if ascii_only else "…")
    yield from _extremes(view)
    yield from _settings(view.settings if whole else view.chosen, whole)
    yield Text()
    yield Text(_next_steps(view), _QUIET)


def live_lines(view: RunView, width: int, height: int, *, ascii_only: bool = False) -> list[Text]:
    """What matters while the run goes on, on one screen: the curves are drawn if there is room for them."""
    lines = [*_standing(view), Text(), *_costs(view.usage)]
    failures = list(_failures(view, width, ""))
    for curve in (_accuracy(view, width, ascii_only, 7), _growth(view, width, ascii_only)):
        drawn = list(curve)
        if len(lines) + len(drawn) + len(failures) < height:
            lines += drawn
    return [*lines, *failures][: height - 1]


def progress_line(point: CurvePoint, total: int) -> str:
    """One merge on one line, for logs. For people, batches count from 1, as `ace train` says them."""
    cost = "cost unknown" if point.cost_usd is None else money(point.cost_usd)
    return (
        f"batch {point.batch + 1}: {point.examples_seen} of {total} examples, accuracy {point.accuracy:.1%}, "
        f"{point.playbook_size} bullets, {cost}"
    )


def money(dollars: float | None) -> str:
    if dollars is None:
        return "unknown"
    return f"${dollars:,.2f}" if dollars >= 1 or dollars == 0 else f"${dollars:.4f}"


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _state(run: RunReader) -> State:
    state = run.state()
    if state.name == RUNNING and not lock.is_held(run.run_dir):
        state = run.state()  # it may have ended between the two looks
        if state.name == RUNNING:
            return State("crashed", "its process is gone")
    return state


def _harmless(value: Any) -> Any:
    """A setting without what only its owner should see (a password in an address)."""
    return redact(value) if isinstance(value, str) else value


def _standing(view: RunView) -> Iterator[Text]:
    line = Text(printable(str(view.run_dir)), _BOLD)
    line.append("  ").append(view.state, _STATES.get(view.state, _BAD))
    line.append(f"  {one_line(view.reason)}" if view.reason else "")
    yield line
    accuracy = f"{view.correct / view.done:.1%}" if view.done else "none yet"
    wrong = view.done - view.correct - view.failed
    yield _fact("examples", f"{view.done:,} of {view.total:,}")
    yield _fact("accuracy", f"{accuracy}  ({view.correct} right, {wrong} wrong, {view.failed} failed)")
    if view.curve:
        yield _fact("playbook", f"{view.curve[-1].playbook_size} bullets after {len(view.curve)} merges")
    many = f" in {len(view.sessions)} sessions" if len(view.sessions) > 1 else ""
    yield _fact("work", f"{duration(view.seconds)}{many}, since {one_line(view.created_at)}")
    yield _fact(
        "cost", f"{money(view.bill.cost_usd)}  ({view.bill.calls:,} calls, {view.bill.tokens:,} tokens)"
    )


def _costs(usage: Mapping[str, Usage]) -> Iterator[Text]:
    if not usage:
        return
    rows = [("", "calls", "prompt", "cached", "reply", "retries", "cost")]
    for role, used in usage.items():
        rows.append(
            (
                printable(role),
                f"{used.calls:,}",
                f"{used.prompt_tokens:,}",
                f"{used.cached_prompt_tokens:,}",
                f"{used.completion_tokens:,}",
                f"{used.retries:,}",
                money(used.cost_usd),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, (role, *cells) in enumerate(rows):
        numbers = "  ".join(cell.rjust(size) for cell, size in zip(cells, widths[1:], strict=True))
        yield Text(f"{role:<{max(widths[0], 12)}} {numbers}", "" if number else _QUIET)


def _accuracy(view: RunView, width: int, ascii_only: bool, height: int = 9) -> Iterator[Text]:
    if not view.curve:
        return
    seen = [point.examples_seen for point in view.curve]
    yield Text()
    yield from plot(
        "Accuracy so far, and of each batch, by examples seen",
        [
            Curve(seen, [point.batch_accuracy for point in view.curve], is_line=False),
            Curve(seen, [point.accuracy for point in view.curve]),
        ],
        width=min(width, _WIDEST),
        height=height,
        top=1.0,
        percent=True,
        ascii_only=ascii_only,
    )


def _growth(view: RunView, width: int, ascii_only: bool) -> Iterator[Text]:
    if not view.curve:
        return
    sizes = Curve(
        [point.examples_seen for point in view.curve], [point.playbook_size for point in view.curve]
    )
    yield Text()
    yield from plot(
        "Bullets in the playbook, by examples seen",
        [sizes],
        width=min(width, _WIDEST),
        height=7,
        ascii_only=ascii_only,
    )


def _failures(view: RunView, width: int, mark: str) -> Iterator[Text]:
    """By cause; ``mark`` is put where the first error is cut, and without one it is left out."""
    if not view.failures:
        return
    yield Text()
    yield Text(f"Failed examples by cause ({view.failed})", _BOLD)
    for kind, found in sorted(view.failures.items(), key=lambda group: -len(group[1])):
        examples = ", ".join(printable(example) for example, _ in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        yield Text.assemble(f"  {len(found):4}  ", (printable(kind), _BAD), f"  {examples}{more}")
        if mark:
            yield Text(cut(f"        {one_line(found[0][1])}", max(width, 20), mark), _QUIET)


def _extremes(view: RunView) -> Iterator[Text]:
    if view.slowest:
        yield Text()
        yield Text("Slowest examples", _BOLD)
        for episode in view.slowest:
            yield Text(f"  {duration(episode.seconds):>10}  {printable(episode.example_id)}")
    if any(cost for _, cost, _ in view.most_expensive):
        yield Text()
        yield Text("Dearest examples", _BOLD)
        for name, cost, tokens in view.most_expensive:
            yield Text(f"  {money(cost):>10}  {printable(name)}  ({tokens:,} tokens)")
    elif view.most_expensive:
        yield Text()
        yield Text("Examples with most tokens", _BOLD)
        for name, _, tokens in view.most_expensive:
            yield Text(f"  {tokens:>10,}  {printable(name)}")


def _settings(settings: Mapping[str, Any], whole: bool) -> Iterator[Text]:
    if not settings:
        return
    yield Text()
    yield Text("Settings" if whole else "Settings that were chosen (--full shows all)", _BOLD)
    size = max(map(len, settings))
    for path, value in sorted(settings.items()):
        shown = "" if value is None else one_line(str(value))
        yield Text.assemble((f"  {path:<{size}}  ", _QUIET), shown)


def _next_steps(view: RunView) -> str:
    run = view.run_dir
    steps = [f"ace inspect {run} --bullets", f"ace inspect {run} --example ID"]
    if view.state == "running":
        steps.append(f"ace inspect {run} --follow")
    elif view.state != "finished":
        steps.append(f"ace resume {run}")
    return "Next: " + "  |  ".join(steps)


def _fact(name: str, value: str) -> Text:
    return Text.assemble((f"{name:<12} ", _QUIET), value)


def joined(lines: Iterable[Text]) -> Text:
    """Lines as one text, for a live display."""
    return Text("\n").join(lines)
