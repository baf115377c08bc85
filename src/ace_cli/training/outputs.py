"""The files that a run writes: playbook, metrics, checkpoints. All derived from the store, all atomic."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from ace_cli.clock import now
from ace_cli.engine.events import CheckpointSaved, Listener, Notice
from ace_cli.files import cannot_write, digest, keep_aside, write_atomic
from ace_cli.playbook import Playbook
from ace_cli.playbook.formats import dump_playbook
from ace_cli.playbook.standing import MERGED, RETIRED, is_aside
from ace_cli.runs.overview import overview
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import CurvePoint, Merge, Usage
from ace_cli.runs.store import RunStore
from ace_cli.runs.target import trained_playbook
from ace_cli.runs.validated import Validation
from ace_cli.settings import OutputSettings
from ace_cli.training.findings import Findings, findings


class Checkpoints:
    """Writes ``checkpoints/checkpoint_000050.json`` at the first merge at or after every interval."""

    def __init__(
        self, run_dir: Path, config: Mapping[str, Any], interval: int | None, emit: Listener
    ) -> None:
        """``interval`` in examples; None writes none."""
        self._run_dir = run_dir
        self._config = config
        self._interval = interval
        self._emit = emit
        self._seen = 0

    def on_merge(self, merge: Merge, playbook: Callable[[], Playbook]) -> None:
        """Called for every merge in order, those of earlier sessions included: a missing file is made up for.

        ``playbook`` gives the version after the merge; it is called where a file is due.
        """
        seen, before = merge.curve.examples_seen, self._seen
        self._seen = seen
        if self._interval is None or seen // self._interval == before // self._interval:
            return
        path = self._run_dir / "checkpoints" / f"checkpoint_{seen:06d}.json"
        if path.exists():
            return
        point = merge.curve
        body = {
            "timestamp": merge.delta.at,
            "config": dict(self._config),
            "metrics": {
                "total_examples": seen,
                "correct_answers": point.correct,
                "failed_examples": point.failed,
                "accuracy": point.accuracy,
                "playbook_size": point.playbook_size,
                "calls": point.calls,
                "tokens": point.tokens,
                "cost_usd": point.cost_usd,
            },
            "playbook": [bullet.to_dict() for bullet in playbook().bullets],
        }
        write_atomic(path, _json(body), inside=self._run_dir)
        self._emit(CheckpointSaved(str(path), seen))


def write_outputs(
    store: RunStore, playbook: Playbook, output: OutputSettings, emit: Listener, *, nothing_new: bool
) -> dict[str, Any]:
    """Write the playbook and the metrics, and destroy nobody's work.

    A file that this run did not write, or that was changed since, is kept as ``NAME.1.json`` beside the new one. Where the
    run had nothing left to do (``nothing_new``), such a file stays as it is: whoever edited it wants to keep it.

    Returns:
        The metrics.

    Raises:
        AceError: a file cannot be written; what stood there is untouched.
    """
    body = metrics(store, playbook, end_time=now())
    written = store.outputs()
    for path, data in (
        (output.playbook, dump_playbook(trained_playbook(store, playbook))),
        (output.metrics, _json(body)),
    ):
        place, old, new = os.path.realpath(path), _digest_at(path), digest(data)
        if old not in (None, new) and old not in written.get(place, ()):
            if nothing_new and (place in written or not written):  # those of version 0.1 say nothing about it
                emit(
                    Notice(
                        f"{path} was changed since it was written: left as it is (`--output` names another)"
                    )
                )
                continue
            emit(Notice(f"{path} is not from this run, or has changed since: kept as {keep_aside(path)}"))
        store.record_output(place, new)  # first: a file that stands there after a crash is known to be ours
        write_atomic(path, data)
    return body


def _digest_at(path: Path) -> str | None:
    try:
        return digest(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cannot_write(path, error) from error


def metrics(run: RunReader, playbook: Playbook, *, end_time: str) -> dict[str, Any]:
    """The metrics file of DESIGN's contract, from the store alone."""
    view, found, broken_off = overview(run), findings(run), run.broken_off()
    insights = {
        name: sum(p.insights.get(name, 0) for p in view.curve) for name in ("helpful", "harmful", "neutral")
    }
    return {
        "training_summary": {
            "total_examples": view.done,
            "successful_generations": view.done - view.failed,
            "failed_generations": view.failed,
            "correct_answers": view.correct,
            "accuracy": round(view.accuracy or 0.0, 6),
            "epochs": view.identity.get("training.epochs"),
            "batches": len(view.curve),
            "failures": {kind: len(rows) for kind, rows in view.failures.items()},
        },
        "insights": {"total_extracted": sum(insights.values()), **insights, "refused": view.refused},
        "playbook": {
            "initial_size": view.initial_size,
            "bullets_added": sum(p.bullets_added for p in view.curve),
            "bullets_incremented": sum(p.bullets_incremented for p in view.curve),
            "final_size": len(playbook),
            "quarantined": sum(bullet.is_quarantined for bullet in playbook.bullets),
            **{
                cause: sum(is_aside(bullet, cause) for bullet in playbook.bullets)
                for cause in (MERGED, RETIRED)
            },
        },
        "timing": {
            "start_time": view.created_at,
            "end_time": end_time,
            "duration_seconds": round(view.seconds, 3),
            "sessions": len(view.sessions),
        },
        "usage": {
            **_usage(view.bill),
            "by_role": {
                role: _usage(used) | {"broken_off": broken_off.get(role, (0, 0))[0]}
                for role, used in sorted(view.usage.items())
            },
            **_by_phase(run, found.validation),
        },
        **_checked(found),
        "curve": [_point(point) | _validated(point, found.validation) for point in view.curve],
    }


def _checked(found: Findings) -> dict[str, Any]:
    """How the version was chosen, or the running check, with what it says in words."""
    if found.validation is not None:
        return {"validation": {**found.validation.to_dict(), "why": list(found.words)}}
    return {"check": {**found.check.to_dict(), "words": list(found.words)}} if found.check is not None else {}


def _by_phase(run: RunReader, validated: Validation | None) -> dict[str, Any]:
    if validated is None:
        return {}
    return {"by_phase": {kind: _usage(used) for kind, used in sorted(run.usage_by_kind().items())}}


def _validated(point: CurvePoint, validated: Validation | None) -> dict[str, Any]:
    return {} if validated is None else {"validation_accuracy": validated.accuracy_after(point.batch)}


def _usage(usage: Usage) -> dict[str, Any]:
    share = round(usage.cached_prompt_tokens / usage.prompt_tokens, 4) if usage.prompt_tokens else 0.0
    return asdict(usage) | {"cached_prompt_share": share} | _cost(usage.cost_usd)


def _point(point: CurvePoint) -> dict[str, Any]:
    names = ("batch", "epoch", "examples_seen", "accuracy", "batch_accuracy", "failed", "playbook_size")
    return {name: getattr(point, name) for name in (*names, "calls", "tokens")} | _cost(point.cost_usd)


def _cost(dollars: float | None) -> dict[str, float | None]:
    return {"cost_usd": None if dollars is None else round(dollars, 8)}


def _json(body: Mapping[str, Any]) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_INDENT_2)
