"""Is everything ready for a run? What can be known without a call, one small call a role, and what the run would take."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ace_cli.data import read_examples
from ace_cli.engine.assumed import ASSUMED_COMPLETION
from ace_cli.engine.checks import called_roles, check_listeners, check_models, check_servers, named
from ace_cli.engine.create import check_parts, check_places, initial_playbook
from ace_cli.engine.dataset import dataset_spec
from ace_cli.engine.styles import settle_roles
from ace_cli.errors import AceError, ExitCode, UsageError
from ace_cli.llm.factory import make_embedding_model, make_model
from ace_cli.llm.hosts import is_address
from ace_cli.llm.servers import said_of
from ace_cli.llm.trial import Trial, try_model
from ace_cli.redact import public_address
from ace_cli.runs.reader import EMBEDDING
from ace_cli.runs.reply_cache import cache_facts
from ace_cli.settings import RoleSettings, Settings
from ace_cli.settings.values import FIRST_IN_FLIGHT
from ace_cli.stages.prompts import load_prompts
from ace_cli.training.estimate import Estimate, estimate


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: ``subject`` is what it is, ``problem`` what is wrong with it, ``notes`` are worth a word.

    ``trial`` is that of a role's model, ``dimensions`` are those of an embedding model's vectors. ``server`` is the address that was
    asked, where the model has several.
    """

    name: str
    subject: str = ""
    server: str = ""
    problem: AceError | None = None
    notes: Sequence[str] = ()
    trial: Trial | None = None
    dimensions: int | None = None

    def to_dict(self) -> dict[str, Any]:
        told: dict[str, Any] = {"name": self.name, "ok": self.problem is None, "subject": self.subject}
        if self.server:
            told["server"] = self.server
        if self.problem is not None:
            told |= {"error": self.problem.message, "hint": self.problem.hint}
        if self.dimensions is not None:
            told["dimensions"] = self.dimensions
        if self.trial is not None:
            told |= asdict(self.trial) | {"tokens_per_second": self.trial.tokens_per_second}
        return {**told, "notes": list(self.notes)}


@dataclass(frozen=True, slots=True)
class Checkup:
    """All findings. ``plan`` is what the run would take, None where that cannot be said, ``seconds`` how long at least."""

    findings: Sequence[Finding]
    plan: Estimate | None = None
    seconds: float | None = None

    @property
    def code(self) -> ExitCode:
        """What the user can put right comes before what a server does."""
        return max(
            (found.problem.exit_code for found in self.findings if found.problem), default=ExitCode.DONE
        )

    @property
    def is_hopeless(self) -> bool:
        """Whether something is wrong that a run cannot do without; one of a model's servers, it can."""
        answering = {found.name for found in self.findings if found.server and not found.problem}
        return any(
            found.problem and not (found.server and found.name in answering) for found in self.findings
        )

    def to_dict(self) -> dict[str, Any]:
        plan = self.plan and {
            "examples": self.plan.examples,
            "calls": self.plan.calls,
            "cost_usd": self.plan.cost_usd,
            "seconds_at_least": self.seconds,
            "roles": [asdict(role) for role in self.plan.roles],
        }
        checks = [found.to_dict() for found in self.findings]
        return {"ok": self.code == ExitCode.DONE, "checks": checks, "plan": plan}


def check_up(settings: Settings) -> Checkup:
    """Look at everything; no problem hides another one. Makes no file, and one call for each role and embedding model."""
    listeners = [*settings.models.callbacks, *settings.output.track]
    places = [
        _look("prompts", settings.stages.prompts, lambda: load_prompts(settings.stages.prompts)),
        _look("playbook", settings.training.initial_playbook, lambda: initial_playbook(settings)),
        _look("listeners", ", ".join(listeners) or None, lambda: check_listeners(settings)),
        _look("outputs", settings.output.playbook, lambda: check_places(settings.output)),
    ]
    if (cache := settings.execution.cache) is not None:
        places.append(_cache(cache))
    plan: list[Estimate] = []
    asked = asyncio.run(_ask_all(settings))
    if not any(
        isinstance(found.problem, UsageError) for found in (*places, *asked)
    ):  # a server's word is no obstacle
        rows = _look("dataset", _dataset(settings), lambda: plan.append(estimate(settings)))
    else:
        rows = _look("dataset", _dataset(settings), lambda: _read(settings))
        parts = _look("parts", None, lambda: check_parts(settings, load_prompts()))
        places += [parts] if not any(_same(parts, found) for found in (*places, *asked)) else []
    findings = [rows, *(found for found in places if found.subject or found.problem), *asked]
    if not plan:
        return Checkup(findings)
    return Checkup(findings, plan[0], _seconds(settings, plan[0], asked))


def _look(name: str, subject: object, look: Callable[[], object]) -> Finding:
    found = Finding(name, "" if subject is None else str(subject))
    try:
        look()
    except AceError as error:
        return replace(found, problem=error)
    return found


