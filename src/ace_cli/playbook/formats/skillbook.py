"""JSON skillbooks of other ACE tools: entries keyed by id, with their own names for our fields.

    {"skills": {"reasoning-00001": {"section": "reasoning", "content": "...", "helpful": 3, "harmful": 0, ...}}, ...}

Older ones call the table ``bullets``. Fields without a counterpart here are kept as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ace_cli.errors import UsageError
from ace_cli.playbook.bullet import PlaybookStage, Section
from ace_cli.playbook.formats.paper import section_of

_NAMES = {"helpful": "helpful_count", "harmful": "harmful_count", "neutral": "neutral_count"}


def parse_skillbook(table: Mapping[str, Any] | list[Any], name: str) -> list[dict[str, Any]]:
    """Rows as in our own files, in the order of the table.

    Raises:
        UsageError: an entry that is no object.
    """
    entries = table.items() if isinstance(table, Mapping) else ((None, entry) for entry in table)
    rows = []
    for number, (key, entry) in enumerate(entries, 1):
        if not isinstance(entry, dict):
            raise UsageError(f"{name}: skill {key or number!r:.60} is {type(entry).__name__}, not an object")
        rows.append(_row(key, entry))
    return rows


def _row(key: str | None, entry: Mapping[str, Any]) -> dict[str, Any]:
    row = {_NAMES.get(field, field): value for field, value in entry.items()}
    if key is not None:
        row.setdefault("id", key)
    section = row.get("section")
    if isinstance(section, str) and section not in set(Section):
        row["section"] = section_of(section).value
        row["paper_section"] = section
    if row.get("status") == "invalid":  # how these tools retire a skill
        row["stage"] = PlaybookStage.QUARANTINED.value
    return row
