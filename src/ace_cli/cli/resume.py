"""``ace resume``: go on with a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ace_cli.cli.options import with_settings
from ace_cli.cli.train import tell_run_dir
from ace_cli.cli.trust import Trust, asking
from ace_cli.settings import Kind


def resume(
    flags: dict[str, Any],
    run: Annotated[
        Path | None,
        typer.Argument(metavar="RUN", help="A run directory; without it, the newest run that can go on."),
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Show the runs with state, progress and cost.")
    ] = False,
    extend_to: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Go on with more examples of the same plan, to N in all."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Of an evaluation: the whole report as JSON.")
    ] = False,
    config: Annotated[Path | None, typer.Option(help="A TOML file with settings.", metavar="FILE")] = None,
    trust: Trust = False,
    runs: Annotated[Path, typer.Option(help="Where runs are looked for.", metavar="FOLDER")] = Path("runs"),
) -> None:
    """Continue after a crash, Ctrl-C, a reached limit or a failure.

    Nothing that was paid is asked for again. Runtime settings may be changed; settings that decide what the
    playbook becomes may not, but for those of a model that has not given a reply yet.
    """
    from ace_cli.runs.folders import find_run, list_runs

    if list_:
        from ace_cli.report.terminal.runs import print_runs

        print_runs(list_runs(runs), runs)
        return
    from ace_cli.engine.events import Event
    from ace_cli.engine.resume import newest_that_can, prepare_resume
    from ace_cli.engine.trust import admit
    from ace_cli.report.progress.reporter import reporter
    from ace_cli.report.tracking.listener import tracked
    from ace_cli.runs import lock
    from ace_cli.runs.reader import RunReader
    from ace_cli.settings.layers import Loaded, read_layers

    notices: list[Event] = []
    layers = read_layers(flags, config)

    def prepare(run_dir: Path) -> Loaded:
        with lock.hold_existing(run_dir):
            return prepare_resume(
                run_dir,
                layers,
                extend_to,
                notices.append,
                lambda loaded: admit(loaded, asking(trust), run_dir),
            )

    if run is not None:
        run_dir = find_run(run, runs)
        loaded = prepare(run_dir)
    else:
        newest = newest_that_can(runs, prepare, notices.append)
        run_dir, loaded = newest.run_dir, newest.loaded
    with RunReader(run_dir) as reader:
        is_evaluation = reader.evaluation() is not None
    with (
        reporter(loaded.settings.display) as shown,
        tracked(loaded.settings.output.track, shown) as report,
    ):
        tell_run_dir(run_dir, loaded.settings.display)
        for notice in notices:
            report(notice)
        if not is_evaluation:
            from ace_cli.training.job import train

            train(run_dir, loaded.settings, report)
            return
        from ace_cli.evaluation.job import evaluate

        evaluated = evaluate(run_dir, loaded.settings, report)
    from ace_cli.cli.eval import conclude

    conclude(run_dir, evaluated.finding, as_json=as_json)


app = with_settings(resume, hide=lambda definition: definition.kind is Kind.IDENTITY)
