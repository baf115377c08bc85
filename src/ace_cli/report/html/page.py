"""The page: one file with its style, script and data inside, which asks the network for nothing.

Playbook text never becomes markup: what is written here is escaped, and the bullets travel as JSON that the
page's one script puts on screen as text. The page's Content-Security-Policy allows just that script and that
style sheet, by hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from importlib import resources
from operator import attrgetter
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

import orjson

from ace_cli.evaluation.records import EvalReport
from ace_cli.playbook import Bullet, Playbook
from ace_cli.playbook.evidence import evidence_words
from ace_cli.redact import redact
from ace_cli.report.format import accuracy_title, calls_made, duration, money, percent, usage_cells
from ace_cli.report.html.charts import bullet_charts, run_charts
from ace_cli.report.html.evaluation import evaluation_section
from ace_cli.report.html.parts import figure, more, table, text, tiles
from ace_cli.runs.history import History, Moment
from ace_cli.runs.overview import Overview

_FAILURES_SHOWN = 20


def render_page(
    playbook: Playbook,
    *,
    title: str,
    run: Overview | None = None,
    history: History = MappingProxyType({}),
    evaluation: EvalReport | None = None,
    findings: Sequence[str] = (),
) -> bytes:
    """The whole page, UTF-8.

    Args:
        playbook: the bullets to show and their header.
        title: of the page.
        run: that they come from; None for a playbook file.
        history: of the bullets in it.
        evaluation: of the playbook.
        findings: of the run on its playbook, one sentence each.
    """
    style, script = _asset("page.css"), _asset("page.js")
    charts = [*(run_charts(run.curve, run.validation) if run else ()), *bullet_charts(playbook.bullets)]
    parts = {
        "policy": (
            f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}';"
            " base-uri 'none'; form-action 'none'"
        ),
        "title": text(_heading(title, playbook, run)),
        "style": style,
        "script": script,
        "origin": _origin(playbook, run),
        "summary": tiles([*_about(playbook, run), *(_standing(run) if run else ())]),
        "notes": "".join(f'<p class="note">{text(note)}</p>' for note in _notes(playbook, run)),
        "evaluation": _found(findings) + ("" if evaluation is None else evaluation_section(evaluation)),
        "charts": "".join(map(figure, charts)),
        "details": (_usage(run) + _failures(run) if run else "") + _settings(run, playbook),
        "data": _data(playbook.bullets, history),
    }
    # One pass, so that a bullet which holds {{data}} stays what it is.
    page = re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _asset("page.html"))
    return page.encode()


def _found(findings: Sequence[str]) -> str:
    if not findings:
        return ""
    sentences = "".join(f"<p>{text(sentence)}.</p>" for sentence in findings)
    return f'<section class="evaluation findings"><h2>Was it seen to help?</h2>{sentences}</section>'


def _data(bullets: Sequence[Bullet], history: History) -> str:
    past = {bullet_id: [_moment(moment) for moment in moments] for bullet_id, moments in history.items()}
    value = {"bullets": [_row(bullet) for bullet in bullets], "history": past}
    text = orjson.dumps(value, default=lambda v: dict(v) if isinstance(v, Mapping) else str(v)).decode()
    # As JSON escapes, so that nothing in it ends the script element, starts a comment or turns what is read around.
    return _NOT_AS_ITSELF.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


_NOT_AS_ITSELF = re.compile("[<>&\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


_row = attrgetter(*(field.name for field in fields(Bullet)))
"""A bullet as the page's script takes it: its fields in their order."""


def _moment(moment: Moment) -> list[Any]:
    text = "" if moment.kind == "taught" else moment.text  # the bullet's own wording
    return [moment.batch, moment.kind, moment.example_id, text, moment.similarity]


def _heading(title: str, playbook: Playbook, run: Overview | None) -> str:
    """A run's folder is called by a time: its page is called by what it was trained on."""
    if run is None or title != run.run_dir.resolve().name:
        return title
    source = run.runtime.get("data.input") or playbook.training_config.get("dataset")
    return f"Playbook of {redact(PurePath(source).name)}" if isinstance(source, str) and source else title


