"""Playbook files: what is read, told apart by content, and what is written.

Read: ace's JSON and JSONL, checkpoints, plain lists of bullets, the paper's text form and the JSON
skillbooks of other ACE tools (:func:`read_playbook`). Written: one function a form, bytes out, in the form's module.
"""

from ace_cli.playbook.formats.ace_json import dump_playbook, is_playbook_file
from ace_cli.playbook.formats.reading import parse_playbook, read_playbook

__all__ = ["dump_playbook", "is_playbook_file", "parse_playbook", "read_playbook"]
