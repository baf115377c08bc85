"""Words that the same-or-new rules know, as data. Numbers and units are in :mod:`ace_cli.quantities`."""

from __future__ import annotations

import re
from importlib import resources


def _rows(name: str) -> tuple[str, ...]:
    lines = resources.files(__package__).joinpath(name).read_text("utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))


OPPOSITES = _rows("opposites.txt")
SYNONYMS = _rows("synonyms.txt")
FORMS = _rows("forms.txt")

_KINDS = (frozenset(row.split()) for row in _rows("words.txt"))
NEGATORS, AUXILIARIES, FORGET, BAD, STOPWORDS, NO_ENDING = _KINDS

_IDIOMS = (row.partition(" =>") for row in _rows("idioms.txt"))
IDIOMS = [(re.compile(pattern), f"{form} ") for pattern, _, form in _IDIOMS]
