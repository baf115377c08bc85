"""Parquet through ``datasets``: what `load_dataset("parquet", ...)` and every data tool reads."""

from __future__ import annotations

import io

from ace_cli.playbook import Bullet, Playbook
from ace_cli.playbook.formats.tables import columns

_KINDS = {int: "int64", float: "float64", str: "string"}


def dump_parquet(playbook: Playbook) -> bytes:
    """One row a bullet; the columns have the same types whatever the bullets hold, also when there are none."""
    import datasets

    table = columns(playbook.bullets)
    shape = columns([Bullet(id="-", content="-")])
    kinds = {
        name: datasets.List(datasets.Value("string"))
        if name == "sources"
        else datasets.Value(_KINDS[type(shape[name][0])] if name in shape else "string")
        for name in table
    }
    out = io.BytesIO()
    had_bars = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        datasets.Dataset.from_dict(table, features=datasets.Features(kinds)).to_parquet(out)
    finally:
        if had_bars:
            datasets.enable_progress_bars()
    return out.getvalue()
