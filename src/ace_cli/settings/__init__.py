"""The settings of a run: what there is (:mod:`.model`), and where values come from (:mod:`.layers`)."""

from ace_cli.settings.model import (
    Definition,
    DisplaySettings,
    Kind,
    LimitSettings,
    ModelsSettings,
    RoleSettings,
    Section,
    Settings,
    definitions,
    nested,
    runtime,
)

__all__ = [
    "Definition",
    "DisplaySettings",
    "Kind",
    "LimitSettings",
    "ModelsSettings",
    "RoleSettings",
    "Section",
    "Settings",
    "definitions",
    "nested",
    "runtime",
]
