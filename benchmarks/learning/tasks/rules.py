"""The rules of the tasks, in code: what is wrong with a task's rows by them, a sentence each.

What a row's key means is said at its check. The text must say what the key says, the answer must follow from it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from benchmarks.learning.tasks.rows import SPLITS, Row, Task

DAYS = {"Mon": "Monday", "Tue": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday", "Fri": "Friday"}
DAYS |= {"Sat": "Saturday", "Sun": "Sunday"}
MONTHS = ["January", "February", "March", "April", "May", "June", "July"]
MONTHS += ["August", "September", "October", "November", "December"]
NUMBERS = {2: "two|both|pair|couple", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}
NUMBERS |= {9: "nine", 10: "ten", 11: "eleven", 12: "twelve"}


def check_labels(task: Task) -> Iterator[str]:
    """The key is the line of the rule. Rules come in pairs, one for either side; no label stands out."""
    labels = [rule.rstrip(".").split()[-1] for rule in task.gold]
    yield from (
        f"{label} has {times} sides" for label, times in Counter(labels).items() if times not in (2, 3)
    )
    pairs = zip(labels[::2], labels[1::2], strict=True)
    yield from (f"both sides are {one}" for one, other in pairs if one == other)
    for split in SPLITS:
        sides = Counter(row.key for row in task.of(split))
        if sides and (len(sides) != len(labels) or len(set(sides.values())) != 1):
            yield f"{split} has unequal sides: {sides}"
    for row in task.rows:
        if row.answer != labels[int(row.key) - 1]:
            yield f"{row.id}: {row.answer} against the rule {task.gold[int(row.key) - 1]}"
        if missing := {label for label in labels if label not in row.question}:
            yield f"{row.id} does not offer {', '.join(missing)}"


def check_facts(task: Task) -> Iterator[str]:
    """The key is the line of the fact; a split asks for each fact once."""
    for split in SPLITS:
        if sorted(int(row.key) for row in task.of(split)) != list(range(1, len(task.gold) + 1)):
            yield f"{split} does not ask for every fact once"
    for row in task.rows:
        answer = re.compile(rf"\b{re.escape(row.answer)}\b", re.IGNORECASE)
        if not answer.search(task.gold[int(row.key) - 1]):
            yield f"{row.id}: {row.answer} is not in the fact"
        if answer.search(row.question):
            yield f"{row.id} holds its answer"


@dataclass(frozen=True)
class Part:
    """A part of a log entry, and patterns of what the text says of it."""

    written: str
    said: tuple[str, ...]


def check_dates(task: Task) -> Iterator[str]:
    """The key is port, weekday, month-day, time and amount, with - for what the text does not say."""
    readings: tuple[Callable[[str], Part], ...] = (_port, _weekday, _date, _time, _amount)
    for row in task.rows:
        given = zip(readings, row.key.split(), strict=True)
        parts = [reading(value) for reading, value in given if value != "-"]
        entry = "; ".join(part.written for part in parts)
        if row.answer != entry:
            yield f"{row.id}: {row.answer}, but the rules give {entry}"
        said = [pattern for part in parts for pattern in part.said]
        yield from (f"{row.id} does not say {what}" for what in said if not _says(row, what))


def _port(name: str) -> Part:
    return Part(name[:3].upper(), (name,))


def _weekday(short: str) -> Part:
    return Part(short[:2], (DAYS[short],))


def _date(value: str) -> Part:
    month, day = map(int, value.split("-"))
    return Part(f"{month:02}.{day:02}", (MONTHS[month - 1], f"{day}(st|nd|rd|th)?"))


def _time(value: str) -> Part:
    hour, minute = map(int, value.split(":"))
    half = "(am|a.m|in the morning)" if hour < 12 else "(pm|p.m|in the afternoon|in the evening|at night)"
    return Part(f"{hour:02}{minute:02}h", (f"{(hour - 1) % 12 + 1}[:.]{minute:02} {half}",))


def _amount(crowns: str) -> Part:
    return Part(f"{crowns}cr", (f"{crowns} crowns",))


@dataclass(frozen=True)
class Passage:
    """What a row of `fares` tells. ``fare`` is for one adult by day, one way; ``children`` are ages."""

    fare: int
    adults: int
    children: tuple[int, ...]
    evening: bool
    back: bool
    dogs: int
    bicycles: int

    @property
    def price(self) -> int:
        paying = self.adults - (self.adults >= 4) + sum(age >= 6 for age in self.children)
        ticket = math.ceil(self.fare / 2) if self.evening else 2 * self.fare - 1 if self.back else self.fare
        return paying * ticket + self.dogs + 2 * self.bicycles

    @property
    def plain_price(self) -> int:
        """What one would say who does not know the rules."""
        return (self.adults + len(self.children)) * self.fare * (2 if self.back else 1)


def check_fares(task: Task) -> Iterator[str]:
    """The key is such as ``f6 n2 c4 e r d1 b1``: fare, adults, a child's age, evening, return, dogs, bicycles."""
    for split in SPLITS:
        passages = [_passage(row.key) for row in task.of(split)]
        plain = sum(passage.price == passage.plain_price for passage in passages)
        if plain > len(passages) / 6:
            yield f"{split}: {plain} of {len(passages)} are right without the rules"
    for row in task.rows:
        passage = _passage(row.key)
        if row.answer != str(passage.price):
            yield f"{row.id}: {row.answer}, but the rules give {passage.price}"
        numbers = {passage.fare, passage.adults, passage.dogs, passage.bicycles, *passage.children} - {0, 1}
        said = [f"({number}|{NUMBERS.get(number, number)})" for number in numbers]
        yield from (f"{row.id} does not say {what}" for what in said if not _says(row, what))
        things = {"dog": passage.dogs, "bicycle": passage.bicycles}
        kinds = {"evening": passage.evening, "return": passage.back}
        for word, there in (things | kinds).items():
            if bool(there) != (word in row.text):
                yield f"{row.id}: is there a word of {word}?"


