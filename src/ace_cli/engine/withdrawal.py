"""A new run to which no reply came at all is taken back: it would only stand in the way of `ace resume`."""

from __future__ import annotations

import contextlib
from pathlib import Path

from ace_cli.engine.calls import Outage
from ace_cli.errors import AceError
from ace_cli.llm.base import PermanentError
from ace_cli.runs.folders import RUNS
from ace_cli.runs.reader import RunReader
from ace_cli.runs.removal import remove_run


def is_unheard(run: RunReader, problem: AceError) -> bool:
    """Whether a run ended in its first session without any reply, for a reason that another start would meet as well.

    An interrupted or limited one is kept: whoever stopped it may want to go on.
    """
    return isinstance(problem, PermanentError | Outage) and len(run.sessions()) == 1 and not run.usage()


def withdraw(run_dir: Path, problem: AceError) -> AceError:
    """Remove the run, but nothing in its folder that is not of it; ``problem``, with what its reader must know now.

    Raises:
        AceError: something of it cannot be removed.
    """
    remove_run(run_dir)
    if run_dir.parent == RUNS:
        with contextlib.suppress(OSError):  # it holds other runs
            RUNS.rmdir()
    helps = problem.helps if isinstance(problem, Outage) else problem.hint.replace(", then: ace resume", "")
    problem.hint = f"{helps} No reply came, so nothing was paid and no run was kept.".strip()
    return problem
