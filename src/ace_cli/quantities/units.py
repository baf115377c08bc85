"""The units that are told apart. One table (``units.txt``), for the numbers of answers and for the words of lessons.

A unit that is not here (apples, people) is read over, and nothing is converted: 5 km is not 5000 m.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """``system`` and ``place`` are where it stands in the table; ``name`` is its first spelling."""

    system: int
    place: int
    name: str
    dimension: str


def _spelled(other_mark: str) -> Iterator[tuple[str, Unit]]:
    """Each spelling in the table that does not bear ``other_mark``, and its plural, with its unit."""
    table = resources.files(__package__).joinpath("units.txt").read_text("utf-8")
    rows = [row for row in table.splitlines() if not row.startswith("#")]
    for system, line in enumerate(rows):
        dimension, _, units = line.partition(":")
        for place, spellings in enumerate(map(str.split, units.split("|"))):
            unit = Unit(system, place, spellings[0].rstrip("#~"), dimension)
            for spelling in spellings:
                if not spelling.endswith(other_mark):
                    yield from ((form, unit) for form in _with_plural(spelling.rstrip("#~")))


def _with_plural(spelling: str) -> tuple[str, ...]:
    plural = spelling.isalpha() and len(spelling) > 2 and not spelling.endswith("s")
    return (spelling, f"{spelling}es" if spelling == "inch" else f"{spelling}s") if plural else (spelling,)


BEHIND_NUMBERS, AMONG_WORDS = dict(_spelled("~")), dict(_spelled("#"))
DOLLAR, PERCENT = BEHIND_NUMBERS["$"], BEHIND_NUMBERS["%"]

CURRENCY = r"(?:US|CA|AU|NZ|HK|[ACS])?\$|[€£¥₹₩]|(?<![A-Za-z])(?:USD|EUR|GBP|INR|JPY|CNY|CAD|AUD|CHF|Rs\.?)"
"""How an amount of money may begin; not all of them are told apart."""
