"""Cells in columns, fitted to a width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from ace_cli.report.terminal.style import QUIET
from ace_cli.report.terminal.tables import cut


def grid(
    rows: Sequence[Sequence[str]], width: int, *, last_left: bool = False, mark: str = "…"
) -> Iterator[Text]:
    """A quiet header and rows below it: the first column flush left, the others right.

    The first column is cut so that the others fit.

    Args:
        rows: the header first, all of one length; what others wrote is already printable.
        last_left: the last column holds words: flush left, and it is cut instead of the first.
    """
    sizes = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    room = width - 2 * (len(sizes) - 1) - sum(sizes)
    giving = -1 if last_left else 0
    sizes[giving] = max(min(8, sizes[giving]), sizes[giving] + min(room, 0))
    for number, row in enumerate(rows):
        cells = []
        for at, (cell, size) in enumerate(zip(row, sizes, strict=True)):
            text = cut(cell, size, mark)
            left = at == 0 or (last_left and at == len(sizes) - 1)
            cells.append(set_cell_size(text, size) if left else " " * (size - cell_len(text)) + text)
        line = Text("  ".join(cells).rstrip(), "" if number else QUIET, no_wrap=True)
        line.truncate(width)
        yield line
