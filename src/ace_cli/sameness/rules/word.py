"""A word of a lesson, and one stem for the common forms of an English word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from ace_cli.sameness.rules.vocabulary import FORMS, NO_ENDING, STOPWORDS

SENTENCE_ENDS = frozenset(".;!?:")
STOPS = SENTENCE_ENDS | frozenset(",()")


@dataclass(frozen=True, slots=True)
class Word:
    """A word, a unit's sign or a stop. ``denied``: it stands inside a negation."""

    text: str
    stem: str
    denied: bool = False

    @property
    def is_stop(self) -> bool:
        return self.text in STOPS

    @property
    def is_content(self) -> bool:
        return not self.is_stop and self.text not in STOPWORDS


def content(words: Iterable[Word]) -> frozenset[str]:
    """The stems of the words that carry content."""
    return frozenset(word.stem for word in words if word.is_content)


_IRREGULAR = {form: word for row in FORMS for word, *forms in [row.split()] for form in forms}


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A rough stem, equal for the common endings of a word; not a word itself."""
    word = _IRREGULAR.get(word, word)
    if word in NO_ENDING:
        return word
    for ending in ("ing", "ed", "es", "s", "ly"):
        base = word.removesuffix(ending)
        stays = len(base) < 3 or (ending == "s" and base[-1] in "su")  # bus, class
        if base != word and not stays and any(char in "aeiouy" for char in base):
            word = base
            break
    if word.endswith("i"):
        word = word[:-1] + "y"
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "sl":
        word = word[:-1]
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    return word


@lru_cache(maxsize=50_000)
def word_of(text: str) -> Word:
    """A word, not denied."""
    return Word(text, stem(text))