def _passage(key: str) -> Passage:
    parts = key.split()
    number = {part[0]: int(part[1:]) for part in parts if part[1:]}
    children = tuple(int(part[1:]) for part in parts if part[0] == "c")
    dogs, bicycles = number.get("d", 0), number.get("b", 0)
    return Passage(number["f"], number["n"], children, "e" in parts, "r" in parts, dogs, bicycles)


def _says(row: Row, pattern: str) -> bool:
    return re.search(rf"\b{pattern}\b", row.text, re.IGNORECASE) is not None


def decisive(task: str, key: str) -> tuple[int, ...]:
    """The lines of ``gold.txt``, from 1, of the rules that decide a row with this key."""
    if task == "dates":
        return tuple(_of_an_entry(key.split()))
    if task == "fares":
        return tuple(_of_a_price(_passage(key)))
    return (int(key),)


def _of_an_entry(parts: list[str]) -> Iterator[int]:
    port, weekday, date, time, amount = (part != "-" for part in parts)
    is_early = time and int(parts[3].partition(":")[0]) < 12
    several = sum((port, weekday, date, time, amount)) > 1
    holds = (True, several, several, port, weekday, date, is_early, time and not is_early, amount)
    return (line for line, applies in enumerate(holds, 1) if applies)


def _of_a_price(passage: Passage) -> Iterator[int]:
    ages, adults = passage.children, passage.adults
    group = adults >= 4
    companions = bool(passage.dogs or passage.bicycles)
    holds = (
        *(any(age < 6 for age in ages), any(age >= 6 for age in ages)),
        *(group, adults > 1 and not group),
        *(passage.evening, passage.back, bool(passage.dogs), bool(passage.bicycles)),
        companions and (passage.evening or passage.back),
        adults + len(ages) > 1,
    )
    return (line for line, applies in enumerate(holds, 1) if applies)


CHECKS: Mapping[str, Callable[[Task], Iterator[str]]] = {
    "ledger": check_labels,
    "desk2": check_labels,
    "letters": check_labels,
    "dates": check_dates,
    "fares": check_fares,
    "facts": check_facts,
}
"""By task. A task without a check here is looked at for its form alone."""
