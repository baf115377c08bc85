"""The value that is trained: bullets, playbooks and deltas. Pure; no I/O but file formats."""

from ace_cli.playbook.bullet import GENERAL, Bullet, PlaybookStage, Section, Tag, confidence
from ace_cli.playbook.delta import (
    Add,
    Answers,
    Change,
    Confirm,
    Credit,
    Delta,
    Drop,
    Join,
    Link,
    Refined,
    SetAside,
    TakeBack,
    Vote,
)
from ace_cli.playbook.playbook import FORMAT_VERSION, GrowingPlaybook, Playbook, id_number, make_id

__all__ = [
    "FORMAT_VERSION",
    "GENERAL",
    "Add",
    "Answers",
    "Bullet",
    "Change",
    "Confirm",
    "Credit",
    "Delta",
    "Drop",
    "GrowingPlaybook",
    "Join",
    "Link",
    "Playbook",
    "PlaybookStage",
    "Refined",
    "Section",
    "SetAside",
    "Tag",
    "TakeBack",
    "Vote",
    "confidence",
    "id_number",
    "make_id",
]
