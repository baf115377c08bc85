"""Same or new? What keeps two lessons apart although their vectors are close.

Embeddings put "round up" beside "round down". So nearness alone never merges: :func:`contradiction`
looks for what a lesson may not change and stay the same lesson - its numbers, units, names, directions,
order, and whether it says do or don't. The rules only speak when *both* texts say something about a
point and differ in it; a lesson that merely says less contradicts nothing. They are plain word rules
for English: for other languages numbers, names and signs still work.

Measured on ``tests/fixtures/sameness_pairs.jsonl`` (``python benchmarks/bench_merge.py``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence, Set
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import product

from ace_cli.sameness.rules.opposites import opposite, prefixed
from ace_cli.sameness.rules.relations import relations
from ace_cli.sameness.rules.vocabulary import SYNONYMS
from ace_cli.sameness.rules.word import stem
from ace_cli.sameness.rules.wording import Wording, take_apart
from ace_cli.text import single_spaced


def contradiction(a: str, b: str) -> str | None:
    """Why ``a`` and ``b`` cannot be the same lesson, in a few words, or None.

    Symmetric up to the order in which the reason names things. Of several reasons the first rule's is given.
    """
    if bare_text(a) == bare_text(b):
        return None
    return next(filter(None, spoken(take_apart(a), take_apart(b))), None)


@lru_cache(maxsize=256)
def spoken(a: Wording, b: Wording) -> tuple[str | None, ...]:
    """What each of :data:`RULES` says."""
    return tuple(rule(a, b) for rule in RULES)


@lru_cache(maxsize=20_000)
def bare_text(text: str) -> str:
    """Without letter case, extra white space and final stops: texts that are equal so are the same."""
    return single_spaced(text.lower()).rstrip(" .!")


def other_number(a: Wording, b: Wording) -> str | None:
    """Retry 5 times, retry seven times."""
    values_a, values_b = a.values, b.values
    for n, m in product(a.numbers, b.numbers):
        counts = n.noun == m.noun or not (n.weak or m.weak)  # "one at a time", "each one": a word, no count
        if counts and n.value not in values_b and m.value not in values_a:
            return f"other number: {n.text} vs {m.text}"
    return None


def other_unit(a: Wording, b: Wording) -> str | None:
    """Give 5 mg, give 5 g."""
    for one, other in product(sorted(a.units - b.units), sorted(b.units - a.units)):
        if one.dimension == other.dimension:
            return f"other unit: {one.name} vs {other.name}"
    return None


def other_name(a: Wording, b: Wording) -> str | None:
    """Send it to Oslo, send it to Bergen."""
    only_a = min((name for name in a.names if not _mentions(b, name)), default=None)
    only_b = min((name for name in b.names if not _mentions(a, name)), default=None)
    return f"other name: {only_a} vs {only_b}" if only_a and only_b else None


def _mentions(text: Wording, name: str) -> bool:
    """``name`` stands in the text in any spelling, or as the initials of its words."""
    if name in text.text or stem(name) in text.content:
        return True
    return 2 <= len(name) <= 5 and name.isalpha() and any(name in initials for initials in text.initials)


def other_relation(a: Wording, b: Wording) -> str | None:
    """Divide debt by equity, divide equity by debt: sides changed over. In formulas also a side that has nothing in common."""
    for (kind, first_a, second_a), (other, first_b, second_b) in product(relations(a), relations(b)):
        swapped = len(first_a & second_b) + len(second_a & first_b)
        agreeing = len(first_a & first_b) + len(second_a & second_b)
        formula = kind in ("operands", "difference")
        apart = formula and (_apart(first_a, first_b) or _apart(second_a, second_b))
        if kind == other and (swapped > agreeing or apart):
            return f"other {kind}"
    return None


def _apart(one: frozenset[str], other: frozenset[str]) -> bool:
    """Nothing in common, and no single word that may be a synonym or stand for something named before."""
    return min(len(one), len(other)) >= 2 and not one & other


def negation(a: Wording, b: Wording) -> str | None:
    """Show the working, never show it. Where both deny something in common, they agree."""
    if a.denied_anywhere & b.denied_anywhere:
        return None
    for one, other in ((a, b), (b, a)):
        for scope in one.denied:
            about = scope - one.stated  # "the amount left rather than the amount used": amount is not denied
            if about and len(about & other.stated) >= 0.6 * len(about):
                return "negation"
    return None


def swapped_words(a: Wording, b: Wording) -> str | None:
    """X over Y, Y over X: the same sentence with two words changed over."""
    left, right = a.stems_in_order, b.stems_in_order
    if len(left) != len(right):
        return None
    differ = [at for at, (one, other) in enumerate(zip(left, right, strict=False)) if one != other]
    if len(differ) != 2:
        return None
    i, k = differ
    swapped = (left[i], left[k]) == (right[k], right[i])
    if not swapped or k - i == 1 or not a.content >= {left[i], left[k]}:
        return None  # neighbours ("cold clear water") and words without content say the same
    return f"other order: {left[i]} and {left[k]}"


def other_term(a: Wording, b: Wording) -> str | None:
    """Use diluted shares, use common shares: the same sentence but for one place, where no synonym stands."""
    left, right = a.content_words, b.content_words
    if not _may_differ_in_one_place(a.content_stems, b.content_stems):
        return None
    matcher = SequenceMatcher(None, a.content_stems, b.content_stems, autojunk=False)
    changed = [op for op in matcher.get_opcodes() if op[0] != "equal"]
    if len(changed) != 1 or changed[0][0] != "replace":
        return None
    _, i, j, k, m = changed[0]
    one, other = left[i:j], right[k:m]
    kept = len(left) - len(one)
    if max(len(one), len(other)) > _PLACE or kept < max(2, len(one), len(other)):
        return None
    if len(one) == len(other) == 2 and i == 0:
        return None  # "return on assets is", "ROA: divide": a sentence built otherwise
    if any(are_synonyms(x.stem, y.stem) for x in one for y in other):
        return None
    return f"other term: {' '.join(w.text for w in one)} vs {' '.join(w.text for w in other)}"


_PLACE = 2
"""Words of the one place in which two sentences differ, at most."""


def _may_differ_in_one_place(left: Sequence[str], right: Sequence[str]) -> bool:
    """Whether all but a word or two begins or ends both: most do not, and are found so sooner than by a matcher."""
    shorter, longer = sorted((len(left), len(right)))
    if longer - shorter >= _PLACE:
        return False
    begins = ends = 0
    while begins < shorter and left[begins] == right[begins]:
        begins += 1
    while begins + ends < shorter and left[-1 - ends] == right[-1 - ends]:
        ends += 1
    return begins + ends < shorter and longer - begins - ends <= _PLACE


def are_synonyms(stem_a: str, stem_b: str) -> bool:
    """Whether two stems may stand for one another."""
    return not synonym_rows(stem_a).isdisjoint(synonym_rows(stem_b))


def synonym_rows(stem_: str) -> Set[int]:
    """The rows of synonyms that a stem stands in."""
    return _SYNONYM_ROWS.get(stem_, _NO_ROWS)


_NO_ROWS: frozenset[int] = frozenset()
_SYNONYM_ROWS: defaultdict[str, set[int]] = defaultdict(set)
for _number, _row in enumerate(SYNONYMS):
    for _word in _row.split():
        _SYNONYM_ROWS[stem(_word)].add(_number)

RULES: tuple[Callable[[Wording, Wording], str | None], ...] = (
    other_number,
    other_unit,
    other_name,
    opposite,
    prefixed,
    other_relation,
    negation,
    swapped_words,
    other_term,
)
"""The surest first: its reason is the one that is given."""