def _cache(folder: Path) -> Finding:
    """A cache that cannot be used is no obstacle: a run goes on without it."""
    try:
        facts = cache_facts(folder)
    except AceError as error:
        return Finding("cache", str(folder), notes=[f"a run would go on without it: {error.message}"])
    if facts is None:
        return Finding("cache", str(folder), notes=["empty: the first run fills it"])
    replies = "1 reply" if facts.entries == 1 else f"{facts.entries:,} replies"
    return Finding("cache", str(folder), notes=[f"{replies}, {facts.size / 2**20:.1f} MB"])


def _same(one: Finding, other: Finding) -> bool:
    told = [found.problem and found.problem.message for found in (one, other)]
    return told[0] == told[1]


def _dataset(settings: Settings) -> str:
    return str(settings.data.input or settings.data.dataset)


def _read(settings: Settings) -> None:
    for _ in read_examples(dataset_spec(settings.data, settings.training.seed)):
        pass


async def _ask_all(settings: Settings) -> list[Finding]:
    """One after the other, so that none of them slows another one down."""
    findings = []
    for role in called_roles(settings):
        servers = [call.api_base for call in named(settings.models, [role])] or [None]
        for server in servers:
            one = settings if server is None else _at(settings, role, server)
            findings.append(await _ask(one, role, _shown(server) if len(servers) > 1 else ""))
    return findings


async def _ask(settings: Settings, role: str, server: str) -> Finding:
    subject = settings.models.embedding if role == EMBEDDING else getattr(settings.models, role).model
    found = Finding(role, f"{subject or ''}{f' at {server}' if server else ''}", server)
    try:
        notes = check_models(settings, [role])
        await asyncio.to_thread(check_servers, settings.models, [role])
        found = replace(found, notes=notes)
        return await (_try_embedding(settings, found) if role == EMBEDDING else _try_role(settings, found))
    except AceError as error:
        is_its_own = server and not isinstance(error, UsageError)
        return replace(found, problem=said_of(server, error) if is_its_own else error)


def _shown(server: str | None) -> str:
    """Of what is no address, nothing: a password may stand anywhere in it."""
    return public_address(server) if server and is_address(server) else "what is no address"


def _at(settings: Settings, role: str, server: str) -> Settings:
    """``settings`` in which the model of ``role`` has this server alone."""
    if role == EMBEDDING:
        changed: dict[str, Any] = {"embedding_api_base": (server,)}
    else:
        changed = {role: getattr(settings.models, role).model_copy(update={"api_base": (server,)})}
    return settings.model_copy(update={"models": settings.models.model_copy(update=changed)})


async def _try_role(settings: Settings, found: Finding) -> Finding:
    left_out: list[str] = []
    styles: list[str] = []
    models = await asyncio.to_thread(settle_roles, settings.models, [found.name], styles.append)
    role: RoleSettings = getattr(models, found.name)
    model = make_model(role.model or "", role, api_base=settings.models.api_base, notify=left_out.append)
    try:
        trial = await try_model(
            model, left_out, temperature=role.temperature, max_tokens=role.max_tokens, extra=role.extra
        )
    finally:
        await model.close()
    return replace(found, trial=trial, notes=[*found.notes, *styles, *_remarks(trial)])


def _remarks(trial: Trial) -> list[str]:
    if trial.is_empty:
        return ["the reply was empty" + (": it was cut off" if trial.finish_reason == "length" else "")]
    return []


async def _try_embedding(settings: Settings, found: Finding) -> Finding:
    model = make_embedding_model(settings.models.embedding, settings.models)
    try:
        reply = await model.embed(["Does the connection work?"])
    finally:
        await model.close()
    return replace(found, dimensions=len(reply.vectors[0]))


def _seconds(settings: Settings, plan: Estimate, asked: Sequence[Finding]) -> float | None:
    """How long the run takes at least: batches one after the other, their calls side by side, at the speed of the trials."""
    trials: dict[str, Trial] = {}
    for found in asked:  # of several servers, the slowest
        if found.trial and (found.name not in trials or trials[found.name].seconds < found.trial.seconds):
            trials[found.name] = found.trial
    if not {"generator", "reflector"} <= trials.keys():
        return None
    at_once = settings.execution.concurrency
    waves = math.ceil(
        settings.training.batch_size / (FIRST_IN_FLIGHT if isinstance(at_once, str) else at_once)
    )
    each = [_of_one(getattr(settings.models, role), trials[role]) for role in ("generator", "reflector")]
    most = settings.execution.max_rpm
    paced = 60 * max(role.calls for role in plan.roles) / most if most and plan.roles else 0.0
    return max(plan.batches * waves * sum(each), paced)


def _of_one(role: RoleSettings, trial: Trial) -> float:
    """Seconds of one call of the run, whose replies are longer than that of the trial."""
    speed = trial.tokens_per_second
    return (
        trial.seconds
        if speed is None
        else max(trial.seconds, (role.max_tokens or ASSUMED_COMPLETION) / speed)
    )
