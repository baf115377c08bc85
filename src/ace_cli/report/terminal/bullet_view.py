"""One bullet with its whole history: who taught it, who cited it, what was merged into it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.style import Style
from rich.text import Text

from ace_cli.playbook import Add, Bullet, Confirm, Delta, Playbook, Vote
from ace_cli.playbook.edit import recorded_edits
from ace_cli.report.terminal.tables import SECTION_STYLES, STAGE_STYLES
from ace_cli.report.text import one_line, printable

_BOLD = Style(bold=True)
_QUIET = Style(dim=True)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a bullet.

    ``kind`` is ``taught``, ``merged``, ``cited`` or ``edited``. ``text`` is the wording of a merged insight, the vote of a
    citation or what an editor did; ``batch`` counts from 0 and is None for edits by hand.
    """

    kind: str
    at: str
    text: str
    example_id: str = ""
    batch: int | None = None
    section: str = ""
    similarity: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Neighbour:
    bullet: Bullet
    similarity: float


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of a bullet. ``note`` says what cannot be known here, and where it is."""

    bullet: Bullet
    events: tuple[Event, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "bullet": self.bullet.to_dict(),
            "history": [asdict(event) for event in self.events],
            "neighbours": [
                {"id": n.bullet.id, "similarity": round(n.similarity, 4), "content": n.bullet.content}
                for n in self.neighbours
            ],
            "note": self.note,
        }


def merge_events(deltas: Iterable[tuple[int, Delta]]) -> dict[str, list[Event]]:
    """What the merges of a run did, by bullet id; ``deltas`` are (batch, delta) in order."""
    found: defaultdict[str, list[Event]] = defaultdict(list)
    for batch, delta in deltas:
        at = delta.at
        for change in delta.changes:
            match change:
                case Add(bullet, example_id):
                    event = Event(
                        "taught", at, bullet.content, example_id, batch, section=bullet.section.value
                    )
                    found[bullet.id].append(event)
                case Confirm(bullet_id, example_id, content, section, similarity, reason):
                    event = Event("merged", at, content, example_id, batch, section.value, similarity, reason)
                    found[bullet_id].append(event)
                case Vote(bullet_id, example_id, tag):
                    found[bullet_id].append(Event("cited", at, tag.value, example_id, batch))
                case _:
                    pass  # a dropped insight belongs to no bullet
    return found


def edit_events(bullet_id: str, playbook: Playbook) -> Iterator[Event]:
    """What people did to a bullet by hand, as the file says."""
    for note in recorded_edits(playbook):
        if note.get("id") == bullet_id:
            yield Event("edited", str(note.get("at", "")), describe_edit(note))


def describe_edit(note: Mapping[str, Any]) -> str:
    """``alice: stage shadow -> production``."""
    by, action = note.get("by", "unknown"), note.get("action", "edit")
    if action == "delete":
        return f"{by}: deleted"
    if action == "reword":
        return f"{by}: reworded, was: {note.get('before')}"
    return f"{by}: {action} {note.get('before')} -> {note.get('after')}"


def story_lines(story: Story, *, ascii_only: bool = False) -> Iterator[Text]:
    """The story, ready to print; lines may be longer than the terminal and want wrapping."""
    bullet = story.bullet
    yield Text.assemble(
        (printable(bullet.id), _BOLD),
        "  ",
        (bullet.section.value, SECTION_STYLES[bullet.section]),
        "  ",
        (bullet.stage.value, STAGE_STYLES[bullet.stage]),
        ("  domain ", _QUIET),
        printable(bullet.domain_id),
    )
    yield Text()
    for part in printable(bullet.content, keep_lines=True).splitlines():
        yield Text(part)
    yield Text()
    votes = f"{bullet.helpful_count} helpful, {bullet.harmful_count} harmful, {bullet.neutral_count} neutral"
    yield _fact("confidence", f"{bullet.confidence:.4f}")
    yield _fact("votes", votes)
    yield _fact("activations", str(bullet.activation_count))
    if bullet.created_at:
        yield _fact("created", one_line(bullet.created_at))
    if bullet.updated_at:
        yield _fact("updated", one_line(bullet.updated_at))
    if bullet.sources:
        yield _fact("taught by", ", ".join(map(printable, bullet.sources)))
    for name, value in bullet.extra.items():
        yield _fact(printable(name), printable(str(value)))
    yield from _history(story, "-" if ascii_only else "·")
    yield from _neighbours(story.neighbours)
    if story.note:
        yield Text()
        yield Text(story.note, _QUIET)


def _fact(name: str, value: str) -> Text:
    return Text.assemble((f"{name:<12} ", _QUIET), value)


def _history(story: Story, dot: str) -> Iterator[Text]:
    if not story.events:
        return
    yield Text()
    yield Text("History", _BOLD)
    for event in story.events:
        line = Text(f"  {dot} ")
        line.append(f"{one_line(event.at)}  " if event.at else "", _QUIET)
        line.append(f"batch {event.batch + 1}  " if event.batch is not None else "", _QUIET)
        example = printable(event.example_id)
        match event.kind:
            case "taught":
                line.append(f"taught by {example}")
            case "merged":
                alike = "" if event.similarity is None else f" (similarity {event.similarity:.3f})"
                line.append(f"merged from {example}{alike}: {one_line(event.text)}")
                line.append(f"  because {one_line(event.reason)}" if event.reason else "", _QUIET)
            case "cited":
                line.append(f"cited by {example}, vote: {event.text}")
            case _:
                line.append(f"edited by {one_line(event.text)}")
        yield line


def _neighbours(neighbours: Sequence[Neighbour]) -> Iterator[Text]:
    if not neighbours:
        return
    yield Text()
    yield Text("Nearest neighbours", _BOLD)
    for near in neighbours:
        yield Text.assemble(
            (f"  {near.similarity:.3f}  ", _QUIET),
            (printable(near.bullet.id), _BOLD),
            f"  {one_line(near.bullet.content)}",
        )
