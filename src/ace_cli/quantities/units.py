"""The units that are told apart. One table, for the numbers of answers and for the words of lessons.

A unit that is not here (apples, people) is read over, and nothing is converted: 5 km is not 5000 m.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_TABLE = """
mass:        kg kgs kilogram kilo | g gram | mg milligram | mcg microgram µg
mass:        lb lbs pound~ | oz ounce | ton tonne
length:      km kms kilometer kilometre | m meter metre | cm centimeter centimetre | mm millimeter millimetre
length:      mile | foot feet ft | inch inches | yard yd yds
time:        hour hr hrs h hourly~ | minute min | sec seconds second# | ms millisecond | day daily~ | week weekly~
           | month monthly~ | quarter~ quarterly~ | year yr yrs yearly~ annual~ annually~
volume:      l liter litre | ml milliliter millilitre
volume:      gallon | cup | pint
volume:      m^3 cubicmeter cubicmetre | cm^3
area:        m^2 sqm squaremeter squaremetre | cm^2 | km^2
area:        ft^2 sqft squarefoot squarefeet
speed:       km/h kmh kph | m/s
speed:       mph mi/h
temperature: celsius °c
temperature: fahrenheit °f
temperature: kelvin
money:       dollar usd $ us$ buck | cent ¢
money:       euro eur €
money:       sterling gbp £
money:       yen jpy ¥
money:       rupee ₹ inr# rs# rs.#
scale:       thousand~ | million~ | billion~ | trillion~
data:        byte | kb kilobyte | mb megabyte | gb gigabyte | bit
power:       watt | kilowatt kw | joule | calorie | volt | ampere amp | ohm
angle:       degree~ | radian
ratio:       percent pct % | basispoint
"""
"""A line is a system: its units side by side are one quantity in parts (2 hours 30 minutes), parted by ``|``.

Spellings are lower case, plurals with -s go without saying. ``in#`` is a unit only behind a number, since it has another
meaning elsewhere; ``pound~`` only among words, since behind a number it could be of another dimension (£ or lb).
"""


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """``system`` and ``place`` are where it stands in the table; ``name`` is its first spelling."""

    system: int
    place: int
    name: str
    dimension: str


def _units() -> Iterator[tuple[str, Unit]]:
    """Each spelling in the table, with its mark, and its unit."""
    for system, line in enumerate(_TABLE.strip().replace("\n           |", " |").splitlines()):
        dimension, _, units = line.partition(":")
        for place, spellings in enumerate(map(str.split, units.split("|"))):
            for spelling in spellings:
                yield spelling, Unit(system, place, spellings[0].rstrip("#~"), dimension)


def _with_plural(spelling: str) -> tuple[str, ...]:
    plural = spelling.isalpha() and len(spelling) > 2 and not spelling.endswith("s")
    return (spelling, f"{spelling}es" if spelling == "inch" else f"{spelling}s") if plural else (spelling,)


def _spelled(other_mark: str) -> dict[str, Unit]:
    return {
        form: unit
        for spelling, unit in _units()
        if not spelling.endswith(other_mark)
        for form in _with_plural(spelling.rstrip("#~"))
    }


BEHIND_NUMBERS, AMONG_WORDS = _spelled("~"), _spelled("#")
DOLLAR, PERCENT = BEHIND_NUMBERS["$"], BEHIND_NUMBERS["%"]

CURRENCY = r"(?:US|CA|AU|NZ|HK|[ACS])?\$|[€£¥₹₩]|(?<![A-Za-z])(?:USD|EUR|GBP|INR|JPY|CNY|CAD|AUD|CHF|Rs\.?)"
"""How an amount of money may begin; not all of them are told apart."""
