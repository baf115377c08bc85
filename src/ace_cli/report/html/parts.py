"""Pieces of markup. All text that goes through here is escaped; what comes out is safe markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ace_cli.report.html.charts import Chart
from ace_cli.text import visible, visible_line


def tiles(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<div><dt>{text(label)}</dt><dd>{text(value)}</dd></div>" for label, value in pairs)


def figure(chart: Chart) -> str:
    legend = "".join(
        f'<span class="key key-{index}">{text(name)}</span>' for index, name in enumerate(chart.series)
    )
    return (
        f'<figure class="chart"><figcaption><h3>{text(chart.title)}</h3>{legend}</figcaption>'
        f"{chart.svg}<p>{text(chart.words)}</p></figure>"
    )


def more(title: str, body: str) -> str:
    return f"<details><summary>{text(title)}</summary>{body}</details>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = False) -> str:
    kind = ' class="numbers"' if numbers else ""
    top = "".join(f'<th scope="col">{text(cell)}</th>' for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table{kind}><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def text(value: object) -> str:
    return escape(visible_line(visible(str(value))))
