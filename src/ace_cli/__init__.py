"""Train playbooks for language models: Agentic Context Engineering, from Python.

Names are imported when they are first used, so that the command line starts fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ace_cli._version import __version__

if TYPE_CHECKING:
    from ace_cli.api import (
        OfflineTrainer,
        TrainingConfig,
        TrainingMetrics,
        create_offline_trainer,
        evaluate,
        resume,
    )
    from ace_cli.data import DatasetLoader, Example
    from ace_cli.errors import AceError
    from ace_cli.evaluation.records import EvalReport
    from ace_cli.playbook import Bullet, Playbook, PlaybookStage
    from ace_cli.playbook.formats import read_playbook

__all__ = [
    "AceError",
    "Bullet",
    "DatasetLoader",
    "EvalReport",
    "Example",
    "OfflineTrainer",
    "Playbook",
    "PlaybookStage",
    "TrainingConfig",
    "TrainingMetrics",
    "__version__",
    "create_offline_trainer",
    "evaluate",
    "read_playbook",
    "resume",
]

_HOMES = {
    "AceError": "ace_cli.errors",
    "Bullet": "ace_cli.playbook",
    "DatasetLoader": "ace_cli.data",
    "EvalReport": "ace_cli.evaluation.records",
    "Example": "ace_cli.data",
    "OfflineTrainer": "ace_cli.api",
    "Playbook": "ace_cli.playbook",
    "PlaybookStage": "ace_cli.playbook",
    "TrainingConfig": "ace_cli.api",
    "TrainingMetrics": "ace_cli.api",
    "create_offline_trainer": "ace_cli.api",
    "evaluate": "ace_cli.api",
    "read_playbook": "ace_cli.playbook.formats",
    "resume": "ace_cli.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
