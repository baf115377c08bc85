"""Words that the same-or-new rules know, as data. Numbers and units are in :mod:`ace_cli.quantities`."""

from __future__ import annotations

from importlib import resources


def _rows(name: str) -> tuple[str, ...]:
    lines = resources.files(__package__).joinpath(name).read_text("utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))


OPPOSITES = _rows("opposites.txt")
SYNONYMS = _rows("synonyms.txt")
FORMS = _rows("forms.txt")

NEGATORS, AUXILIARIES, FORGET, BAD, STOPWORDS = (frozenset(row.split()) for row in _rows("words.txt"))

IDIOMS = (
    (r"\bprefer(?:red)?\b((?: [\w-]+){1,5}?)(?<!ing) over\b", r" prefer\1 insteadof "),
    (r"\b(?:keep|leave|leaving|keeping)((?: \w+){1,4}?) (?:out|away) (?:of|from)\b", r" avoid\1 in "),
    (r"\bfail(?:s|ed|ing|ure)? to\b", " forget "),
    (r"\b(?:leave|leaving) out\b", " exclude "),
    (r"\bprefer ([\w-]+) to\b", r" prefer \1 insteadof "),
    (r"\bhalf an hour\b|\bhalf hour\b", " 30 minutes "),
    (r"\bround(?:ed|ing|s)?\b((?: \w+){0,4}?) (up|down)\b", r" round\2 \1 "),
    (r"\bno (?:more|greater|larger|higher|longer) than\b|\bat (?:the )?most\b|\bup to\b", " atmost "),
    (r"\bnot (?:more|greater|larger|higher|longer) than\b|\ba maximum of\b", " atmost "),
    (
        r"\bno (?:less|fewer) than\b|\bat (?:the )?least\b|\bnot (?:less|fewer) than\b|\ba minimum of\b",
        " atleast ",
    ),
    (r"\bno later than\b|\bnot later than\b", " "),
    (r"\bnot only\b|\bno matter\b|\bno longer\b|\bwhether or not\b|\bif not\b", " "),
    (r"\b(?:instead of|rather than|as opposed to|in place of)\b", " insteadof "),
    (r"\b(?:prior to|ahead of|in advance of)\b", " before "),
    (r"\b(?:following|subsequent to) (?=\w+ing\b)", " after "),
    (r"\bonly (?:after|once)\b|^once\b|\bas soon as\b", " after "),
    (r"\bmake sure (?:that |to )?|\bbe sure to\b|\bbe careful to\b|\bremember to\b", " "),
    (r"\btake (?=[\w ']+? (?:away )?from\b)|\bdeduct\b|\btake away\b", " subtract "),
    (r"\baway from\b", " from "),
    (r"\bbasis points?\b", " basispoint "),
    (r"\bcan't\b|\bcannot\b|\bwon't\b", " can not "),
    (r"(?<=\w)n't\b", " not "),
    (r"\bdo nt\b|\bdont\b", " do not "),
)
