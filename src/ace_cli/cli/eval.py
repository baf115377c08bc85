"""``ace eval``: does a playbook help, by how much, and how sure is that?"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ace_cli.cli.options import with_settings
from ace_cli.cli.plan import warn_of_servers
from ace_cli.cli.train import tell_run_dir
from ace_cli.cli.trust import Trust, asking
from ace_cli.errors import UsageError
from ace_cli.settings.definition import Definition

if TYPE_CHECKING:
    from ace_cli.evaluation.finding import Finding
    from ace_cli.evaluation.plan import Plan, Subject

_TARGET = typer.Argument(
    metavar="PLAYBOOK|RUN", help="What to measure; without it, the baseline and what a playbook could gain."
)
_what = partial(typer.Option, rich_help_panel="What is compared")
_out = partial(typer.Option, rich_help_panel="Result")


def eval(
    flags: dict[str, Any],
    target: Annotated[Path | None, _TARGET] = None,
    against: Annotated[
        Path | None, _what(metavar="OTHER", help="Compare to this playbook or run, rather than to none.")
    ] = None,
    repeats: Annotated[int, _what(metavar="N", min=1, help="Answers to each example, in each arm.")] = 1,
    cluster: Annotated[
        str, _what(metavar="FIELD", help="Field that rows from the same source share (a document, a user).")
    ] = "",
    ablate: Annotated[
        int, _what(metavar="N", min=0, help="Then answer again without the N most doubtful bullets.")
    ] = 0,
    promote: Annotated[
        bool, _out("--promote", help="Stage production for its bullets if it is shown to help; else exit 1.")
    ] = False,
    min_gain: Annotated[
        str, _out(metavar="SHARE", help="The gain that --promote asks for, at the interval's lower end: 5%.")
    ] = "0",
    as_json: Annotated[bool, _out("--json", help="The whole report as JSON.")] = False,
    html: Annotated[Path | None, _out(metavar="FILE", help="The report as a page, too.")] = None,
    dry_run: Annotated[
        bool,
        _out(
            "--dry-run", help="Print calls, cost, and the smallest difference that would show. Makes no call."
        ),
    ] = False,
    config: Annotated[Path | None, typer.Option(help="A TOML file with settings.", metavar="FILE")] = None,
    trust: Trust = False,
) -> None:
    """Measure a playbook on examples that it was not trained on: with it and without it, side by side.

    ace eval playbooks/tickets.json --input heldout.jsonl

    Model, settings and prompts are those of the training unless flags or --config say otherwise. Without --input, --dataset or --split,
    the examples are another split of the training's dataset, or rows of it that were not used.
    """
    from ace_cli.engine.trust import What, admit
    from ace_cli.evaluation.plan import Asked, make_plan, settings_of
    from ace_cli.settings.layers import read_layers

    asked = Asked(
        subject=_open(target),
        against=_open(against),
        repeats=repeats,
        cluster=cluster,
        ablate=ablate,
        promote=promote,
        min_gain=share(min_gain),
    )
    loaded = settings_of(asked, read_layers(flags, config))
    admit(loaded, asking(trust), only=[What.CODE] if dry_run else What)
    plan = make_plan(asked, loaded)
    if dry_run:
        from ace_cli.evaluation.create import answering_roles
        from ace_cli.evaluation.estimate import estimate
        from ace_cli.report.terminal.finding_view import plan_lines

        typer.echo("\n".join(plan_lines(plan, estimate(plan))))
        warn_of_servers(plan.loaded, answering_roles(plan.settings), trust=trust)
        return
    from ace_cli.engine.styles import settle_styles
    from ace_cli.evaluation.create import create_evaluation
    from ace_cli.evaluation.job import evaluate
    from ace_cli.report.progress.reporter import reporter
    from ace_cli.report.tracking.listener import tracked
    from ace_cli.runs.reader import RunReader

    settings = plan.settings
    if html is not None:
        check_page(html, plan)
    with reporter(settings.display) as shown, tracked(settings.output.track, shown) as report:
        plan = replace(plan, loaded=settle_styles(plan.loaded, report))
        run_dir = create_evaluation(plan, report)
        tell_run_dir(run_dir, settings.display)
        done = evaluate(run_dir, plan.settings, report)
    if html is not None:
        from ace_cli.files import write_atomic
        from ace_cli.report.formats import FORMATS, Content

        with RunReader(run_dir) as run:
            write_atomic(html, FORMATS["html"].render(Content(plan.playbook, html.stem, run=run)))
    conclude(run_dir, done.finding, as_json=as_json)


def check_page(path: Path, plan: Plan) -> None:
    """Nobody wants to learn after an evaluation that its page cannot be written.

    Raises:
        UsageError: it cannot.
    """
    if plan.evaluation.is_baseline:
        raise UsageError(
            "--html needs a playbook to measure", "A baseline is shown as a table and as --json."
        )
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise UsageError(
            f"--html {path}: no file can be written there", "Name a file in a folder that exists."
        )


def conclude(run_dir: Path, finding: Finding, *, as_json: bool = False) -> None:
    """Show what was found, and promote what was to be promoted.

    Raises:
        NotPromoted: it was not shown to help.
    """
    from ace_cli.evaluation.promotion import promote_run
    from ace_cli.report.terminal.finding_view import finding_lines
    from ace_cli.report.terminal.paging import Output

    out = Output(as_json=as_json)
    out.print(finding.to_dict, finding_lines(finding, out.width, ascii_only=out.ascii_only))
    if told := promote_run(run_dir, finding):
        typer.echo(told, err=True)


def share(text: str) -> float:
    """``5%`` and ``0.05`` are five points.

    Raises:
        UsageError: it is neither.
    """
    try:
        value = float(text.rstrip("% ")) / (100 if "%" in text else 1)
    except ValueError:
        value = 2.0
    if not -1 <= value < 1:
        raise UsageError(f"--min-gain {text:.40} is not a share", "Five points are 5% or 0.05.")
    return value


def _open(path: Path | None) -> Subject | None:
    from ace_cli.evaluation.plan import Subject
    from ace_cli.runs.target import open_target

    return None if path is None else Subject.of(open_target(path))


_HIDDEN_SECTIONS = ("models.reflector.", "models.curator.", "output.")
_SHOWN = (
    "output.run_dir", "stages.generator", "stages.prompts", "training.seed", "training.scorer", "training.context_budget",
    "training.max_bullets",
)  # fmt: skip


def _is_of_training(definition: Definition) -> bool:
    """Whether a setting says nothing about an evaluation."""
    path = definition.path
    return path not in _SHOWN and path.startswith((*_HIDDEN_SECTIONS, "stages.", "training."))


app = with_settings(eval, hide=_is_of_training)
