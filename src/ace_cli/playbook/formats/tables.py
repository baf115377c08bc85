"""One row a bullet: CSV for spreadsheets, and the rows that become Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

from ace_cli.playbook.bullet import Bullet
from ace_cli.playbook.formats.clean import valid_tree, visible
from ace_cli.playbook.playbook import Playbook

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection"), full-width forms included."""


def columns(bullets: Iterable[Bullet]) -> dict[str, list[Any]]:
    """Column name -> values. ``extra`` (JSON text) is there only when a bullet has unknown fields."""
    table: dict[str, list[Any]] = {}
    extras: list[str] = []
    for bullet in bullets:
        row = bullet.to_dict()
        for name in bullet.extra:
            del row[name]
        for name, value in row.items():
            table.setdefault(name, []).append(value)
        extras.append(_json(bullet.extra) if bullet.extra else "")
    if any(extras):
        table["extra"] = extras
    return {name: valid_tree(values) for name, values in table.items()}


def dump_csv(playbook: Playbook) -> bytes:
    """UTF-8 CSV with a header line; sources are joined by ``; ``.

    A cell that a spreadsheet would run as a formula gets a leading apostrophe, which the spreadsheet
    takes as "this is text"; control characters become visible pictures.
    """
    table = columns(playbook.bullets) or columns([Bullet(id="-", content="-")])
    names = list(table)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    if len(playbook):
        writer.writerows(zip(*([_cell(value) for value in table[name]] for name in names), strict=True))
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = "; ".join(value)
    if not isinstance(value, str):
        return value
    text = visible(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _json(value: Any) -> str:
    return json.dumps(valid_tree(dict(value)), ensure_ascii=False, default=str)
