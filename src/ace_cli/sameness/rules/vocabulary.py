"""Words that the same-or-new rules know, as data. Numbers and units are in :mod:`ace_cli.quantities`."""

from __future__ import annotations

import re
from importlib import resources


def rows_of(name: str) -> tuple[str, ...]:
    """The lines of a file of words beside this module, without the comments."""
    lines = resources.files(__package__).joinpath(name).read_text("utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))


OPPOSITES = rows_of("opposites.txt")
SYNONYMS = rows_of("synonyms.txt")
FORMS = rows_of("forms.txt")

_KINDS = (frozenset(row.split()) for row in rows_of("words.txt"))
NEGATORS, AUXILIARIES, FORGET, BAD, STOPWORDS, NO_ENDING = _KINDS

_IDIOMS = (row.partition(" =>") for row in rows_of("idioms.txt"))
IDIOMS = [(re.compile(pattern), f"{form} ") for pattern, _, form in _IDIOMS]
