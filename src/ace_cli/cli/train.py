"""``ace train``: a new run."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated, Any

import typer

from ace_cli.cli.options import with_settings
from ace_cli.cli.plan import warn_of_servers
from ace_cli.cli.trust import Trust, asking
from ace_cli.report.text import printable
from ace_cli.settings import DisplaySettings


def train(
    flags: dict[str, Any],
    config: Annotated[Path | None, typer.Option(help="A TOML file with settings.", metavar="FILE")] = None,
    show_config: Annotated[
        bool,
        typer.Option(
            "--show-config",
            help="Print every setting with where it came from, as TOML for --config, and stop.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the plan: examples, calls, tokens, cost. Makes no call."),
    ] = False,
    trust: Trust = False,
) -> None:
    """Train a playbook on examples with known answers.

    ace train --input data.jsonl --model gpt-4o-mini --num-examples 50
    """
    from ace_cli.settings.layers import load

    loaded = load(flags, config)
    if show_config:
        from ace_cli.report.settings_file import settings_lines

        typer.echo("\n".join(settings_lines(loaded)))
        return
    from ace_cli.engine.trust import What, admit

    settings = loaded.settings
    admit(loaded, asking(trust), only=[What.CODE] if dry_run else What)
    if dry_run:
        from ace_cli.engine.checks import called_roles
        from ace_cli.report.terminal.summary import plan_lines
        from ace_cli.training.estimate import estimate

        typer.echo("\n".join(plan_lines(estimate(settings))))
        warn_of_servers(loaded, called_roles(settings), trust=trust)
        return
    from ace_cli.engine.create import create_run
    from ace_cli.engine.styles import settle_styles
    from ace_cli.report.progress.reporter import reporter
    from ace_cli.report.tracking.listener import tracked
    from ace_cli.training.estimate import announce
    from ace_cli.training.job import train as work

    with reporter(settings.display) as shown, tracked(settings.output.track, shown) as report:
        loaded = settle_styles(loaded, report)
        run_dir = create_run(loaded, report)
        tell_run_dir(run_dir, settings.display)
        announce(run_dir, loaded, report)
        work(run_dir, loaded.settings, report)


def tell_run_dir(run_dir: Path, display: DisplaySettings) -> None:
    """The first line of every run: what to inspect, and to resume if all goes wrong."""
    if not display.quiet and display.progress != "json":
        with contextlib.suppress(OSError):  # nobody reads stderr: no reason not to train
            typer.echo(f"run: {printable(str(run_dir))}", err=True)


app = with_settings(train)
