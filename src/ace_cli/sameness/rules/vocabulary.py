"""Words that the same-or-new rules know, as data. Numbers and units are in :mod:`ace_cli.quantities`."""

from __future__ import annotations

from importlib import resources


def _rows(name: str) -> tuple[str, ...]:
    lines = resources.files(__package__).joinpath(name).read_text("utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))


OPPOSITES = _rows("opposites.txt")
SYNONYMS = _rows("synonyms.txt")
FORMS = _rows("forms.txt")

NEGATORS = frozenset({"not", "never", "no", "without", "avoid", "neither", "nor", "refrain"})
_AUXILIARIES = """
do does did is are was were be been must should shall may might can could will would need has have had
"""
AUXILIARIES = frozenset(_AUXILIARIES.split())
FORGET = frozenset({"forget", "omit", "neglect", "skip", "ignore", "overlook", "hesitate", "exclude"})
"""Verbs that negate what follows them, and with a negator demand it."""
BAD = frozenset(
    {"mistake", "error", "wrong", "incorrect", "pitfall", "misleading", "unacceptable", "forbidden"}
)

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

_STOPWORDS = """
a an the of to in on at by for with and or is are was were be been being it its this that these those as from
into then so such you your if which what who whom whose how there their they them he she his her we our i do
does did done has have had having can could should would will may might shall must also only very just both
up down out about per any some each every all always one when where while than but because since not never
no without avoid ensure please order before after until unless insteadof over under again need needs
first last more less most least too own other another them itself way whenever
"""
STOPWORDS = frozenset(_STOPWORDS.split())
"""Words that carry no content of their own for comparing scopes and sides."""
