"""Where an answer says that it is the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from ace_cli.quantities.normalize import BOX, BOX_END

_MOST_MARKS = 20  # the last ones; more in one answer is a text gone round in circles


class MarkKind(Enum):
    BOX = r"\boxed{18}"
    HASHES = "#### 18"
    IS = "the answer is 18"
    LABEL = "Answer: 18"


@dataclass(frozen=True, slots=True)
class Mark:
    """``text[start:end]`` is what the mark points at: a box's content, else the rest of the text."""

    kind: MarkKind
    start: int
    end: int


_MARK = re.compile(
    rf"""
    (?P<box>{BOX})
  | (?P<hashes>\#{{4}}(?!\#))
  | (?<![A-Za-z])(?:answers?|ans)(?![A-Za-z])
    (?: ["'*_]*\s?(?P<label>[:=>]|(?:\s|^)→)
      | [^\n.:=?!]{{0,60}}?(?<![A-Za-z])(?P<is>is|are|was|equals|(?:would|should|must|will)\ be|comes\ (?:out\ )?to)(?![A-Za-z'])(?!\s(?:not|n't)(?![A-Za-z]))
      | (?P<late>[^\n.:=?!]{{0,60}}:)
    )
  | (?:^|(?<=\n))[\s>*_-]{{0,6}}(?-i:A)[*_]*(?P<a>:)
    """,
    re.IGNORECASE | re.VERBOSE,
)


_KINDS = {"box": MarkKind.BOX, "hashes": MarkKind.HASHES, "is": MarkKind.IS}


def marks(text: str) -> Iterator[Mark]:
    """The marks in ``text`` (as :func:`ace_cli.quantities.normalize.normalize` gives it), the last one first."""
    for match in list(_MARK.finditer(text))[: -_MOST_MARKS - 1 : -1]:
        kind = _KINDS.get(match.lastgroup or "", MarkKind.LABEL)
        box_end = text.find(BOX_END, match.end()) if kind is MarkKind.BOX else -1
        yield Mark(kind, match.end(), box_end if box_end >= 0 else len(text))


_LINE_END = re.compile(r"\n|</")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[A-Z\"'(])|\n|</|$")


def marked_line(text: str) -> str | None:
    """The first line after the last mark that is followed by anything; None without such a mark."""
    for mark in marks(text):
        rest = text[mark.start : mark.end].lstrip(" \n:=*>\"'")
        line = _LINE_END.split(rest, maxsplit=1)[0].strip(f" *_\"'{BOX}{BOX_END}")
        if line:
            return line
    return None


def sentence_end(text: str, start: int) -> int:
    """The offset where the sentence or line that begins at ``start`` is over."""
    match = _SENTENCE_END.search(text, start)
    return match.start() if match else len(text)
