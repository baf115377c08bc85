"""One row a bullet: CSV for spreadsheets, Parquet for data tools."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from ace_cli.playbook.bullet import Bullet
from ace_cli.playbook.playbook import Playbook
from ace_cli.text import visible

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection"), full-width forms included."""


def _columns(bullets: Sequence[Bullet]) -> dict[str, list[Any]]:
    """Column name -> values. ``extra`` (JSON text) is there only when a bullet has unknown fields."""
    table: dict[str, list[Any]] = {
        field.name: list(map(attrgetter(field.name), bullets)) for field in fields(Bullet)
    }
    table["section"] = [section.value for section in table["section"]]
    table["stage"] = [stage.value for stage in table["stage"]]
    table["sources"] = [list(sources) for sources in table["sources"]]
    extras = table.pop("extra")
    if any(extras):
        table["extra"] = [
            json.dumps(dict(extra), ensure_ascii=False, default=str) if extra else "" for extra in extras
        ]
    return table


def dump_csv(playbook: Playbook) -> bytes:
    """UTF-8 CSV with a header line; sources are joined by ``; ``.

    A cell that a spreadsheet would run as a formula gets a leading apostrophe, which the spreadsheet
    takes as "this is text"; control characters become visible pictures.
    """
    table = _columns(playbook.bullets)
    table["sources"] = ["; ".join(sources) for sources in table["sources"]]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*(map(_cell, values) for values in table.values()), strict=True))
    return out.getvalue().encode()


def dump_parquet(playbook: Playbook) -> bytes:
    """The columns have the same types whatever the bullets hold, also when there are none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64(), list: pa.list_(pa.string())}
    table = _columns(playbook.bullets)
    shape = _columns([Bullet(id="-", content="-")])
    schema = pa.schema([(name, kinds[type(shape[name][0]) if name in shape else str]) for name in table])
    out = io.BytesIO()
    pq.write_table(pa.table(table, schema=schema), out)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = visible(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
