"""A new run of `ace eval`: everything that can be checked without paying is checked, then its directory is made."""

from __future__ import annotations

from pathlib import Path

from ace_cli._version import __version__
from ace_cli.clock import now
from ace_cli.data import ContentHash
from ace_cli.engine.checks import called_roles, check_models, check_servers
from ace_cli.engine.create import check_parts, new_folder, replaced
from ace_cli.engine.events import Listener, Notice
from ace_cli.engine.wiring import NO_REPLACEMENTS, Replacements
from ace_cli.evaluation.job import answering_only
from ace_cli.evaluation.plan import Plan
from ace_cli.runs.folders import new_run_dir
from ace_cli.runs.records import Header
from ace_cli.runs.store import RunStore
from ace_cli.settings import Kind, Settings
from ace_cli.settings.layers import FLAG
from ace_cli.settings.recorded import recorded


def create_evaluation(plan: Plan, emit: Listener, replacements: Replacements = NO_REPLACEMENTS) -> Path:
    """Make the run directory of ``plan``.

    Raises:
        UsageError: something is wrong; nothing was made.
    """
    settings = plan.settings
    answering = answering_only(settings)
    called = answering_roles(settings, replacements)
    for doubt in check_models(answering, called):
        emit(Notice(doubt))
    check_parts(answering, plan.prompts, replacements)
    for doubt in check_servers(answering.models, called):
        emit(Notice(doubt))
    run_dir = settings.output.run_dir or new_run_dir(f"eval-{Path(plan.dataset).stem}")
    digest = ContentHash()
    for example in plan.rows.examples:
        digest.update(example)
    with new_folder(run_dir):
        header = Header(
            created_at=now(),
            ace_version=__version__,
            identity={**recorded(settings, Kind.IDENTITY), **replaced(replacements)},
            # What came from the training run is this run's as if the user had said it: no file of today changes it.
            origins={path: layer.rank or FLAG for path, layer in plan.loaded.origin.items()},
            prompts=dict(plan.prompts.texts),
            base_playbook=plan.playbook,
            dataset_hash=digest.hexdigest(),
            source={},  # rows were left out: reading the dataset again would not give these
        )
        RunStore.create(
            run_dir,
            header,
            recorded(settings, Kind.RUNTIME),
            plan.rows.examples,
            digest.hexdigest,
            plan.evaluation,
        )
    for line in plan.told:
        emit(Notice(line))
    for note in plan.evaluation.notes:
        emit(Notice(f"note: {note}"))
    for row in plan.rows.skipped[:20]:
        emit(Notice(f"skipped {row}"))
    return run_dir


def answering_roles(settings: Settings, replacements: Replacements = NO_REPLACEMENTS) -> set[str]:
    """Whose models an evaluation will call for sure."""
    return set(called_roles(answering_only(settings), replacements)) - {"reflector", "curator"}
