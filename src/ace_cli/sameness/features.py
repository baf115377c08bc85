"""What two lessons have in common and what is left over on each side, as numbers: what the learned Sameness reads.

Each word of one lesson is laid beside the word of the other that it is most like, by word vectors, stems and synonyms.
What has no like there is left over. Whether that is a detail or another condition, entity or advice shows in how much
it weighs, on which side it is, whether it stands in a condition, and how near the leftovers of both sides are.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from ace_cli.embeddings import word_vectors
from ace_cli.sameness.rules.contradiction import RULES, are_synonyms, spoken, synonym_rows
from ace_cli.sameness.rules.vocabulary import rows_of
from ace_cli.sameness.rules.word import Word, stem
from ace_cli.sameness.rules.wording import Wording, take_apart
from ace_cli.sameness.vacuous import preaching

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_TURNING = {
    "not": frozenset(
        [
            "not",
            "no",
            "never",
            "without",
            "lack",
            "miss",
            "avoid",
            "nothing",
            "none",
            "neither",
            "nor",
            "cannot",
            "refuse",
            "deny",
        ]
    ),
    "unless": frozenset(["unless", "except", "exclude", "instead", "insteadof", "rather", "but"]),
    "even": frozenset(["even", "although", "though", "also", "despite", "regardless", "whether"]),
    "only": frozenset(["only", "alone", "exclusively", "just", "solely", "nothing"]),
}

MOST_WORDS = 200
"""Of a longer lesson only so many words are aligned: the work grows with the product of both."""

_STOP_WEIGHT = 0.15
_ONE_ROOT = 0.9
_ROOT = 5
"""Letters that words with one root begin with, at least."""

_BINDING = frozenset(
    [
        "if",
        "when",
        "whenever",
        "where",
        "while",
        "unless",
        "before",
        "after",
        "until",
        "once",
        "for",
        "in",
        "during",
        "without",
        "except",
        "only",
    ]
)
_TELLING = frozenset(
    [
        "before",
        "after",
        "until",
        "first",
        "last",
        "more",
        "less",
        "most",
        "least",
        "only",
        "over",
        "under",
        "up",
        "down",
        "out",
        "not",
        "never",
        "no",
        "without",
        "all",
        "each",
        "every",
        "other",
    ]
)
"""Stop words of the rules that may be all that two lessons differ in."""


@dataclass(frozen=True, eq=False)
class Side:
    """A lesson, ready to be aligned.

    ``vectors``: shape (words, d), length 1. ``weights``: what a word counts, by the length of its vector (rare words are
    longer). ``bound``: whether a word stands in a clause that says when or where the lesson holds.
    """

    wording: Wording
    words: tuple[Word, ...]
    vectors: Floats
    weights: Floats
    content: Flags
    bound: Flags
    mean: Floats

    @cached_property
    def total(self) -> float:
        """All weights together."""
        return float(self.weights.sum())

    @cached_property
    def telling(self) -> Floats:
        """The weights of words that say something, 0 of others."""
        return self.weights * self.content

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(word.stem for word in self.words)

    @cached_property
    def content_stems(self) -> tuple[str, ...]:
        """In order."""
        return tuple(word.stem for word, says in zip(self.words, self.content, strict=True) if says)

    @cached_property
    def neighbours(self) -> frozenset[tuple[str, str]]:
        """Content words in a row."""
        return frozenset(pairwise(self.content_stems))

    @cached_property
    def turning(self) -> tuple[int, ...]:
        """How many words turn or bound the lesson, by kind."""
        return tuple(_count(self, kind) for kind in _TURNING.values())

    @cached_property
    def kin(self) -> dict[object, list[int]]:
        """Where words stand of which one may be kin to another: both have a key in common."""
        found: defaultdict[object, list[int]] = defaultdict(list)
        for at, word in enumerate(self.words):
            for key in _kin_keys(word.stem):
                found[key].append(at)
        return dict(found)


@lru_cache(maxsize=4096)
def side(text: str) -> Side:
    """``text`` taken apart; at least one word long (an empty text has one word without a vector)."""
    import numpy as np

    wording = take_apart(text)
    marked = _marked(wording)[:MOST_WORDS] or [(Word("", ""), False)]
    words = tuple(word for word, _ in marked)
    raw = word_vectors([word.text for word in words])
    lengths = np.linalg.norm(raw, axis=1)
    content = np.array([_says_something(word) for word in words])
    weights = np.where(content, lengths, _STOP_WEIGHT * lengths) + 1e-6
    total = (raw * np.where(content, 1.0, _STOP_WEIGHT)[:, None]).sum(axis=0)
    return Side(
        wording,
        words,
        raw / np.maximum(lengths, 1e-9)[:, None],
        weights,
        content,
        np.array([bound for _, bound in marked]),
        total / max(1e-9, float(np.linalg.norm(total))),
    )


def _says_something(word: Word) -> bool:
    return word.text in _TELLING or (word.is_content and word.stem not in preaching())


def _marked(wording: Wording) -> list[tuple[Word, bool]]:
    """The words without the stops, and whether each stands between a binding word and the end of its clause."""
    marked = []
    for sentence in wording.sentences:
        bound = False
        for word in sentence.words:
            if word.is_stop:
                bound = False
                continue
            bound = bound or word.text in _BINDING
            marked.append((word, bound))
    return marked


def features(a: str, b: str) -> dict[str, float]:
    """Named numbers on a pair, the same for (a, b) and (b, a)."""
    one, other = side(a), side(b)
    alike = _alignment(one, other)
    left, right = _Rest(one, other, alike), _Rest(other, one, alike.T)
    found = {"cosine": float(one.mean @ other.mean)}
    for name, x in left.numbers.items():
        y = right.numbers[name]
        found[f"{name}_low"], found[f"{name}_high"] = min(x, y), max(x, y)
    return found | _between(left, right) | _of_wording(one, other)


@lru_cache(maxsize=16)
def _alignment(one: Side, other: Side) -> Floats:
    """How much each word is like each word of the other lesson: 1 for forms of a word and for synonyms; (n, m)."""
    import numpy as np

    kinship = np.zeros((len(one.words), len(other.words)))
    for key in one.kin.keys() & other.kin.keys():
        for row in one.kin[key]:
            for column in other.kin[key]:
                kinship[row, column] = _kinship(one.words[row].stem, other.words[column].stem)
    alike: Floats = np.maximum(one.vectors @ other.vectors.T, kinship)
    alike.flags.writeable = False
    return alike


@lru_cache(maxsize=50_000)
def _kin_keys(stem_: str) -> tuple[object, ...]:
    """Two stems without one of these in common are not kin."""
    synonyms = (("synonym", row) for row in synonym_rows(stem_))
    alike = (("alike", row) for row in _rows(stem_))
    return (stem_, *synonyms, *alike, ("root", stem_[:_ROOT]))


@lru_cache(maxsize=200_000)
def _kinship(stem_a: str, stem_b: str) -> float:
    """1 for the same stem and for synonyms, less for words with one root, 0 where nothing is known."""
    if stem_a == stem_b or are_synonyms(stem_a, stem_b) or _rows(stem_a) & _rows(stem_b):
        return 1.0
    shorter = min(len(stem_a), len(stem_b))
    same = next((at for at in range(shorter) if stem_a[at] != stem_b[at]), shorter)
    return _ONE_ROOT if same >= _ROOT and same >= 0.7 * shorter else 0.0


def _rows(stem_: str) -> frozenset[int]:
    return _alike_rows().get(stem_, frozenset())


@cache
def _alike_rows() -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, row in enumerate(rows_of("alike.txt")):
        for word in row.split():
            found.setdefault(stem(word), set()).add(number)
    return {word: frozenset(rows) for word, rows in found.items()}


class _Rest:
    """What of ``one`` is not in ``other``."""

    def __init__(self, one: Side, other: Side, alike: Floats) -> None:
        import numpy as np

        best = alike.max(axis=1)
        lacking = (1 - best).clip(0, 1) * one.weights
        known = other.stems
        over = np.array([word.stem not in known for word in one.words]) & one.content
        unlike = over & (best < _ONE_ROOT)
        self.vector = (one.vectors * (one.weights * unlike)[:, None]).sum(axis=0)
        self.count = int(unlike.sum())
        worst = [*np.sort(lacking)[::-1][:3].tolist(), 0.0, 0.0, 0.0]
        weight, total = float((one.weights * unlike).sum()), one.total
        act = ~one.bound
        self.numbers = {
            "covered": float((best * one.weights).sum()) / total,
            "lacking": float(lacking.sum()),
            "worst0": worst[0],
            "worst1": worst[1],
            "worst2": worst[2],
            "rest": float(self.count),
            "rest_weight": weight,
            "rest_share": weight / total,
            "rest_bound": float((one.weights * (unlike & one.bound)).sum()),
            "rest_act": float((one.weights * (unlike & act)).sum()),
            "lacking_bound": float(lacking[one.bound].sum()),
            "lacking_act": float(lacking[act].sum()),
            "words": float(one.content.sum()),
            "bound": float((one.content & one.bound).sum()),
        }


def _between(left: _Rest, right: _Rest) -> dict[str, float]:
    """How the leftovers of both sides stand to each other."""
    import numpy as np

    lengths = float(np.linalg.norm(left.vector) * np.linalg.norm(right.vector))
    toward = float(left.vector @ right.vector) / lengths if lengths > 0 else 0.3
    if not left.count and not right.count:
        toward = 1.0
    return {
        "rest_toward": toward,
        "rest_one_sided": float(bool(left.count) != bool(right.count)),
        "rest_none": float(not left.count and not right.count),
        "rest_one_each": float(left.count == right.count == 1),
    }


def _gaps(one: Side, other: Side) -> dict[str, float]:
    """Words that turn or bound a lesson, more of them on one side; and whether an odd number of them denies."""
    a, b = one.turning, other.turning
    found = {f"{name}_gap": float(abs(x - y)) for name, x, y in zip(_TURNING, a, b, strict=True)}
    return found | {"parity": float((a[0] + a[1] + b[0] + b[1]) % 2)}


def _count(said: Side, kind: frozenset[str]) -> int:
    return sum(word.text in kind or word.stem in kind for word in said.words)


def _of_wording(one: Side, other: Side) -> dict[str, float]:
    """Order, negations, numbers and names, and which of the word rules speak."""
    shared = set(one.content_stems) & set(other.content_stems)
    all_a, all_b = one.stems, other.stems
    next_a, next_b = one.neighbours, other.neighbours
    a, b = one.wording, other.wording
    denied_a, denied_b = a.denied_anywhere, b.denied_anywhere
    said = {
        f"rule_{rule.__name__}": float(reason is not None)
        for rule, reason in zip(RULES, spoken(a, b), strict=True)
    }
    return {
        "common": len(all_a & all_b) / max(1, len(all_a | all_b)),
        "shared": float(len(shared)),
        **_gaps(one, other),
        "neighbours": len(next_a & next_b) / max(1, min(len(next_a), len(next_b))),
        "denied_gap": float(bool(denied_a) != bool(denied_b)),
        "denied_other": float(bool(denied_a) and bool(denied_b) and not denied_a & denied_b),
        "numbers_gap": float(len(a.values ^ b.values)),
        "names_gap": float(len(a.names ^ b.names)),
        "names_common": float(len(a.names & b.names)),
        **said,
        "rules": float(any(said.values())),
    }
