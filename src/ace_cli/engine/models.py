"""From settings to the models of a run. Roles that name the same model at the same address share it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from ace_cli.engine.calls import Role
from ace_cli.errors import UsageError
from ace_cli.llm.base import ChatModel
from ace_cli.llm.factory import make_model
from ace_cli.llm.retry import CircuitBreaker
from ace_cli.runs.records import Usage
from ace_cli.settings import ModelsSettings, RoleSettings, Settings


def make_roles(settings: Settings, notify: Callable[[str], None] | None = None) -> dict[str, Role]:
    """generator, reflector, and curator where one is set. ``notify`` is told what a model does not take.

    Raises:
        UsageError: a model cannot be had here (a missing extra, a missing file).
    """
    made: dict[str, tuple[ChatModel, CircuitBreaker]] = {}
    roles = {}
    for name, role in _roles(settings.models):
        # What makes two roles ask the same endpoint in the same way; parameters go with each request.
        key = repr([getattr(role, field) for field in _SHARED_BY]) + _secrets(role)
        if key not in made:
            model = make_model(role.model or "", role, api_base=settings.models.api_base, notify=notify)
            made[key] = model, CircuitBreaker()
        model, gate = made[key]
        roles[name] = Role(name, model, gate, role.temperature, role.max_tokens, role.extra)
    return roles


_SHARED_BY = ("model", "api_base", "timeout", "prompt_style", "input_price", "output_price")


def _secrets(role: RoleSettings) -> str:
    headers = sorted((name, value.get_secret_value()) for name, value in role.headers.items())
    return repr((role.api_key and role.api_key.get_secret_value(), headers))


def require_prices(settings: Settings, roles: Iterable[Role]) -> None:
    """A cost limit needs to know what calls cost.

    Raises:
        UsageError: naming the model without a price, and how to give one.
    """
    if settings.limits.max_cost is None:
        return
    for role in roles:
        if role.model.price(1000, 1000) is None:
            raise UsageError(
                f"--max-cost needs the price of {role.model.name}, which is unknown",
                f"Set models.{role.name}.input_price and models.{role.name}.output_price (US dollars per million tokens).",
            )


def priced(settings: Settings, spent: Mapping[str, Usage], roles: Mapping[str, Role]) -> dict[str, Usage]:
    """``spent`` with today's prices where the cost was unknown when it was spent: a cost limit must not count it as nothing."""
    if settings.limits.max_cost is None:
        return dict(spent)
    return {
        name: replace(usage, cost_usd=roles[name].model.price(usage.prompt_tokens, usage.completion_tokens))
        if usage.cost_usd is None and name in roles
        else usage
        for name, usage in spent.items()
    }


def _roles(models: ModelsSettings) -> Iterable[tuple[str, RoleSettings]]:
    yield "generator", models.generator
    yield "reflector", models.reflector
    if models.curator.model is not None:
        yield "curator", models.curator
