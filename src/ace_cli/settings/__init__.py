"""The settings of a run: what there is (:mod:`.model`), where values come from (:mod:`.layers`), what a run keeps (:mod:`.recorded`)."""

from ace_cli.settings.definition import Kind
from ace_cli.settings.model import (
    DEFINITIONS,
    DataSettings,
    DisplaySettings,
    LimitSettings,
    ModelsSettings,
    OutputSettings,
    RoleSettings,
    Settings,
    TrainingSettings,
    ValidationSettings,
)

__all__ = [
    "DEFINITIONS",
    "DataSettings",
    "DisplaySettings",
    "Kind",
    "LimitSettings",
    "ModelsSettings",
    "OutputSettings",
    "RoleSettings",
    "Settings",
    "TrainingSettings",
    "ValidationSettings",
]
