"""Same or new? What keeps two lessons apart although their vectors are close.

Embeddings put "round up" beside "round down". So nearness alone never merges: :func:`contradiction`
looks for what a lesson may not change and stay the same lesson - its numbers, units, names, directions,
order, and whether it says do or don't. The rules only speak when *both* texts say something about a
point and differ in it; a lesson that merely says less contradicts nothing. They are plain word rules
for English: for other languages numbers, names and signs still work.

Measured on ``tests/fixtures/sameness_pairs.jsonl`` (``python benchmarks/bench_merge.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import SequenceMatcher
from functools import cache

from ace_cli.sameness.rules import vocabulary as v
from ace_cli.sameness.rules.wording import Word, Wording, stem, take_apart


def contradiction(a: str, b: str) -> str | None:
    """Why ``a`` and ``b`` cannot be the same lesson, in a few words, or None.

    Symmetric up to the order in which the reason names things. Of several reasons the first rule's is given.
    """
    if bare_text(a) == bare_text(b):
        return None
    left, right = take_apart(a), take_apart(b)
    for rule in _RULES:
        reason = rule(left, right)
        if reason:
            return reason
    return None


def bare_text(text: str) -> str:
    """Without letter case, extra white space and final stops: texts that are equal so are the same."""
    return " ".join(text.lower().split()).rstrip(" .!")


# One rule a function ----------------------------------------------------------------------------


def _other_number(a: Wording, b: Wording) -> str | None:
    only_a = [n for n in a.numbers if n.value not in {m.value for m in b.numbers}]
    only_b = [n for n in b.numbers if n.value not in {m.value for m in a.numbers}]
    for n in only_a:
        for m in only_b:
            if (n.weak or m.weak) and n.noun != m.noun:
                continue  # "one at a time", "each one": a word, no count
            return f"other number: {n.text} vs {m.text}"
    return None


def _other_unit(a: Wording, b: Wording) -> str | None:
    for dimension, unit in sorted(a.units - b.units):
        for other, mine in sorted(b.units - a.units):
            if dimension == other:
                return f"other unit: {_unit_name(dimension, unit)} vs {_unit_name(other, mine)}"
    return None


def _other_name(a: Wording, b: Wording) -> str | None:
    only_a = sorted(n for n in a.names if not _mentioned(n, b))
    only_b = sorted(n for n in b.names if not _mentioned(n, a))
    if only_a and only_b:
        return f"other name: {only_a[0]} vs {only_b[0]}"
    return None


def _mentioned(name: str, other: Wording) -> bool:
    """``name`` stands in the other text in any spelling, or as the initials of its words."""
    if name in other.text.lower() or stem(name) in other.content():
        return True
    initials = "".join(w.text[0] for w in other.words if w.text[0].isalpha())
    short = "".join(w.text[0] for w in other.words if w.is_content)
    return 2 <= len(name) <= 5 and name.isalpha() and (name in initials or name in short)


def _opposite(a: Wording, b: Wording) -> str | None:
    stems_a, stems_b = {word.stem for word in a.words}, {word.stem for word in b.words}
    for index, (weak, group) in enumerate(_groups()):
        if stems_a.isdisjoint(group) or stems_b.isdisjoint(group):  # most groups have no word in a text
            continue
        in_a, in_b = _alternatives(a, index), _alternatives(b, index)
        if not in_a or not in_b or set(in_a) & set(in_b):
            continue
        if weak and _overlap(a, b, but=frozenset(group)) < 0.6:
            continue
        one, other = next(iter(in_a.values())), next(iter(in_b.values()))
        return f"opposite: {one} vs {other}" if stem(one) != stem(other) else "negation"
    return None


def _alternatives(text: Wording, index: int) -> dict[int, str]:
    """Which alternatives of a group the text speaks for, with the word. A denied one of two speaks for the other."""
    weak, group = _groups()[index]
    found: dict[int, str] = {}
    for position, word in enumerate(text.words):
        side = group.get(word.stem)
        if side is None:
            continue
        if position in text.denied and not weak:
            if max(group.values()) > 1:
                continue
            side = 1 - side
        found.setdefault(side, word.text)
    return found


def _prefixed(a: Wording, b: Wording) -> str | None:
    """safe and unsafe, mutable and immutable, direct and indirect."""
    words_a = {word.stem: word.text for word in a.words if word.is_content}
    words_b = {word.stem: word.text for word in b.words if word.is_content}
    for one, other in ((words_a, words_b), (words_b, words_a)):
        for word in sorted(one.keys() - other.keys() - _NO_PREFIX):
            for prefix in _PREFIXES:
                base = word.removeprefix(prefix)
                if base != word and len(base) >= 3 and base in other and base not in one:
                    return f"negation: {one[word]} vs {other[base]}"
    return None


_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non", "de")
_NO_PREFIX = frozenset(
    {"discount", "indat", "invest", "intak", "input", "import", "impos", "detail", "defin"}
)


def _other_order(a: Wording, b: Wording) -> str | None:
    """Sides changed over; in formulas, also a numerator or a divisor that has nothing in common."""
    for kind, first_a, second_a in _relations(a):
        for other, first_b, second_b in _relations(b):
            if kind != other:
                continue
            swapped = len(first_a & second_b) + len(second_a & first_b)
            agreeing = len(first_a & first_b) + len(second_a & second_b)
            if swapped > agreeing:
                return f"other {kind}"
            if kind in ("operands", "difference") and (
                _apart(first_a, first_b) or _apart(second_a, second_b)
            ):
                return f"other {kind}"
    return None


def _apart(one: frozenset[str], other: frozenset[str]) -> bool:
    """Nothing in common, and no single word that may be a synonym or stand for something named before."""
    return min(len(one), len(other)) >= 2 and not one & other


def _negation(a: Wording, b: Wording) -> str | None:
    """What one text denies, the other states; where both deny something in common, they agree."""
    if a.content(denied=True) & b.content(denied=True):
        return None
    for one, other in ((a, b), (b, a)):
        mine, theirs = one.content(denied=False), other.content(denied=False)
        for scope in _scopes(one):
            about = scope - mine  # "the amount left rather than the amount used": amount is not denied
            if about and len(about & theirs) >= 0.6 * len(about):
                return "negation"
    return None


def _scopes(text: Wording) -> list[frozenset[str]]:
    """Content stems of each unbroken denied stretch."""
    scopes: list[set[str]] = []
    previous = -2
    for position in sorted(text.denied):
        if position != previous + 1:
            scopes.append(set())
        previous = position
        word = text.words[position]
        if word.is_content:
            scopes[-1].add(word.stem)
    return [frozenset(scope) for scope in scopes if scope]


def _swapped(a: Wording, b: Wording) -> str | None:
    """The same sentence with two words changed over: X over Y, Y over X."""
    left = [word.stem for word in a.words if not word.is_stop]
    right = [word.stem for word in b.words if not word.is_stop]
    if len(left) != len(right):
        return None
    differ = [i for i, (x, y) in enumerate(zip(left, right, strict=True)) if x != y]
    if len(differ) != 2 or [left[i] for i in differ] != [right[i] for i in reversed(differ)]:
        return None
    if differ[1] - differ[0] == 1 or not all(a.content() >= {left[i]} for i in differ):
        return None  # neighbours ("cold clear water") and words without content say the same
    return f"other order: {left[differ[0]]} and {left[differ[1]]}"


def _other_term(a: Wording, b: Wording) -> str | None:
    """The same sentence but for one place, where no synonym stands: diluted and basic shares."""
    left = [word for word in a.words if word.is_content]
    right = [word for word in b.words if word.is_content]
    matcher = SequenceMatcher(None, [w.stem for w in left], [w.stem for w in right], autojunk=False)
    changed = [op for op in matcher.get_opcodes() if op[0] != "equal"]
    if len(changed) != 1 or changed[0][0] != "replace":
        return None
    _, i, j, k, m = changed[0]
    one, other = left[i:j], right[k:m]
    kept = len(left) - len(one)
    if max(len(one), len(other)) > 2 or kept < max(2, len(one), len(other)):
        return None
    if len(one) == len(other) == 2 and i == 0:
        return None  # "return on assets is", "ROA: divide": a sentence built otherwise
    if any(_synonyms(x.stem, y.stem) for x in one for y in other):
        return None
    return f"other term: {' '.join(w.text for w in one)} vs {' '.join(w.text for w in other)}"


_RULES: tuple[Callable[[Wording, Wording], str | None], ...] = (
    _other_number,
    _other_unit,
    _other_name,
    _opposite,
    _prefixed,
    _other_order,
    _negation,
    _swapped,
    _other_term,
)


# Who comes first --------------------------------------------------------------------------------

Relation = tuple[str, frozenset[str], frozenset[str]]
"""Kind, stems of the first side, stems of the second. Swapped sides are another lesson."""


def _relations(text: Wording) -> list[Relation]:
    """ "X before Y", "divide X by Y", "subtract X from Y", "from X to Y", "more than"."""
    found: list[Relation] = []
    for sentence in sorted({word.sentence for word in text.words}):
        words = [word for word in text.words if word.sentence == sentence]
        found += _order(words, flipped=sentence in text.flipped)
        found += _operands(words)
    sides = ((kind, first - second, second - first) for kind, first, second in found)
    return [side for side in sides if side[1] and side[2]]


def _order(words: list[Word], *, flipped: bool) -> Iterable[Relation]:
    at = next((i for i, w in enumerate(words) if w.text in ("before", "after", "until", "then")), None)
    if at is None:
        return
    comma = next((i for i, w in enumerate(words) if i > at and w.text == ","), len(words))
    if not _stems(words[:at]) and words[at].text != "then":
        if comma == len(words):  # "before dividing convert units": the next word is all we are sure of
            comma = min(at + 2, len(words))
        there, here = _stems(words[at + 1 : comma]), _stems(words[comma:])
    else:
        here, there = _stems(words[:at]), _stems(words[at + 1 : comma])
    if (words[at].text == "after") is not flipped:
        here, there = there, here
    yield "order", here, there


def _operands(words: list[Word]) -> Iterable[Relation]:
    for i, word in enumerate(words):
        end = _clause_end(words, i)
        before, after = _stems(words[_clause_start(words, i) : i]), _stems(_upto(words[i + 1 : end]))
        if word.stem == stem("divide") and (by := _find(words, ("by",), i, end)):
            yield "operands", _stems(words[i + 1 : by]) or before, _stems(_upto(words[by + 1 : end]))
        elif word.stem == stem("subtract") and (source := _find(words, ("from",), i, end)):
            yield (
                "difference",
                _stems(_upto(words[source + 1 : end])),
                _stems(words[i + 1 : source]) or before,
            )
        elif word.text == "minus" or (word.text == "less" and not _than(words, i)):
            yield "difference", before, after
        elif word.stem in _MOVES and (goal := _find(words, ("to", "into", "onto"), i, end)):
            yield "direction", _stems(words[i + 1 : goal]), _stems(_upto(words[goal + 1 : end]))
        elif word.text == "than":
            yield "comparison", before, after


_MOVING = "from convert turn merge add move attach assign copy pour transfer change"
_MOVES = frozenset(stem(word) for word in _MOVING.split())


def _than(words: list[Word], at: int) -> bool:
    return at + 1 < len(words) and words[at + 1].text == "than"


def _find(words: list[Word], texts: tuple[str, ...], start: int, end: int) -> int | None:
    return next((i for i in range(start + 1, end) if words[i].text in texts), None)


def _clause_end(words: list[Word], at: int) -> int:
    return next((i for i in range(at + 1, len(words)) if words[i].is_stop), len(words))


def _clause_start(words: list[Word], at: int) -> int:
    return next((i + 1 for i in range(at - 1, -1, -1) if words[i].is_stop), 0)


def _upto(words: list[Word]) -> list[Word]:
    """Cut where the object ends: "... to get", "... for", "... when"."""
    end = next(
        (i for i, w in enumerate(words) if w.text in ("to", "for", "when", "if", "in", "and", "insteadof")),
        len(words),
    )
    return words[:end]


def _stems(words: list[Word]) -> frozenset[str]:
    return frozenset(word.stem for word in words if word.is_content)


# Tables -----------------------------------------------------------------------------------------


@cache
def _groups() -> tuple[tuple[bool, dict[str, int]], ...]:
    """For each group: is it weak, and stem -> number of the alternative."""
    groups = []
    for row in v.OPPOSITES.splitlines():
        weak = row.startswith("~")
        sides = row.removeprefix("~").split("|")
        groups.append(
            (weak, {stem(word): side for side, names in enumerate(sides) for word in names.split()})
        )
    return tuple(groups)


@cache
def _synonym_rows() -> dict[str, frozenset[int]]:
    rows: dict[str, set[int]] = {}
    for number, row in enumerate(v.SYNONYMS.splitlines()):
        for word in row.split():
            rows.setdefault(stem(word), set()).add(number)
    return {word: frozenset(numbers) for word, numbers in rows.items()}


def _synonyms(a: str, b: str) -> bool:
    rows = _synonym_rows()
    return bool(rows.get(a, frozenset()) & rows.get(b, frozenset()))


def _unit_name(dimension: int, unit: int) -> str:
    return v.UNITS.splitlines()[dimension].split("|")[unit].split()[0]


def _overlap(a: Wording, b: Wording, *, but: frozenset[str]) -> float:
    """Shared content stems as a share of the shorter text's, leaving out ``but``."""
    left, right = a.content() - but, b.content() - but
    return len(left & right) / max(1, min(len(left), len(right)))
