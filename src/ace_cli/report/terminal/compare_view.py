"""Two runs side by side: how they stand, which settings differ, how they grew, what they learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from ace_cli.playbook import Playbook
from ace_cli.playbook.diff import diff
from ace_cli.report.format import duration, local_time, money, percent
from ace_cli.report.terminal.plot import Curve, plot
from ace_cli.report.terminal.runs import short_name
from ace_cli.report.terminal.style import QUIET, heading
from ace_cli.report.terminal.tables import cut
from ace_cli.report.text import one_line, printable
from ace_cli.runs.overview import Overview, overview
from ace_cli.runs.reader import RunReader
from ace_cli.runs.validated import kept_version

_RUNTIME = frozenset({"output.playbook", "output.metrics", "output.run_dir"})
"""Settings of which nobody asks whether they differ."""
_CELL = 34


@dataclass(frozen=True, slots=True)
class Compared:
    """One of the two; ``dataset_hash`` tells whether they saw the same rows."""

    run: Overview
    playbook: Playbook
    dataset_hash: str
    prompts: Mapping[str, str]

    @classmethod
    def read(cls, run: RunReader) -> Compared:
        header = run.header()
        return cls(overview(run), run.playbook(kept_version(run)), header.dataset_hash, header.prompts)


def differing(first: Compared, second: Compared) -> dict[str, tuple[Any, Any]]:
    """The settings that are not the same, by path; prompts as ``prompts: NAME`` without their text."""
    a, b = first.run.settings, second.run.settings
    found = {
        path: (a.get(path), b.get(path)) for path in sorted({*a, *b} - _RUNTIME) if a.get(path) != b.get(path)
    }
    for name in sorted({*first.prompts, *second.prompts}):
        if first.prompts.get(name) != second.prompts.get(name):
            found[f"prompts: {name}"] = ("one wording", "another one")
    return found


def comparison(first: Compared, second: Compared) -> dict[str, Any]:
    """For scripts: plain JSON."""
    return {
        "runs": [side.run.to_dict() | {"playbook_size": side.run.playbook_size} for side in (first, second)],
        "same_rows": first.dataset_hash == second.dataset_hash,
        "settings": {path: list(pair) for path, pair in differing(first, second).items()},
        "playbooks": diff(first.playbook, second.playbook).to_dict(),
    }


def compare_lines(
    first: Compared, second: Compared, width: int, *, ascii_only: bool = False
) -> Iterator[Text]:
    """For a terminal of ``width`` cells."""
    mark = "..." if ascii_only else "…"
    names = tuple(one_line(short_name(side.run.run_dir)) for side in (first, second))
    yield from _table([("", *names), *_standing(first.run, second.run)], width, mark)
    if first.dataset_hash != second.dataset_hash:
        yield Text(
            "The two did not see the same rows: their accuracies say little about the settings.", QUIET
        )
    if settings := differing(first, second):
        yield from heading("Settings that differ")
        rows = [(printable(path), *map(_shown, pair)) for path, pair in settings.items()]
        yield from _table(rows, width, mark)
    else:
        yield from heading("No setting differs")
    yield from _curves(first.run, second.run, names, width, ascii_only)
    yield from _playbooks(first, second)


def _standing(a: Overview, b: Overview) -> Iterator[tuple[str, str, str]]:
    for name, value in (
        ("state", lambda run: run.state),
        ("started", lambda run: local_time(run.created_at)),
        ("model", lambda run: str(run.identity.get("models.generator.model") or "-")),
        ("examples", lambda run: f"{run.done:,} of {run.planned:,}"),
        ("accuracy", lambda run: "none yet" if run.accuracy is None else percent(run.accuracy)),
        ("last batch", lambda run: percent(run.curve[-1].batch_accuracy) if run.curve else "-"),
        ("bullets", lambda run: f"{run.playbook_size:,}"),
        ("cost", lambda run: money(run.bill.cost_usd)),
        ("calls", lambda run: f"{run.bill.calls:,}"),
        ("tokens", lambda run: f"{run.bill.tokens:,}"),
        ("work", lambda run: duration(run.seconds)),
    ):
        yield name, one_line(value(a)), one_line(value(b))


def _table(rows: Sequence[tuple[str, ...]], width: int, mark: str) -> Iterator[Text]:
    first = max(cell_len(row[0]) for row in rows)
    room = max((width - first - 4) // 2, 8)
    size = min(max(cell_len(row[1]) for row in rows), room, _CELL)
    for name, a, b in rows:
        left, right = cut(a, size, mark), cut(b, room, mark)
        yield Text.assemble(
            (name + " " * (first - cell_len(name) + 2), QUIET), left, " " * (size - cell_len(left) + 2), right
        )


def _shown(value: Any) -> str:
    return "unset" if value is None else one_line(str(value)) or '""'


def _curves(a: Overview, b: Overview, names: tuple[str, ...], width: int, ascii_only: bool) -> Iterator[Text]:
    if not (a.curve and b.curve):
        return
    curves = [
        Curve([p.examples_seen for p in run.curve], [p.accuracy for p in run.curve], is_line=run is b)
        for run in (a, b)
    ]
    yield Text()
    title = f"Accuracy so far, by examples seen: {names[0]} dots {percent(a.curve[-1].accuracy, 0)}, {names[1]} line"
    yield from plot(title, curves, width=min(width, 100), share=True, ascii_only=ascii_only)


def _playbooks(first: Compared, second: Compared) -> Iterator[Text]:
    difference = diff(first.playbook, second.playbook)
    shared = difference.unchanged + sum("content" not in change.fields for change in difference.changed)
    names = [printable(short_name(side.run.run_dir)) for side in (first, second)]
    yield from heading("Playbooks")
    yield Text(
        f"{shared:,} bullets in both, {len(first.playbook) - shared:,} only in {names[0]}, "
        f"{len(second.playbook) - shared:,} only in {names[1]}"
    )
    paths = " --diff ".join(printable(str(side.run.run_dir)) for side in (first, second))
    yield Text(f"ace inspect {paths}", QUIET)
