"""How models inside this process are asked where nobody says: found out by one call before a run is made, and kept with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from ace_cli.engine.checks import called_roles
from ace_cli.engine.events import Listener, Notice
from ace_cli.engine.wiring import NO_REPLACEMENTS, Replacements
from ace_cli.llm.factory import LOCAL
from ace_cli.settings import ModelsSettings, RoleSettings
from ace_cli.settings.layers import Loaded


def settle_styles(loaded: Loaded, emit: Listener, replacements: Replacements = NO_REPLACEMENTS) -> Loaded:
    """``loaded`` with the prompt style of each local model decided that was left to ``auto``.

    A model that is named by the record of a training (``ace eval``) is asked as it was there.

    Raises:
        UsageError, ModelError: a local model cannot be had.
    """
    models = loaded.settings.models
    said = {name: loaded.origin.get(f"models.{name}.model") for name in models.roles}
    roles = [
        name
        for name in called_roles(loaded.settings, replacements)
        if name in said and ((layer := said[name]) is None or layer.rank > 0)
    ]
    settled = settle_roles(models, roles, lambda note: emit(Notice(note)))
    if settled is models:
        return loaded
    return replace(loaded, settings=loaded.settings.model_copy(update={"models": settled}))


def settle_roles(
    models: ModelsSettings, roles: Iterable[str], notify: Callable[[str], None]
) -> ModelsSettings:
    """``models`` with ``prompt_style = json`` for each local model of ``roles`` that was left to ``auto`` and fills in a form.

    The others stay at ``auto``, which is plain text for local models: so runs and playbooks on record keep their meaning.

    Args:
        notify: is told how each model is asked.

    Raises:
        UsageError, ModelError: a local model cannot be had.
    """
    able: dict[str, bool] = {}
    changed: dict[str, RoleSettings] = {}
    for name in roles:
        role: RoleSettings = getattr(models, name)
        model = role.model or ""
        if role.prompt_style != "auto" or not model.startswith(LOCAL):
            continue
        if model not in able:
            able[model] = _fills_forms(model)
            how = (
                "in JSON: it filled in a form as it was told"
                if able[model]
                else "in plain text: it does not fill in a form as it is told"
            )
            notify(f"{model} is asked {how}")
        if able[model]:
            changed[name] = role.model_copy(update={"prompt_style": "json"})
    return models.model_copy(update=changed) if changed else models


def _fills_forms(model: str) -> bool:
    from ace_cli.llm.local import LocalModel

    return LocalModel(model).fills_forms()
