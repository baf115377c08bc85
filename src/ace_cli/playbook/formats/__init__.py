"""Playbook files: what is read, told apart by content, and what is written.

Read: ace's JSON and JSONL, checkpoints, plain lists of bullets, the paper's text form and the JSON
skillbooks of other ACE tools (:func:`read_playbook`). Written: one function a form, bytes out.
"""

from ace_cli.playbook.formats.ace_json import dump_jsonl, dump_playbook
from ace_cli.playbook.formats.markdown import dump_agents_section, dump_markdown, dump_skill, merge_section
from ace_cli.playbook.formats.paper import dump_paper
from ace_cli.playbook.formats.prompt import dump_prompt
from ace_cli.playbook.formats.reading import parse_playbook, read_playbook
from ace_cli.playbook.formats.tables import dump_csv, dump_parquet

__all__ = [
    "dump_agents_section",
    "dump_csv",
    "dump_jsonl",
    "dump_markdown",
    "dump_paper",
    "dump_parquet",
    "dump_playbook",
    "dump_prompt",
    "dump_skill",
    "merge_section",
    "parse_playbook",
    "read_playbook",
]
