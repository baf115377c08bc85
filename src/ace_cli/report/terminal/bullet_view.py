"""One bullet with its whole history: who taught it, who cited it, what was merged into it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.text import Text

from ace_cli.playbook import Bullet
from ace_cli.playbook.standing import CONTRADICTS, NOTE, contradicted_by, note_of, standing
from ace_cli.report.terminal.style import BOLD, QUIET, SECTIONS, STAGES, fact, heading
from ace_cli.report.text import one_line, printable
from ace_cli.runs.history import Moment


@dataclass(frozen=True, slots=True)
class Neighbour:
    bullet: Bullet
    similarity: float


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of a bullet. ``note`` says what cannot be known here, and where it is."""

    bullet: Bullet
    moments: tuple[Moment, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "bullet": self.bullet.to_dict(),
            "history": [asdict(moment) for moment in self.moments],
            "neighbours": [
                {"id": n.bullet.id, "similarity": round(n.similarity, 4), "content": n.bullet.content}
                for n in self.neighbours
            ],
            "note": self.note,
        }


def story_lines(story: Story, *, ascii_only: bool = False) -> Iterator[Text]:
    """The story, ready to print; lines may be longer than the terminal and want wrapping."""
    bullet = story.bullet
    yield Text.assemble(
        (printable(bullet.id), BOLD),
        "  ",
        (bullet.section.value, SECTIONS[bullet.section]),
        "  ",
        (bullet.stage.value, STAGES[bullet.stage]),
        ("  domain ", QUIET),
        printable(bullet.domain_id),
    )
    yield Text()
    for part in printable(bullet.content, keep_lines=True).splitlines():
        yield Text(part)
    yield Text()
    for name, value in _facts(bullet):
        if value:
            yield fact(name, value)
    if story.moments:
        yield from heading("History")
    for moment in story.moments:
        yield _moment(moment, "-" if ascii_only else "·")
    if story.neighbours:
        yield from heading("Nearest neighbours")
    for near in story.neighbours:
        yield Text.assemble(
            (f"  {near.similarity:.3f}  ", QUIET),
            (printable(near.bullet.id), BOLD),
            f"  {one_line(near.bullet.content)}",
        )
    if story.note:
        yield Text()
        yield Text(story.note, QUIET)


def _facts(bullet: Bullet) -> Iterator[tuple[str, str]]:
    """(name, value) in words; an empty value is not worth a line."""
    yield "confidence", f"{bullet.confidence:.4f}"
    yield (
        "votes",
        f"{bullet.helpful_count} helpful, {bullet.harmful_count} harmful, {bullet.neutral_count} neutral",
    )
    again = f", {bullet.repeats} of them learned again" if bullet.repeats else ""
    yield "activations", f"{bullet.activation_count}{again}"
    yield "created", one_line(bullet.created_at)
    yield "updated", one_line(bullet.updated_at)
    yield "taught by", ", ".join(map(printable, bullet.sources))
    yield "contradicts", ", ".join(map(printable, contradicted_by(bullet)))
    yield "standing", one_line(standing(bullet))
    said = {NOTE} if note_of(bullet) is not None else set()
    said |= {CONTRADICTS} if contradicted_by(bullet) else set()
    for name, value in bullet.extra.items():
        if name in said:
            continue
        yield printable(name), printable(str(value))


def _moment(moment: Moment, dot: str) -> Text:
    line = Text(f"  {dot} ")
    line.append(f"{one_line(moment.at)}  " if moment.at else "", QUIET)
    line.append(f"batch {moment.batch + 1}  " if moment.batch is not None else "", QUIET)
    example = printable(moment.example_id)
    match moment.kind:
        case "taught":
            line.append(f"taught by {example}")
        case "merged":
            alike = "" if moment.similarity is None else f" (similarity {moment.similarity:.3f})"
            line.append(f"merged from {example}{alike}: {one_line(moment.text)}")
            line.append(f"  because {one_line(moment.reason)}" if moment.reason else "", QUIET)
        case "cited":
            line.append(f"cited by {example}, vote: {moment.text}")
        case "set aside":
            line.append(f"set aside ({one_line(moment.reason)}): {one_line(moment.text)}")
        case "taken back":
            line.append(f"taken back: {one_line(moment.text)}")
        case "joined":
            line.append(f"took over the evidence of {one_line(moment.text)}, which says the same")
        case "contradicts":
            line.append(f"contradicts {one_line(moment.text)}")
            line.append(f"  ({one_line(moment.reason)})" if moment.reason else "", QUIET)
        case _:
            line.append(f"edited by {one_line(moment.text)}")
    return line
