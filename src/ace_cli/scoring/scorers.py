"""Which judge: the one named, the one that fits the truth, or the user's own."""

from __future__ import annotations

import difflib
import importlib
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import cast

from ace_cli.errors import UsageError
from ace_cli.scoring.choice import Choice, option
from ace_cli.scoring.numeric import Numeric, is_number
from ace_cli.scoring.textual import Contains, Exact, says
from ace_cli.scoring.verdict import Scorer, Verdict
from ace_cli.truth import gsm8k_truth

ENTRY_POINTS = "ace_cli.judges"


@dataclass(frozen=True, slots=True)
class Auto:
    """Judges by what the truth is, never by the answer.

    * A number, with or without currency, percent sign or unit ("1,080", "$5", "50%", "5 apples"): :class:`Numeric`.
    * A letter A to E, alone or as an option ("B", "(b)", "B) Paris"): :class:`Choice`.
    * Anything else: :class:`Exact` on the answer or its marked part; and a short truth is also found in a short
      sentence that says nothing against it, see :func:`ace_cli.scoring.textual.says`.
    """

    name: str = field(default="auto", init=False)

    def __call__(self, answer: str, truth: str) -> Verdict:
        judge = judge_for(truth)
        verdict = judge(answer, truth)
        if verdict.correct or not isinstance(judge, Exact):
            return verdict
        said = says(answer, gsm8k_truth(truth))
        return verdict if said is None else Verdict(True, verdict.expected, said, verdict.judge)


def judge_for(truth: str) -> Scorer:
    """The judge that :class:`Auto` takes for ``truth``."""
    if is_number(truth) or gsm8k_truth(truth).strip().lower() in ("nan", "inf", "-inf"):
        return Numeric()
    chosen = option(gsm8k_truth(truth))
    return Choice() if chosen and chosen[0] in "ABCDE" else Exact()


JUDGES: dict[str, Scorer] = {
    judge.name: judge for judge in (Auto(), Numeric(), Exact(), Choice(), Contains())
}


def get_scorer(spec: str) -> Scorer:
    """The judge called ``spec``: a built-in one, an entry point of the group ``ace_cli.judges``, or ``package.module:Attr``.

    What is loaded may be a judge or something that makes one when called without arguments (a class).

    Raises:
        UsageError: there is no such judge, or what was found is none.
    """
    if spec in JUDGES:
        return JUDGES[spec]
    installed = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
    if spec in installed:
        spec = installed[spec].value
    module, colon, attribute = spec.partition(":")
    if not colon:
        names = [*JUDGES, *sorted(installed)]
        near = difflib.get_close_matches(spec, names, n=1)
        guess = f"did you mean {near[0]!r}? " if near else ""
        raise UsageError(
            f"unknown scorer {spec!r}", f"{guess}Allowed: {', '.join(names)}, or package.module:Attribute."
        )
    try:
        found: object = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise UsageError(
            f"cannot load the scorer {spec!r}: {error}", "Is the package installed, and the name right?"
        ) from error
    return _as_judge(found, spec)


def _as_judge(found: object, spec: str) -> Scorer:
    if isinstance(found, type):
        try:
            found = found()
        except TypeError as error:
            raise UsageError(
                f"cannot make the scorer {spec!r}: {error}", "A judge's class takes no arguments."
            ) from error
    if not callable(found):
        raise UsageError(f"the scorer {spec!r} is no judge: it cannot be called with an answer and a truth")
    if not isinstance(getattr(found, "name", None), str):
        raise UsageError(
            f"the scorer {spec!r} has no name", "A judge has a `name` and is called with (answer, truth)."
        )
    return cast(Scorer, found)


def grade(answer: str, truth: str, scorer: str | Scorer = "auto") -> Verdict:
    """Does ``answer``, a model's text, match ``truth``? ``scorer`` is a judge, or what :func:`get_scorer` takes."""
    judge = get_scorer(scorer) if isinstance(scorer, str) else scorer
    return judge(answer, truth)
