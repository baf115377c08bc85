"""Lessons that say nothing: "read carefully", "double-check your work". True of every task, so of no use in any.

A lesson is vacuous if each word of it is one that any task has (question, answer, step, use) or one that preaches
(carefully, correct, mistake), and it does preach. A single word about the world - a unit, a name, a number, "last",
"negative" - makes it concrete: a good lesson that is refused is lost, an empty one that is kept costs a few tokens.
The words are English; of other languages nothing is found.

Measured on ``benchmarks/data/vacuous.jsonl`` (``python -m benchmarks.bench_vacuous``); the words were chosen with its
tune half in view.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from ace_cli.sameness.rules.vocabulary import rows_of
from ace_cli.sameness.rules.word import stem
from ace_cli.text import single_spaced

_MOST_CHARS = 600
"""A longer text has said something by then."""


@lru_cache(maxsize=20_000)
def is_vacuous(text: str) -> str | None:
    """Why ``text`` is no lesson, in a few words that a user reads; None for one that may be of use."""
    if len(text) > _MOST_CHARS:
        return None
    bare = single_spaced(text.lower().replace("’", "'"))
    for pattern, form in _phrases():
        bare = pattern.sub(form, bare)
    any_task, preaching = _words()
    words = re.findall(r"[^\W_](?:[\w'*/=<>%$+]|-(?=\w))*|[^\w\s.,;:!?'\"()-]", bare)
    stems = [stem(word) for word in words]
    if not all(base in any_task or base in preaching for base in stems):
        return None
    preached = [word for word, base in zip(words, stems, strict=True) if base in preaching]
    return f"it would be true of any task ({preached[0]})" if preached else None


@cache
def _words() -> tuple[frozenset[str], frozenset[str]]:
    """The stems of the words that any task has, and of those that preach."""
    any_task, preaching = "\n".join(rows_of("vacuous.txt")).split("@preaching")
    return frozenset(map(stem, any_task.split())), frozenset(map(stem, preaching.split()))


def common_words() -> frozenset[str]:
    """The stems of words that say nothing of what a lesson is about: those that any task has, and those that preach."""
    return _words()[0] | _words()[1]


def preaching() -> frozenset[str]:
    """The stems of words that preach ("carefully", "ensure"): they add nothing to a lesson."""
    return _words()[1]


@cache
def _phrases() -> list[tuple[re.Pattern[str], str]]:
    rows = (row.partition(" =>") for row in rows_of("vacuous_phrases.txt"))
    return [(re.compile(pattern), f"{form} ") for pattern, _, form in rows]
