"""Words that exclude each other: increase and decrease, safe and unsafe."""

from __future__ import annotations

from collections.abc import KeysView
from dataclasses import dataclass

from ace_cli.sameness.rules.vocabulary import OPPOSITES
from ace_cli.sameness.rules.word import stem
from ace_cli.sameness.rules.wording import Wording


@dataclass(frozen=True, slots=True)
class _Group:
    """``sides`` are stem -> number of the alternative. Words of a ``weak`` group have many uses."""

    sides: dict[str, int]
    weak: bool

    @classmethod
    def of(cls, row: str) -> _Group:
        alternatives = enumerate(row.removeprefix("~").split("|"))
        sides = {stem(word): side for side, words in alternatives for word in words.split()}
        return cls(sides, row.startswith("~"))

    def said_by(self, text: Wording) -> dict[int, str]:
        """The alternatives that the text speaks for, with the word. A denied one of two speaks for the other."""
        found: dict[int, str] = {}
        for word in text.words:
            side = self.sides.get(word.stem)
            if side is None:
                continue
            if word.denied and not self.weak:
                if max(self.sides.values()) > 1:
                    continue
                side = 1 - side
            found.setdefault(side, word.text)
        return found


_GROUPS = tuple(map(_Group.of, OPPOSITES))


def opposite(a: Wording, b: Wording) -> str | None:
    """Increase the dose, decrease the dose."""
    stems_a, stems_b = ({word.stem for word in text.words} for text in (a, b))
    for group in _GROUPS:
        if stems_a.isdisjoint(group.sides) or stems_b.isdisjoint(group.sides):
            continue  # most groups have no word in a text
        in_a, in_b = group.said_by(a), group.said_by(b)
        if not in_a or not in_b or in_a.keys() & in_b.keys():
            continue
        if group.weak and _overlap(a, b, but=group.sides.keys()) < 0.6:
            continue
        one, other = next(iter(in_a.values())), next(iter(in_b.values()))
        return f"opposite: {one} vs {other}" if stem(one) != stem(other) else "negation"
    return None


def _overlap(a: Wording, b: Wording, *, but: KeysView[str]) -> float:
    """Shared content as a share of the shorter text's, leaving out ``but``."""
    left, right = a.content - but, b.content - but
    return len(left & right) / max(1, min(len(left), len(right)))


_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non", "de")
_NO_PREFIX = frozenset(
    {"discount", "indat", "invest", "intak", "input", "import", "impos", "detail", "defin"}
)


def prefixed(a: Wording, b: Wording) -> str | None:
    """It is safe, it is unsafe; mutable and immutable, direct and indirect."""
    words_a, words_b = ({word.stem: word.text for word in text.words if word.is_content} for text in (a, b))
    for one, other in ((words_a, words_b), (words_b, words_a)):
        for word in sorted(one.keys() - other.keys() - _NO_PREFIX):
            for prefix in _PREFIXES:
                base = word.removeprefix(prefix)
                if base != word and len(base) >= 3 and base in other and base not in one:
                    return f"negation: {one[word]} vs {other[base]}"
    return None
