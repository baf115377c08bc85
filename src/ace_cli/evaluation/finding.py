"""What a finished evaluation found, from its store alone: so it is the same however often the run was interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ace_cli.errors import UsageError
from ace_cli.evaluation.bullets import most_doubtful
from ace_cli.evaluation.headroom import headroom
from ace_cli.evaluation.phases import Side, phases_of, sides_of, trials
from ace_cli.evaluation.records import Arm, BulletEffect, EvalReport, Headroom
from ace_cli.evaluation.report import report
from ace_cli.playbook import Playbook
from ace_cli.runs.lengths import broken_off_words
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import Evaluation
from ace_cli.scoring import SCORERS

REPORT_FILE = "report.json"
"""In the directory of the run; derived, like all its files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """The playbook without some bullets: ``report`` compares it (as the playbook) to the whole one (as the base)."""

    left_out: tuple[str, ...]
    report: EvalReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """All that was found. Either ``report`` or, without a playbook, ``baseline`` is there.

    ``overlap`` rows were left out; ``notes`` are of the rows and the settings, those of the figures stand in the report.
    """

    name: str
    against: str
    model: str
    dataset: str
    scorer: str
    temperature: float | None
    overlap: int
    notes: tuple[str, ...]
    report: EvalReport | None = None
    baseline: Headroom | None = None
    ablation: Ablation | None = None

    def to_dict(self) -> dict[str, Any]:
        """For scripts: plain JSON values."""
        return asdict(self)


def evaluation_of(run: RunReader) -> Evaluation:
    """What the run compares.

    Raises:
        UsageError: it is one of training.
    """
    found = run.evaluation()
    if found is None:
        raise UsageError(f"{run.run_dir} is a run of training, not an evaluation", "`ace eval` makes one.")
    return found


def is_complete(run: RunReader) -> bool:
    """Whether every answer of every side is on record."""
    evaluation = evaluation_of(run)
    rows = run.example_count()
    return all(run.counts(phase)[0] == rows for phase in phases_of(evaluation, sides_of(evaluation)))


def examine(run: RunReader) -> Finding:
    """What was found.

    Raises:
        UsageError: the run is not complete, or none of an evaluation.
    """
    evaluation = evaluation_of(run)
    if not is_complete(run):
        raise UsageError(f"{run.run_dir} is not complete", f"`ace resume {run.run_dir}` goes on with it.")
    identity = run.header().identity
    scorer = str(identity.get("training.scorer"))
    base = list(trials(run, evaluation, Side.BASE, Arm.BASE))
    compared = baseline = ablation = None
    if evaluation.is_baseline:
        own = identity.get("training.scorer_args") or scorer not in SCORERS
        baseline = headroom(base, scorer=None if own else SCORERS[scorer])
    else:
        compared = report(
            [*base, *trials(run, evaluation, Side.PLAYBOOK, Arm.PLAYBOOK)],
            min_gain=evaluation.min_gain,
            base_name=evaluation.against_name or "no playbook",
            playbook_name=evaluation.name,
            bullet_ids=_shown(run),
        )
        if evaluation.ablate:
            ablation = _ablation(run, evaluation, compared)
    return Finding(
        name=evaluation.name,
        against=evaluation.against_name,
        model=str(identity.get("models.generator.model")),
        dataset=evaluation.dataset,
        scorer=scorer,
        temperature=identity.get("models.generator.temperature"),
        overlap=evaluation.overlap,
        notes=(*evaluation.notes, *broken_off_words(run)),
        report=compared,
        baseline=baseline,
        ablation=ablation,
    )


def effects_of(run: RunReader, playbook: Playbook) -> dict[str, BulletEffect]:
    """What an evaluation says of the bullets of ``playbook`` by id; of those only that it measured as they are now.

    Raises:
        UsageError: it is not complete, or measured no playbook.
    """
    found = examine(run).report
    if found is None:
        raise UsageError(
            f"{run.run_dir} measured no playbook", "Name an evaluation of one: `ace runs` lists them."
        )
    now, then = playbook.by_id, run.header().base_playbook.by_id
    return {
        effect.bullet_id: effect
        for effect in found.bullets
        if (bullet := now.get(effect.bullet_id)) and bullet.content == then[effect.bullet_id].content
    }


def without(playbook: Playbook, left_out: Sequence[str]) -> Playbook:
    return playbook.with_bullets(b for b in playbook.bullets if b.id not in left_out)


def left_out(run: RunReader, evaluation: Evaluation) -> tuple[str, ...]:
    """The ids of the most doubtful bullets, as the answers of the first two sides say."""
    answers = [
        *trials(run, evaluation, Side.BASE, Arm.BASE),
        *trials(run, evaluation, Side.PLAYBOOK, Arm.PLAYBOOK),
    ]
    return most_doubtful(report(answers, bullet_ids=_shown(run)).bullets, evaluation.ablate)


def _shown(run: RunReader) -> list[str]:
    return [bullet.id for bullet in run.header().base_playbook.bullets if not bullet.is_quarantined]


def _ablation(run: RunReader, evaluation: Evaluation, whole: EvalReport) -> Ablation:
    ids = most_doubtful(whole.bullets, evaluation.ablate)
    answers = [
        *trials(run, evaluation, Side.PLAYBOOK, Arm.BASE),
        *trials(run, evaluation, Side.ABLATED, Arm.PLAYBOOK),
    ]
    compared = report(answers, base_name=evaluation.name, playbook_name=f"without {', '.join(ids)}")
    return Ablation(left_out=ids, report=compared)
