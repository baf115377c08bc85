"""Which scorer: the one named, the one that fits the truth, or the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from ace_cli.plugins import load
from ace_cli.scoring.base import Scorer, Verdict
from ace_cli.scoring.choice import Choice, option
from ace_cli.scoring.numeric import Numeric, is_number
from ace_cli.scoring.textual import Contains, Exact, says
from ace_cli.scoring.truth import gsm8k_truth


class Auto:
    """Scores by what the truth is, never by the answer.

    * A number, with or without currency, percent sign or unit ("1,080", "$5", "50%", "5 apples"): :class:`Numeric`.
    * A letter A to E, alone or as an option ("B", "(b)", "B) Paris"): :class:`Choice`.
    * Anything else: :class:`Exact` on the answer or its marked part; and a short truth is also found in a short
      sentence that says nothing against it, see :func:`ace_cli.scoring.textual.says`.
    """

    name = "auto"

    def __call__(self, answer: str, truth: str) -> Verdict:
        scorer = scorer_for(truth)
        verdict = scorer(answer, truth)
        if verdict.correct or not isinstance(scorer, Exact):
            return verdict
        said = says(answer, gsm8k_truth(truth))
        return verdict if said is None else Verdict(True, verdict.expected, said, scorer.name)


def scorer_for(truth: str) -> Numeric | Choice | Exact:
    """The scorer that :class:`Auto` takes for ``truth``."""
    if is_number(truth) or gsm8k_truth(truth).strip().lower() in ("nan", "inf", "-inf"):
        return Numeric()
    chosen = option(gsm8k_truth(truth))
    return Choice() if chosen and chosen[0] in "ABCDE" else Exact()


SCORERS = {scorer.name: scorer for scorer in (Auto(), Numeric(), Exact(), Choice(), Contains())}
"""The built-in ones. They are plain functions of two texts and give no partial credit."""


def get_scorer(spec: str, arguments: Mapping[str, Any] = MappingProxyType({})) -> Scorer:
    """The scorer called ``spec``: a built-in one, an entry point of the group ``ace_cli.scorers``, or ``package.module:Attr``.

    What is found may be a scorer, or a class that makes one from ``arguments``.

    Raises:
        UsageError: there is no such scorer, or what was found is none.
    """
    return cast(Scorer, load("scorer", spec, {name: type(it) for name, it in SCORERS.items()}, arguments))
