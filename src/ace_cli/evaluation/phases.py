"""Which phase of a run holds which answers: one for each arm and repeat, so that no reply is shared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum

from ace_cli.evaluation.records import Arm, Trial
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import Episode, Evaluation, Spent


class Side(IntEnum):
    """What a phase's prompts hold. ``ABLATED`` comes last, when it is known which bullets to leave out."""

    BASE = 0
    PLAYBOOK = 1
    ABLATED = 2

    @property
    def label(self) -> str:
        return self.name.lower()


def phase_of(side: Side, repeat: int) -> int:
    """From 1; 0 is that of training."""
    return 1 + len(Side) * repeat + side


def side_of(phase: int) -> tuple[Side, int]:
    """The side and the repeat of a phase."""
    repeat, side = divmod(phase - 1, len(Side))
    return Side(side), repeat


def sides_of(evaluation: Evaluation) -> list[Side]:
    """Those that an evaluation has in the end."""
    if evaluation.is_baseline:
        return [Side.BASE]
    return [Side.BASE, Side.PLAYBOOK, *([Side.ABLATED] if evaluation.ablate else ())]


def phases_of(evaluation: Evaluation, sides: Sequence[Side]) -> list[int]:
    return [phase_of(side, repeat) for repeat in range(evaluation.repeats) for side in sides]


def trials(run: RunReader, evaluation: Evaluation, side: Side, arm: Arm) -> Iterator[Trial]:
    """What a side answered, counted as ``arm``; those of it that are on record."""
    clusters = {example.id: example.cluster for example in run.all_examples()}
    truths = {example.id: example.answer for example in run.all_examples()}
    for repeat in range(evaluation.repeats):
        phase = phase_of(side, repeat)
        spent = run.spent_by_step(phase)
        for episode in run.episodes(phase=phase):
            yield _trial(episode, spent, arm, repeat, clusters, truths)


def _trial(
    episode: Episode,
    spent: Mapping[int, Spent],
    arm: Arm,
    repeat: int,
    clusters: Mapping[str, str],
    truths: Mapping[str, str],
) -> Trial:
    took = spent.get(episode.step, Spent())
    answered = None if episode.failed or not episode.rounds else episode.rounds[0]
    return Trial(
        example_id=episode.example_id,
        arm=arm,
        score=answered.verdict.credit if answered else 0.0,
        domain=episode.domain,
        cluster=clusters.get(episode.example_id) or None,
        repeat=repeat,
        failed=answered is None,
        truth=truths.get(episode.example_id, ""),
        answer=answered.attempt.answer if answered else "",
        bullet_ids=answered.attempt.bullet_ids if answered else (),
        prompt_tokens=took.usage.prompt_tokens,
        completion_tokens=took.usage.completion_tokens,
        cost_usd=took.usage.cost_usd,
        seconds=took.seconds,
    )
