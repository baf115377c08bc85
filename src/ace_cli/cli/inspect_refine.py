"""`ace inspect --refine`: what says the same in a playbook, and a file in which it is merged."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import typer
from rich.text import Text

from ace_cli.clock import now
from ace_cli.errors import UsageError
from ace_cli.playbook import Change, Delta, Join, Link, Playbook, SetAside
from ace_cli.playbook.contests import contests
from ace_cli.report.format import count
from ace_cli.report.terminal.paging import Output
from ace_cli.report.terminal.style import BOLD, QUIET
from ace_cli.report.text import one_line, printable
from ace_cli.runs.target import Target


def show_refined(target: Target, output: Path | None, out: Output) -> None:
    """What would be merged; with ``output``, the playbook after it is written there.

    Raises:
        UsageError: ``output`` is in the way and nobody says that it may be replaced.
    """
    playbook = target.playbook
    changes = asyncio.run(_changes(playbook, _threshold(target)))
    told = [change for change in changes if isinstance(change, Join | Link | SetAside)]
    rows = [{"action": type(change).__name__.lower(), **asdict(change)} for change in told]
    out.show(lambda: rows, _lines(playbook, told))
    merged = sum(isinstance(change, Join) for change in told)
    said = f"{merged} of {count(len(playbook), 'bullet')} say the same as another"
    if output is None:
        sys.stderr.write(f"{said}; nothing is changed (--output FILE writes the playbook with them merged)\n")
        return
    write_playbook(output, playbook.apply(Delta(now(), tuple(changes))))
    sys.stderr.write(
        f"{said}; merged in {printable(str(output))}. Each is kept there, set aside, and can be taken back (--restore ID)\n"
    )


def write_playbook(output: Path, playbook: Playbook) -> None:
    """Write ``playbook`` as it is.

    Raises:
        UsageError: ``output`` is in the way and nobody says that it may be replaced.
    """
    from ace_cli.files import write_atomic
    from ace_cli.playbook.formats import dump_playbook

    if output.exists() and not (
        sys.stdin.isatty() and typer.confirm(f"{output} exists. Replace it?", err=True)
    ):
        raise UsageError(f"{output} exists and was left as it is", "Name another file.")
    write_atomic(output, dump_playbook(playbook))


def _threshold(target: Target) -> float:
    """The one that it was trained with."""
    from ace_cli.settings import DEFINITIONS
    from ace_cli.settings.recorded import identity_of_header

    path = "training.similarity_threshold"
    known = (
        target.run.header().identity
        if target.run is not None
        else identity_of_header(target.playbook.training_config)
    )
    return float(known.get(path, DEFINITIONS[path].default))


async def _changes(playbook: Playbook, threshold: float) -> Sequence[Change]:
    """With the built-in embedder and Sameness: an inspection loads no module of a run's, and asks no model."""
    from ace_cli.embeddings import WORDLLAMA, make_embedder
    from ace_cli.sameness.learned import LearnedSameness
    from ace_cli.stages.refine import refine

    changes = await refine(playbook, make_embedder(WORDLLAMA), LearnedSameness(threshold))
    return (*changes, *contests(playbook.apply(Delta(now(), changes))))


def _lines(playbook: Playbook, changes: Sequence[Change]) -> Iterator[Text]:
    for change in changes:
        match change:
            case Join(bullet_id, into, reason):
                yield Text.assemble(
                    (printable(bullet_id), BOLD),
                    " -> ",
                    (printable(into), BOLD),
                    (f"  {one_line(reason)}", QUIET),
                )
                for name in (bullet_id, into):
                    yield Text(f"    {printable(name)}  {one_line(playbook.by_id[name].content)}")
            case Link(one, other, reason):
                yield Text.assemble(
                    (printable(one), BOLD),
                    " contradicts ",
                    (printable(other), BOLD),
                    (f"  {one_line(reason)}", QUIET),
                )
            case SetAside(bullet_id, _, reason):
                yield Text.assemble((printable(bullet_id), BOLD), f" is set aside: {one_line(reason)}")
            case _:
                pass
