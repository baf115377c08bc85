"""The whole story of one example: prompts, replies, verdict, reflection, what the curator made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.text import Text

from ace_cli.data import Example
from ace_cli.playbook import (
    Add,
    Answers,
    Change,
    Confirm,
    Drop,
    Join,
    Link,
    Refined,
    SetAside,
    TakeBack,
    Vote,
)
from ace_cli.replies.cut import bare_number, uncut
from ace_cli.report.format import count, duration, money, percent
from ace_cli.report.terminal.style import BAD, BOLD, GOOD, HEAD, QUIET, block, heading
from ace_cli.report.text import one_line, printable
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import Episode, RecordedReply, Round
from ace_cli.scoring.difference import difference
from ace_cli.stages.base import Attempt, Reflection


@dataclass(frozen=True)
class Passage:
    """An example's way through one epoch: what was said, what came of it, what the merge did with it."""

    episode: Episode
    replies: list[RecordedReply]
    changes: list[Change] | None
    """None while its batch waits for the merge."""
    phase: str = ""
    """What it is for, where it is no training."""


@dataclass(frozen=True)
class ExampleStory:
    example: Example
    passages: list[Passage]

    def to_dict(self) -> dict[str, Any]:
        return {
            "example": asdict(self.example),
            "passages": [
                {
                    "episode": {**asdict(p.episode), "correct": p.episode.correct},
                    "replies": [
                        {
                            **asdict(reply),
                            "messages": [{"role": role, "content": text} for role, text in reply.messages],
                        }
                        for reply in p.replies
                    ],
                    "phase": p.phase,
                    "changes": None
                    if p.changes is None
                    else [{"kind": type(c).__name__.lower(), **_change_dict(c)} for c in p.changes],
                }
                for p in self.passages
            ],
        }


def example_story(run: RunReader, index: int) -> ExampleStory:
    """All that the run keeps of the example at ``index`` of its dataset."""
    if run.evaluation() is not None:
        return ExampleStory(run.example(index), list(_answers(run, index)))
    episodes = list(run.episodes(index=index))
    batches = {episode.batch for episode in episodes}
    deltas = {merge.batch: merge.delta for merge in run.merges() if merge.batch in batches}
    passages = []
    for episode in episodes:
        delta = deltas.get(episode.batch)
        changes = None
        if delta is not None:
            changes = [c for c in delta.changes if _taught_by(c) == episode.example_id]
        replies = [r for r in run.conversation(episode.step) if r.role != "curator"]
        passages.append(Passage(episode, replies, changes))
    return ExampleStory(run.example(index), passages)


def _taught_by(change: Change) -> str | None:
    """The example that a change is due to; None for what the whole batch led to."""
    return change.example_id if isinstance(change, Add | Confirm | Vote | Drop) else None


def _answers(run: RunReader, index: int) -> Iterator[Passage]:
    """Of an evaluation, which merges nothing: every arm and repeat."""
    for phase, kind in run.phases().items():
        for episode in run.episodes(index=index, phase=phase):
            yield Passage(episode, run.conversation(episode.step, phase), None, kind)


def example_lines(story: ExampleStory) -> Iterator[Text]:
    """The story for reading from top to bottom; lines may want wrapping."""
    example = story.example
    yield Text.assemble((printable(example.id), BOLD), ("  domain ", QUIET), printable(example.domain))
    yield from block("Question", example.question)
    if example.context:
        yield from block("Context", example.context)
    yield from block("Known answer", example.answer)
    if not story.passages:
        yield Text()
        yield Text("Not attempted so far.", QUIET)
    for passage in story.passages:
        yield from _passage(passage)


def _passage(passage: Passage) -> Iterator[Text]:
    episode = passage.episode
    yield Text()
    shown = f"{count(episode.shown, 'bullet')} shown"
    shown += "" if passage.phase else f" of playbook version {episode.version}"
    yield Text.assemble(
        (printable(passage.phase) or f"Epoch {episode.epoch + 1}, batch {episode.batch + 1}", HEAD),
        (f"  {duration(episode.seconds)}, {shown}", QUIET),
    )
    for reply in passage.replies:
        yield from _call(reply)
        written = bare_number(reply.reply.text, "final_answer") if reply.role == "generator" else None
        if written and any(_is_whole(round_.attempt, written) for round_ in episode.rounds):
            yield Text(
                "  its number was cut off at a thousands separator: taken whole, from the reasoning", QUIET
            )
    for number, round_ in enumerate(episode.rounds):
        yield from _round(round_, number)
    if episode.failed:
        yield Text()
        yield Text.assemble((f"Failed: {printable(episode.failure)}  ", BAD), one_line(episode.error))
    if passage.phase:
        return
    yield from heading("What the curator did")
    if passage.changes is None:
        yield Text("  Its batch is not merged yet.", QUIET)
    elif not passage.changes:
        yield Text("  Nothing: no insights and no votes.", QUIET)
    for change in passage.changes or ():
        yield Text(f"  {_told(change)}")


