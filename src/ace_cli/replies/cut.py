"""Numbers that a grammar cut off at a thousands separator."""

from __future__ import annotations

import re

from ace_cli.quantities.normalize import normalize
from ace_cli.quantities.quantity import quantities, read_number
from ace_cli.scoring.numeric import answered

_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?")
_SEPARATED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


def uncut(number: str, reasoning: str) -> str:
    """The number that ``reasoning`` comes to, where ``number`` (a JSON one) is its beginning; else ``number``.

    JSON has no commas in its numbers. A model that is about to write 16,000 and is bound to JSON by a grammar can only go on with a point, or
    end: 16.0, or 553.20 for 553,200. That is seen by three things together: the reasoning comes to a number with separators,
    ``number`` is that one up to a separator, and the reasoning does not name ``number`` itself (as "16 thousand").
    """
    written = _NUMBER.fullmatch(number)
    found = answered(reasoning) if written and _SEPARATED.search(reasoning) else None
    if not written or found is None or found.value is None or not (whole := _SEPARATED.search(found.text)):
        return number
    sign, ones, decimals = written[1], written[2], (written[3] or "").rstrip("0")
    groups = whole[0].split(",")
    beginnings = (("".join(groups[:at]), "".join(groups[at:])) for at in range(1, len(groups)))
    if not any(ones == head and rest.replace(".", "").startswith(decimals) for head, rest in beginnings):
        return number
    meant = read_number(number)
    if meant is None or any(named.value == meant.value for named in quantities(normalize(reasoning))):
        return number
    return sign + whole[0].replace(",", "")


def bare_number(text: str, key: str) -> str | None:
    """The last number that a JSON object in ``text`` gives for ``key`` without quotes; None where there is none."""
    found = re.findall(rf'"{re.escape(key)}"\s*:\s*(-?\d[\d.]*)\s*[,}}]', text)
    return found[-1] if found else None
