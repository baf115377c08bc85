"""The settings of a run: what there is (:mod:`.model`), where values come from (:mod:`.layers`), what a run keeps (:mod:`.recorded`)."""

from ace_cli.settings.definition import Definition, Kind, Section, definitions, runtime
from ace_cli.settings.model import (
    DEFINITIONS,
    DataSettings,
    DisplaySettings,
    LimitSettings,
    ModelsSettings,
    OutputSettings,
    RoleSettings,
    Settings,
)

__all__ = [
    "DEFINITIONS",
    "DataSettings",
    "Definition",
    "DisplaySettings",
    "Kind",
    "LimitSettings",
    "ModelsSettings",
    "OutputSettings",
    "RoleSettings",
    "Section",
    "Settings",
    "definitions",
    "runtime",
]
