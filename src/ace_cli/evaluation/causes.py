"""Rules that sort a wrong answer by its cause. They look at texts only, and each says in words why it applies.

A rule is a guess: format means that no lesson is needed to know the answer; knowledge that the answers are wrong in a way
that has a system, which a lesson could put right; slip that the model could have had it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from fractions import Fraction

from ace_cli.evaluation.records import Cause, Trial
from ace_cli.quantities.normalize import normalize
from ace_cli.quantities.quantity import read_number
from ace_cli.scoring import Scorer, Verdict
from ace_cli.scoring.choice import option
from ace_cli.scoring.difference import difference
from ace_cli.scoring.marked import marked_line
from ace_cli.scoring.numeric import answered
from ace_cli.scoring.textual import has_words, normalised
from ace_cli.scoring.truth import gsm8k_truth

_SAME_FACTOR = 3
"""Numbers that are off by the same factor before it counts as a system; of more than 30 wrong ones, a tenth."""
_NEAR = Fraction(1, 10)
_ALIKE = 0.85
_LONGEST = 2000
"""Characters of an answer that are compared letter by letter."""

Found = tuple[Cause, str]


@dataclass(frozen=True, slots=True)
class Data:
    """What all answers together tell.

    Attributes:
        labels: the answers that the data uses, where they are few and come again and again; else empty.
        confusions: in how many examples this label was given for that one.
        factors: for how many right numbers the given one is this many times as large; only those that are a system.
        repeats_vary: whether any example got two different answers; if not, answering again says nothing.
    """

    labels: frozenset[str]
    confusions: Counter[tuple[str, str]]
    factors: Counter[Fraction]
    repeats_vary: bool

    @classmethod
    def of(cls, examples: Sequence[Sequence[Trial]]) -> Data:
        truths = Counter(normalised(_truth(trials[0])) for trials in examples)
        closed = 3 <= len(truths) <= len(examples) / 2 and not any(
            read_number(truth) or option(truth) for truth in truths
        )
        labels = frozenset(truths) if closed else frozenset()
        confusions, off = Counter[tuple[str, str]](), set[tuple[Fraction, str]]()
        for trials in examples:
            wrong = [trial for trial in trials if trial.score < 1]
            confusions.update({(normalised(_truth(t)), said) for t in wrong for said in _labels(t, labels)})
            off.update((factor, _truth(t)) for t in wrong if (factor := _factor(t)) is not None)
        vary = any(len({normalised(trial.answer) for trial in trials}) > 1 for trials in examples)
        factors = Counter(factor for factor, _ in off)
        least = max(_SAME_FACTOR, len({truth for _, truth in off}) / 10)
        system = Counter({factor: times for factor, times in factors.items() if times >= least})
        return cls(labels, confusions, system, vary)


def cause_of(trials: Sequence[Trial], data: Data, scorer: Scorer | None) -> Found:
    """Why the wrong ones of an example's ``trials`` are wrong: the cause of most of them.

    Args:
        scorer: asked about parts of an answer; None for one that costs something.
    """
    found = [_cause(trial, trials, data, scorer) for trial in trials if trial.score < 1]
    causes = Counter(cause for cause, _ in found)
    most = max(Cause, key=lambda cause: causes[cause])  # the first one of equals
    return next(one for one in found if one[0] is most)


def _cause(trial: Trial, trials: Sequence[Trial], data: Data, scorer: Scorer | None) -> Found:
    if trial.failed:
        return Cause.FAILED, "the call failed"
    if _NO_ANSWER.match(normalised(trial.answer)):
        return Cause.KNOWLEDGE, "gives no answer"
    if form := _form(trial, data, scorer):
        return Cause.FORMAT, form
    right = sum(other.score == 1 for other in trials)
    if right:
        return Cause.SLIP, f"right in {right} of {len(trials)} answers"
    if trial.score:
        return Cause.SLIP, "partly right"
    if found := _system(trial, data):
        return found
    answers = {normalised(other.answer) for other in trials if not other.failed}
    if len(trials) > 1 and data.repeats_vary:
        if len(answers) == 1:
            return Cause.KNOWLEDGE, "the same wrong answer every time"
        if len(answers) == len(trials):
            return Cause.SLIP, "another wrong answer every time"
    return _alone(trial)


_NO_ANSWER = re.compile(
    r"$|(?:unknown|n/?a|none|null|no answer|unclear|undefined|unanswerable|insufficient)\b.{0,40}$"
    r"|(?:sorry|i(?: am|'m) (?:not able|unable|sorry)|i (?:do not|don't|cannot|can't)|(?:it )?(?:cannot|can't) be"
    r"|(?:there is )?not (?:enough|specified|given|provided|known|stated)|there is no (?:information|way))\b"
)


def _form(trial: Trial, data: Data, scorer: Scorer | None) -> str | None:
    """In what way the right answer stands in a form that was not counted."""
    truth, answer = _truth(trial), trial.answer
    wanted = read_number(truth)
    closed = (wanted is not None and wanted.value is not None) or option(truth)
    if (form := difference(answer, truth)) or closed:
        return form
    words, text = normalised(truth), normalised(answer)
    if has_words(text, words) and not _DENIED.search(text[: text.find(words)]):
        others = [label for label in _labels(trial, data.labels) if label not in words and words not in label]
        return None if others else "the right answer is in the text, with more around it"
    if scorer is not None and any(_is_right(scorer, part, truth) for part in _parts(answer)):
        return "a part of the answer is right on its own"
    return None


_DENIED = re.compile(r"\b(?:not|no|never|isn't|than|instead of|nor|or|either)(?: \w+){0,2} $")


def _is_right(scorer: Scorer, answer: str, truth: str) -> bool:
    verdict = scorer(answer, truth)
    return isinstance(verdict, Verdict) and verdict.correct


def _parts(answer: str) -> list[str]:
    """The first and the last line, and what stands in quotes or in bold, if that is one thing."""
    lines = [line for line in answer.splitlines() if line.strip()]
    quoted = {
        match[1] or match[2] for match in re.finditer(r"[\"“]([^\"”\n]+)[\"”]|\*\*([^*\n]+)\*\*", answer)
    }
    ends = [lines[0], lines[-1]] if len(lines) > 1 else []
    return ends + (list(quoted) if len(quoted) == 1 else [])


def _system(trial: Trial, data: Data) -> Found | None:
    """What has a system over examples."""
    if data.labels:
        said, truth = _labels(trial, data.labels), _truth(trial)
        if not said:
            return Cause.KNOWLEDGE, f"not one of the {len(data.labels)} answers that the data uses"
        if len(said) > 1:
            return Cause.KNOWLEDGE, "names several of the answers that the data uses"
        times = data.confusions[normalised(truth), said[0]]
        often = f", in {times} examples" if times > 1 else ""
        return Cause.KNOWLEDGE, f"takes another answer of the data for the right one{often}"
    factor = _factor(trial)
    if factor is not None and data.factors[factor]:
        return (
            Cause.KNOWLEDGE,
            f"{float(factor):g} times the right number, for {data.factors[factor]} numbers",
        )
    return None


def _alone(trial: Trial) -> Found:
    """What can be said of an answer on its own."""
    truth = _truth(trial)
    wanted, given = read_number(truth), answered(trial.answer)
    if wanted is not None and wanted.value is not None:
        if given is None:
            return Cause.KNOWLEDGE, "gives no number"
        if given.value is None:
            return Cause.SLIP, "does not settle on one number"
        near = abs(given.value - wanted.value) <= _NEAR * abs(wanted.value)
        return Cause.SLIP, "nearly the right number" if near else "a wrong number, without a system"
    if option(truth):
        return Cause.SLIP, "a wrong choice"
    alike = SequenceMatcher(
        None, normalised(truth)[:_LONGEST], _said(trial)[:_LONGEST], autojunk=False
    ).ratio()
    if alike >= _ALIKE:
        return Cause.SLIP, "nearly the right words"
    return Cause.KNOWLEDGE, "unlike the right answer"


def _truth(trial: Trial) -> str:
    return gsm8k_truth(trial.truth)


def _said(trial: Trial) -> str:
    return normalised(marked_line(normalize(trial.answer)) or trial.answer)


def _labels(trial: Trial, labels: frozenset[str]) -> list[str]:
    """The labels that the answer names; of one inside another, the longer one."""
    said = _said(trial)
    found = [label for label in sorted(labels) if has_words(said, label)]
    return [
        label for label in found if not any(label != other and has_words(other, label) for other in found)
    ]


def _factor(trial: Trial) -> Fraction | None:
    """How many times the right number the given one is."""
    wanted, given = read_number(_truth(trial)), answered(trial.answer)
    if wanted is None or given is None or not wanted.value or given.value is None:
        return None
    factor = given.value / wanted.value
    return None if factor in (0, 1) else factor
