"""Pairs of lessons of our own writing, by topic: the tune half teaches the default Sameness, the test half only counts it.

A file of ``pairs/tune`` or ``pairs/test`` is a topic. Each block in it is one lesson: lines with ``=`` say it in other
words, lines with ``- kind:`` say something else. Each ``=`` line is paired with every other one (the same) and with
every ``-`` line (different). No topic stands in both halves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

HERE = Path(__file__).parent / "pairs"

KINDS = {
    "framed": "the same in a frame",
    "light": "paraphrase, near in words",
    "heavy": "paraphrase, far in words",
    "cond": "another condition",
    "adv": "other advice on the same topic",
    "ent": "another entity",
    "name": "another name",
    "num": "another number or unit",
    "dir": "the other way round",
    "neg": "negated",
    "sub": "a special case",
    "near": "near by, otherwise",
    "other": "another lesson of the topic",
}
"""What the kinds are called in tables."""

FRAMES = {
    "tune": (
        "Always {}.",
        "Remember to {}.",
        "Remember: {}.",
        "Make sure to {}.",
        "{}, as the question requires.",
        "{} before giving the final answer.",
        "It is important to note that {}.",
        "{} in every case.",
        "Please {}.",
        "In such problems, {}.",
        "Carefully {}.",
        "Note that {}.",
    ),
    "test": (
        "Take care to {}.",
        "Keep in mind: {}.",
        "{} in order to answer correctly.",
        "In questions like this one, {}.",
        "Be sure to {}.",
        "{} each time.",
        "The rule is: {}.",
        "{}; this is essential.",
    ),
}
"""A lesson in a frame that adds nothing says the same; and two different lessons in one frame stay different."""

_LIGHT = 0.45
"""Share of common words from which a paraphrase is light."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Two lessons, and whether they say the same."""

    topic: str
    kind: str
    same: bool
    a: str
    b: str


def load(half: str) -> list[Labelled]:
    """The pairs of ``tune`` or ``test``, topic by topic; of ``other``, by language: those taught nobody, and have no frames."""
    found: list[Labelled] = []
    for path in sorted((HERE / half).glob("*.txt")):
        blocks = [block.splitlines() for block in path.read_text(encoding="utf-8").strip().split("\n\n")]
        firsts = [block[0].removeprefix("= ") for block in blocks]
        for number, block in enumerate(blocks):
            found += _pairs(path.stem, block)
            if half in FRAMES:
                found += _framed(path.stem, FRAMES[half], number, block)
            found += (
                Labelled(path.stem, "other", False, firsts[number], firsts[(number + step) % len(firsts)])
                for step in (1, 2)
            )
    return found


def _framed(topic: str, frames: Sequence[str], number: int, block: list[str]) -> Iterator[Labelled]:
    """The lesson beside itself in two frames, and one of its ``-`` lines in the frame of the first."""
    known = block[0].removeprefix("= ")
    one, two = (frames[(2 * number + step) % len(frames)] for step in (0, 1))
    yield Labelled(topic, "framed", True, known, _frame(one, known))
    yield Labelled(topic, "framed", True, _frame(one, known), _frame(two, known))
    kind, other = next((line[2:] for line in block if line.startswith("- ")), "near: ?").split(": ", 1)
    yield Labelled(topic, kind, False, _frame(one, known), _frame(one, other))


def _frame(frame: str, lesson: str) -> str:
    bare = lesson.rstrip(".")
    first = bare.split()[0]
    lower = first[0].lower() + first[1:] if first[1:].islower() or len(first) == 1 else first
    inside = bare if frame.startswith("{") else lower + bare[len(first) :]
    return frame.format(inside)


def _pairs(topic: str, lines: list[str]) -> Iterator[Labelled]:
    same = [line[2:] for line in lines if line.startswith("= ")]
    other = [line[2:].split(": ", 1) for line in lines if line.startswith("- ")]
    for a, b in combinations(same, 2):
        one, two = (set(text.lower().split()) for text in (a, b))
        light = len(one & two) >= _LIGHT * len(one | two)
        yield Labelled(topic, "light" if light else "heavy", True, a, b)
    for kind, b in other:
        for a in same:
            yield Labelled(topic, kind, False, a, b)