def _origin(playbook: Playbook, run: Overview | None) -> str:
    config = playbook.training_config
    words = [f"run <b>{text(run.run_dir.resolve().name)}</b>"] if run else []
    for label, field in (
        ("trained on", "dataset"),
        ("Generator", "generator_model"),
        ("Reflector", "reflector_model"),
    ):
        if isinstance(config.get(field), str | int | float):
            words.append(f"{label} <b>{text(redact(str(config[field])))}</b>")
    if playbook.created_at:
        words.append(f"<time>{text(playbook.created_at[:16].replace('T', ' '))}</time>")
    if measured := evidence_words(playbook):
        words.append(text(measured))
    return " · ".join(words) or "A playbook: lessons for the prompts of a language model"


def _notes(playbook: Playbook, run: Overview | None) -> Iterator[str]:
    if run is not None and run.reason:
        yield f"The run is {run.state}: {run.reason}"
    if any(bullet.is_quarantined for bullet in playbook.bullets):
        yield _QUARANTINE


_QUARANTINE = (
    "Quarantined bullets did more harm than good in answers that cited them, or contradict one with more evidence. They are kept for you to read, but stand in no prompt, "
    "and in no export that does not ask for them."
)


def _about(playbook: Playbook, run: Overview | None) -> list[tuple[str, str]]:
    of = f" of {run.playbook_size:,}" if run is not None and run.playbook_size > len(playbook) else ""
    rows = [("Bullets", f"{len(playbook):,}{of}")]
    if quarantined := sum(bullet.is_quarantined for bullet in playbook.bullets):
        rows.append(("Quarantined", f"{quarantined:,}"))
    domains = {bullet.domain_id for bullet in playbook.bullets}
    if len(domains) > 1:
        rows.append(("Domains", f"{len(domains):,}"))
    return rows


def _standing(run: Overview) -> Iterator[tuple[str, str]]:
    yield "State", run.state
    yield "Examples", f"{run.done:,}" if run.done == run.planned else f"{run.done:,} of {run.planned:,}"
    if run.accuracy is not None:
        yield accuracy_title(run.curve).partition(" (")[0], percent(run.accuracy)
    if len(run.curve) > 1:
        yield "Last batch", percent(run.curve[-1].batch_accuracy)
    if run.failed:
        yield "Failed", f"{run.failed:,}"
    yield "Work", duration(run.seconds)
    yield "Calls", calls_made(run.bill)
    yield "Tokens", f"{run.bill.tokens:,}"
    yield "Cost", money(run.bill.cost_usd)


def _usage(run: Overview) -> str:
    if not run.usage:
        return ""
    head = ("Role", "Calls", "Prompt tokens", "of them cached", "Reply tokens", "Retries", "Cost")
    rows = [(role, *usage_cells(usage)) for role, usage in run.usage.items()]
    return more("Costs by role", table(head, rows, numbers=True))


def _failures(run: Overview) -> str:
    if not run.failures:
        return ""
    rows: list[tuple[str, str, str]] = []
    for kind, failed in run.failures.items():
        rows.extend((kind, example, error) for example, error in failed[:_FAILURES_SHOWN])
        if len(failed) > _FAILURES_SHOWN:
            rows.append((kind, "", f"and {len(failed) - _FAILURES_SHOWN:,} more"))
    return more(f"Failed examples ({run.failed:,})", table(("Kind", "Example", "Error"), rows))


def _settings(run: Overview | None, playbook: Playbook) -> str:
    settings = run.identity if run else playbook.training_config
    rows = [(name, _setting(value)) for name, value in settings.items()]
    return more("Settings", table(("Setting", "Value"), rows)) if rows else ""


def _setting(value: object) -> str:
    """A setting's value as it is shown: text as it is, other values as JSON."""
    if isinstance(value, str):
        return redact(value)
    return "unset" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _digest(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


@cache
def _asset(name: str) -> str:
    return resources.files("ace_cli.report.html").joinpath(name).read_text("utf-8")
