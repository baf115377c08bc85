"""What a run says of its playbook at the end: which version is kept and why, and whether it was seen to help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ace_cli.engine.heldout import FEW
from ace_cli.evaluation.records import Arm, Cause, Trial
from ace_cli.evaluation.verdict import conclude
from ace_cli.runs.lengths import broken_off_words
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import Episode, PhaseKind, State
from ace_cli.runs.validated import Validated, Validation, validation
from ace_cli.training.check import Check, running_check
from ace_cli.training.leaks import HOLDS_ANSWER

_MOST = 200
"""Answers that are looked at for the reason: as many as say something."""
_MANY, _MUCH = 3, 0.2
"""Insights that were left out, and their share of all, from which it is said."""
_REASONS = {
    Cause.FORMAT: "what is still wrong is mostly form (the right answer, written so that it is not counted): a line in the"
    " prompt that says how to answer, or another --scorer, mends that",
    Cause.KNOWLEDGE: "what is still wrong is mostly knowledge or a convention: lessons could mend that, but these did not;"
    " more examples or a stronger reflector model may find them (a small one with models.reflector.prompt_style = guided)",
    Cause.SLIP: "what is still wrong looks mostly like slips or limits of the model: those, a playbook seldom mends",
    Cause.FAILED: "what is still wrong are mostly failed calls: see to them first",
}


@dataclass(frozen=True, slots=True)
class Findings:
    """``validation`` with validation examples, ``check`` without; ``words`` are sentences for people."""

    validation: Validation | None = None
    check: Check | None = None
    words: tuple[str, ...] = ()


def findings(run: RunReader) -> Findings:
    """Read them from the records; nothing for an evaluation."""
    if run.evaluation() is not None:
        return Findings()
    found = validation(run)
    if found is not None:
        return Findings(found, None, (*_of_validation(run, found), *_left_out(run), *broken_off_words(run)))
    check = running_check(run)
    if check is None:
        return Findings(words=tuple(broken_off_words(run)))
    reason = () if check.is_better else _reason(run, run.newest(min(check.end.rows, _MOST), epoch=0))
    return Findings(None, check, (check.words, *reason, *_left_out(run), *broken_off_words(run)))


def final_words(run: RunReader) -> tuple[str, ...]:
    """The sentences of a run that is finished; nothing before."""
    return findings(run).words if run.state().state is State.FINISHED else ()


def _left_out(run: RunReader) -> Iterator[str]:
    """Where much of what was learned are the answers of the examples: whoever wants these must say so."""
    points = list(run.curve())
    leaks, insights = (
        sum(point.refused.get(HOLDS_ANSWER, 0) for point in points),
        sum(sum(point.insights.values()) for point in points),
    )
    if leaks >= _MANY and leaks >= insights * _MUCH:
        yield (
            f"{leaks} of {insights} insights held the answer of their example and were left out: where these facts themselves are to be"
            " learned, --allow-leaks takes them"
        )


def _of_validation(run: RunReader, found: Validation) -> Iterator[str]:
    if (best := found.best) is None:
        return
    start, last = found.versions[0], found.versions[-1]
    if found.keep == "last":
        yield (
            f"the last version is written, as --keep last says: {_said(last)} of {found.rows} validation examples right;"
            f" the best is {_name(best)} with {_said(best)}"
        )
    elif best.version == 0:
        others = [one for one in found.versions if one.version]
        second = max(others, key=lambda one: one.correct, default=None)
        compared = f", at best {_said(second)} with a trained one" if second is not None else ""
        yield (
            f"no version was better than the starting playbook, so that is written: {_said(start)} of {found.rows}"
            f" validation examples right with it{compared}"
        )
    else:
        also = f", {_said(last)} with the last one" if last.version != best.version else ""
        yield (
            f"{_name(best)} of {found.newest} is the best and is written: {_said(best)} of {found.rows} validation"
            f" examples right, {_said(start)} with the starting playbook{also}"
        )
    if found.is_spent and found.patience is not None:
        yield f"ended early, after batch {found.newest}: --patience {found.patience} saw no better version for so long"
    yield from _judged(run, found)
    if best.version == 0:
        yield from _reason(run, run.newest(_MOST, phase=_answers_of(last)))


def _judged(run: RunReader, found: Validation) -> Iterator[str]:
    if found.judged:
        from ace_cli.evaluation.statistics import mean

        start, kept = (
            [episode.correct for episode in run.episodes(phase=PhaseKind.JUDGEMENT.number(one.version))]
            for one in found.judged
        )
        gain = mean([after - before for before, after in zip(start, kept, strict=True)])
        verdict = conclude(gain.estimate(), examples=found.judging, detectable=gain.detectable)
        yield f"judged on {found.judging} examples that had no part in the choice, against the start: {verdict.words}"
    elif found.judging:
        yield "there is nothing to judge: what is written asks the same as the starting playbook"
    elif found.kept:
        yield (
            "an accuracy that chose the version flatters it: `ace eval` on other examples, or --validation-judge,"
            " says what it is worth"
        )
    if min(found.rows, found.judging or found.rows) < FEW:
        yield f"fewer than {FEW} validation examples: which version is best is mostly luck"


def _reason(run: RunReader, episodes: Sequence[Episode]) -> Iterator[str]:
    """What stands in the way, as far as the wrong answers tell."""
    from ace_cli.evaluation.headroom import headroom

    trials = [_trial(run, episode) for episode in episodes]
    if trials and (causes := headroom(trials).causes):
        yield _REASONS[causes[0].cause]


def _trial(run: RunReader, episode: Episode) -> Trial:
    first = episode.rounds[0] if episode.rounds else None
    return Trial(
        example_id=episode.example_id,
        arm=Arm.PLAYBOOK,
        score=first.verdict.credit if first is not None and not episode.failed else 0.0,
        domain=episode.domain,
        failed=episode.failed,
        truth=run.example(episode.index).answer,
        answer="" if first is None else first.attempt.answer,
    )


def _answers_of(one: Validated) -> int:
    """The phase that holds the answers of a version."""
    return PhaseKind.VALIDATION.number(one.version if one.same_as is None else one.same_as)


def _name(one: Validated) -> str:
    return f"version {one.version}" if one.version else "the starting playbook"


def _said(one: Validated) -> str:
    return f"{one.accuracy:.1%}".replace("%", " %")