def _call(record: RecordedReply) -> Iterator[Text]:
    reply = record.reply
    facts = f"{reply.prompt_tokens:,} + {reply.completion_tokens:,} tokens, {duration(reply.seconds)}"
    facts += f", {money(reply.cost_usd)}" if reply.cost_usd is not None else ""
    facts += f", {count(reply.retries, 'retry', 'retries')}" if reply.retries else ""
    facts += f", ended by {printable(reply.finish_reason)}" if reply.finish_reason != "stop" else ""
    yield Text()
    yield Text.assemble(
        (f"{printable(record.role)}, call {record.turn + 1}", BOLD),
        (f"  {printable(record.model)}, {facts}", QUIET),
    )
    for role, text in record.messages:
        yield from block(role, text, indent="  ")
    yield from block("reply", reply.text, indent="  ")


def _is_whole(attempt: Attempt, number: str) -> bool:
    """Whether the answer is ``number`` of the reply, made whole."""
    return attempt.answer != number and attempt.answer == uncut(number, attempt.reasoning)


def _round(round_: Round, number: int) -> Iterator[Text]:
    verdict = round_.verdict
    word, style = ("right", GOOD) if verdict.correct else ("wrong", BAD)
    yield Text()
    line = Text("Verdict" if not number else f"Verdict on try {number + 1}", BOLD)
    line.append("  ").append(word, style)
    line.append(f", {percent(verdict.credit, 0)} of the credit" if 0 < verdict.credit < 1 else "")
    line.append(f"  got {one_line(verdict.got)!r}, expected {one_line(verdict.expected)!r}")
    yield line.append(f"  (scorer {printable(verdict.scorer)})", QUIET)
    if not verdict.correct and (form := difference(verdict.got, verdict.expected)):
        yield Text.assemble(("  differs in form  ", QUIET), form)
    cited = ", ".join(map(printable, round_.attempt.bullet_ids))
    yield Text.assemble(("  cited bullets ", QUIET), cited or "none")
    if round_.reflection is not None:
        yield from _reflection(round_.reflection)


def _reflection(reflection: Reflection) -> Iterator[Text]:
    yield from heading("Reflection")
    for name in ("reasoning", "error_identification", "root_cause", "correct_approach"):
        if value := getattr(reflection, name):
            yield Text.assemble((f"  {name.replace('_', ' ')}  ", QUIET), one_line(value))
    for insight in reflection.insights:
        yield Text.assemble((f"  insight ({insight.section.value})  ", QUIET), one_line(insight.content))
    for tag in reflection.bullet_tags:
        yield Text.assemble(("  vote  ", QUIET), f"{printable(tag.id)} {tag.tag.value}")


def _told(change: Change) -> str:
    match change:
        case Add(bullet):
            return f"added {printable(bullet.id)}: {one_line(bullet.content)}"
        case Confirm(bullet_id, _, content, _, similarity, reason):
            because = f" because {one_line(reason)}" if reason else ""
            return f"merged into {printable(bullet_id)} (similarity {similarity:.3f}){because}: {one_line(content)}"
        case Vote(bullet_id, _, tag):
            return f"counted a {tag.value} vote for {printable(bullet_id)}"
        case Drop(_, content, _, reason):
            return f"dropped, {one_line(reason)}: {one_line(content)}"
        case SetAside(bullet_id, cause, reason):
            return f"set {printable(bullet_id)} aside ({one_line(cause)}): {one_line(reason)}"
        case TakeBack(bullet_id, reason):
            return f"took {printable(bullet_id)} back: {one_line(reason)}"
        case Link(bullet_id, other, reason):
            return f"{printable(bullet_id)} contradicts {printable(other)}: {one_line(reason)}"
        case Join(bullet_id, into, reason):
            return f"merged {printable(bullet_id)} into {printable(into)}: {one_line(reason)}"
        case Refined(bullets):
            return f"compared {bullets} bullets with each other"
        case Answers(domain, right, wrong):
            return f"counted {right} right and {wrong} wrong answers of domain {printable(domain)}"


def _change_dict(change: Change) -> dict[str, Any]:
    values = {name: getattr(change, name) for name in change.__dataclass_fields__}
    if isinstance(change, Add):
        values["bullet"] = change.bullet.to_dict()
    return values
