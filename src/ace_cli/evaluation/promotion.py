"""From an evaluation to a playbook file: stage ``production`` for what was shown to help, with the evidence."""

from __future__ import annotations

import os
from pathlib import Path

from ace_cli.clock import now
from ace_cli.errors import AceError, UsageError
from ace_cli.evaluation.finding import Finding, evaluation_of
from ace_cli.evaluation.records import EvalReport
from ace_cli.files import keep_aside, write_atomic
from ace_cli.playbook import Playbook, PlaybookStage
from ace_cli.playbook.edit import EditSession
from ace_cli.playbook.evidence import Evidence, content_hash, with_evidence
from ace_cli.playbook.formats import dump_playbook, is_playbook_file, parse_playbook, read_playbook
from ace_cli.runs.reader import RunReader

BY = "ace eval"
"""Who is named in the file's list of edits."""


class NotPromoted(AceError):
    """The evaluation did not show what was asked for, or the file is not what was measured."""


def file_to_promote(path: Path | None, playbook: Playbook, run: RunReader | None) -> Path:
    """The file that will be written: the one that was named, or the one that the run wrote.

    Raises:
        UsageError: there is none, or it holds something else than ``playbook``.
    """
    if path is None and run is not None:
        path = Path(str(run.runtime().get("output.playbook") or ""))
        if not path.is_file():
            raise UsageError(
                f"--promote: the playbook file of {run.run_dir} is no longer there",
                "Name a playbook file: `ace export RUN -o playbook.json` writes one.",
            )
    if path is None:
        raise UsageError("--promote writes into a playbook file", "Name the file.")
    if not is_playbook_file(path):
        raise UsageError(
            f"{path} is not a playbook file of ace's own form", f"ace export {path} -o playbook.json"
        )
    if content_hash(read_playbook(path)) != content_hash(playbook):
        raise UsageError(f"{path} holds other bullets than what is measured", "Give the file itself.")
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow a link that the user wants kept


def promote_run(run_dir: Path, finding: Finding) -> str:
    """What a finished evaluation was to promote, if anything; a word on it.

    Raises:
        NotPromoted: naming why. AceError: as :func:`promote`.
    """
    with RunReader(run_dir) as run:
        evaluation, playbook = evaluation_of(run), run.header().base_playbook
    if not evaluation.promote or finding.report is None:
        return ""
    return promote(
        Path(evaluation.promote),
        playbook,
        finding.report,
        model=finding.model,
        dataset=finding.dataset,
        against=finding.against,
    )


def promote(
    path: Path, playbook: Playbook, report: EvalReport, *, model: str, dataset: str, against: str
) -> str:
    """Write stage and evidence into the file at ``path``; a word on it.

    Changes that were made in the file since it was read stay, unless they change what was measured.

    Args:
        playbook: what was measured.

    Raises:
        NotPromoted: naming why. AceError: the file cannot be read or written, and is as it was.
    """
    if not report.is_shown_to_help:
        raise NotPromoted(f"not promoted: {report.conclusion.words}", _asked(report))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotPromoted(f"not promoted: cannot read {path}: {error.strerror}") from error
    current = parse_playbook(data, str(path))
    if content_hash(current) != content_hash(playbook):
        raise NotPromoted(
            f"not promoted: {path} was changed since it was measured", "Measure it again as it is now."
        )
    evidence = Evidence(
        at=now(),
        model=model,
        dataset=dataset,
        against=against,
        rows=report.examples,
        repeats=report.repeats,
        gain=round(report.difference.value, 6),
        low=round(report.difference.low, 6),
        high=round(report.difference.high, 6),
        min_gain=report.min_gain,
        content=content_hash(playbook),
    )
    session = EditSession(current, by=BY)
    moved = sum(
        session.set_stage(bullet.id, PlaybookStage.PRODUCTION)
        for bullet in current.bullets
        if not bullet.is_quarantined
    )
    written = dump_playbook(with_evidence(session.result(), evidence))
    aside = keep_aside(path) if path.read_bytes() != data else None  # somebody saved it just now
    write_atomic(path, written)
    kept = f"; what stood there is kept as {aside}" if aside else ""
    return f"promoted: {moved} bullets of {path} moved to production, with the evidence{kept}"


def _asked(report: EvalReport) -> str:
    low, wanted = report.difference.low * 100, report.min_gain * 100
    return f"The lower end of the interval is {low:+.1f} points; asked for is more than {wanted:+.1f} (--min-gain)."
