"""The baseline without a playbook: what is wrong, why, and whether a playbook can be expected to help."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ace_cli.evaluation.causes import Data, cause_of
from ace_cli.evaluation.records import Cause, CauseShare, Estimate, Headroom, Trial, WrongAnswer
from ace_cli.evaluation.report import summarise
from ace_cli.evaluation.statistics import detectable, mean_score
from ace_cli.evaluation.verdict import interval, points
from ace_cli.scoring import Scorer

_WORTH_IT = 0.05
"""A gain under this is called little."""
_TEACHABLE = (Cause.KNOWLEDGE, Cause.FORMAT)


def headroom(trials: Sequence[Trial], *, scorer: Scorer | None = None) -> Headroom:
    """Sort the errors of trials without a playbook.

    Args:
        trials: of one arm.
        scorer: asked again about parts of an answer, if it is a built-in one (a plain function); no model is called.

    Raises:
        ValueError: there are no trials, or of both arms.
    """
    if len({trial.arm for trial in trials}) != 1:
        raise ValueError("head-room is of the trials of one arm")
    by_example = defaultdict[str, list[Trial]](list)
    for trial in sorted(trials, key=lambda trial: (trial.example_id, trial.repeat)):
        by_example[trial.example_id].append(trial)
    examples = list(by_example.values())
    repeats = max(map(len, examples))
    data = Data.of(examples)
    missing: dict[Cause, list[float]] = {cause: [0.0] * len(examples) for cause in Cause}
    wrong: dict[Cause, list[WrongAnswer]] = {cause: [] for cause in Cause}
    for at, own in enumerate(examples):
        if any(trial.score < 1 for trial in own):
            cause, why = cause_of(own, data, scorer)
            missing[cause][at] = sum(1 - trial.score for trial in own) / len(own)
            wrong[cause].append(_wrong(own, why))
    groups = [own[0].cluster for own in examples]
    causes = _shares(missing, wrong, groups if any(group is not None for group in groups) else None)
    base, smallest = summarise(trials), detectable(len(examples), repeats=repeats)
    teachable = [sum(missing[cause][at] for cause in _TEACHABLE) for at in range(len(examples))]
    return Headroom(
        examples=len(examples),
        repeats=repeats,
        base=base,
        causes=causes,
        detectable=smallest,
        words=tuple(_words(causes, _mean(teachable, groups), base.accuracy.value, smallest, len(examples))),
        notes=tuple(_notes(causes, repeats, data)),
    )


def _wrong(trials: Sequence[Trial], why: str) -> WrongAnswer:
    """The example with its first wrong answer, an answered one if there is one."""
    failed = [trial for trial in trials if trial.score < 1]
    first = next((trial for trial in failed if not trial.failed), failed[0])
    return WrongAnswer(
        example_id=first.example_id,
        domain=first.domain,
        truth=first.truth,
        answer=first.answer,
        why=why,
        share=len(failed) / len(trials),
    )


def _shares(
    missing: dict[Cause, list[float]], wrong: dict[Cause, list[WrongAnswer]], groups: list[str | None] | None
) -> tuple[CauseShare, ...]:
    total = sum(map(sum, missing.values()))
    shares = [
        CauseShare(
            cause=cause,
            examples=len(wrong[cause]),
            share=sum(missing[cause]) / total,
            points=_mean(missing[cause], groups),
            wrong=tuple(wrong[cause]),
        )
        for cause in Cause
        if wrong[cause]
    ]
    return tuple(sorted(shares, key=lambda share: -share.share))


def _mean(missing: Sequence[float], groups: Sequence[str | None] | None) -> Estimate:
    grouped = groups is not None and any(group is not None for group in groups)
    whole = not grouped and all(value in (0, 1) for value in missing)
    return mean_score(missing, groups if grouped else None, binomial=whole)


def _words(
    causes: Sequence[CauseShare], teachable: Estimate, accuracy: float, smallest: float, examples: int
) -> Iterator[str]:
    if not causes:
        yield "Everything is right without a playbook: there is nothing to gain on rows like these."
        return
    parts = ", ".join(f"{points(share.points.value)} {share.cause}" for share in causes)
    yield f"At most {points(1 - accuracy)} can be gained: {parts}."
    of_kind = f"{points(teachable.value)} (95 % interval {interval(teachable)})"
    if teachable.high < _WORTH_IT:
        yield f"A playbook can hardly help: only {of_kind} are errors of a kind that lessons mend."
    elif teachable.low >= _WORTH_IT:
        yield f"A playbook can be expected to help: {of_kind} are errors of a kind that lessons can mend, if they are found."
    else:
        yield f"It is open whether a playbook helps: {of_kind} are errors of a kind that lessons can mend."
    form = next((share.points for share in causes if share.cause is Cause.FORMAT), None)
    if form is not None:
        yield (
            f"Format alone is {points(form.value)} of that: a line in the prompt that says how to answer,"
            " or a more lenient --scorer, may bring it without a playbook."
        )
    if any(share.cause is Cause.SLIP and share.share >= 0.5 for share in causes):
        yield "Most errors look like slips or limits of the model: those, a playbook seldom mends."
    if smallest >= 1:
        yield f"An evaluation needs more than {examples:,} rows to show any gain."
    else:
        yield f"An evaluation on {examples:,} rows like these shows a gain of {points(smallest)} or more in 4 of 5 cases."


def _notes(causes: Sequence[CauseShare], repeats: int, data: Data) -> Iterator[str]:
    if not causes:
        return
    yield "sorted by rules that look at the texts, not by a model: read the examples before you rely on it"
    if repeats == 1:
        yield "with --repeats 3 or more, slips are told apart from what is always wrong"
    elif not data.repeats_vary:
        yield "every repeat gave the same answer (temperature 0?): repeats tell nothing here"
    failed = next((share for share in causes if share.cause is Cause.FAILED), None)
    if failed is not None:
        yield f"failed calls count as wrong ({points(failed.points.value)}): see to them first"
