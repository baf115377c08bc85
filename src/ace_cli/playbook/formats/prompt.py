"""The text that the Generator reads: one bullet a line, in the playbook's order, without counts."""

from __future__ import annotations

from ace_cli.playbook.playbook import Playbook
from ace_cli.playbook.render import lines


def dump_prompt(playbook: Playbook) -> bytes:
    """``[B007] content`` lines, a line feed after the last."""
    text = lines(playbook.bullets)
    return f"{text}\n".encode() if text else b""
