"""From a raw row, whatever file it came from, to an Example."""

from __future__ import annotations

import datetime
import decimal
import difflib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ace_cli.data.example import ROLES, Example, FieldMap
from ace_cli.playbook import GENERAL
from ace_cli.scoring.truth import gsm8k_truth


@dataclass(frozen=True, slots=True)
class Row:
    """A row as a reader finds it.

    Attributes:
        number: from 1, in the order of the source; blank lines are not counted, bad rows are.
        place: where it is, for people: "line 17", "row 17".
        value: an object by field name, or something else that is no row.
        problem: why there is no value at all (a line that is not JSON); empty otherwise.
    """

    number: int
    place: str
    value: object
    problem: str = ""


class BadRow(Exception):
    """What is wrong with one row, and what helps; it becomes an error or a skipped row."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


def to_example(row: Row, fields: FieldMap, id_prefix: str) -> Example:
    """The example in ``row``. Numbers and true/false become text as JSON writes them; of a worked solution the answer is what
    follows ``####`` (see :mod:`ace_cli.scoring.truth`). Text stays as it is, but for what no file can hold: a lone surrogate or NUL
    becomes U+FFFD. Without an id of its own a row is called ``PREFIX-000017``, by its number.

    Raises:
        BadRow: a field is missing, empty, or not text.
    """
    if row.problem:
        raise BadRow(row.problem)
    if not isinstance(row.value, Mapping):
        raise BadRow(f"expected an object with question and answer, found {_described(row.value)}")
    question, answer, domain, context, identifier = (_text(row.value, fields, role) for role in ROLES)
    return Example(
        id=identifier.strip() or f"{id_prefix}-{row.number:06d}",
        question=question,
        answer=gsm8k_truth(answer),
        domain=domain.strip() or GENERAL,
        context=context,
        cluster=_text(row.value, fields, "cluster") if fields.cluster else "",
    )


def columns(fields: FieldMap) -> tuple[set[str], set[str]]:
    """The columns without which there is no example, and all that an example may need, for readers that can leave others unread."""
    names = {fields.name_of(role) for role in ROLES} | ({fields.cluster} if fields.cluster else set())
    outer = {name.partition(".")[0] for name in names}  # a dot: inside a column, or a part of its name
    return {fields.name_of("question"), fields.name_of("answer")}, names | outer


def _text(values: Mapping[object, object], fields: FieldMap, role: str) -> str:
    """What the row has for ``role``; "" where it need not have anything."""
    name, named = fields.name_of(role), getattr(fields, role) is not None
    required = role in ("question", "answer")
    if name not in values:
        name = _in_any_case(tuple(values), name)
    if not (required or named) and (name not in values or name in (fields.question, fields.answer)):
        return ""
    value = _find(values, name, role, fields)
    if required and (value is None or (isinstance(value, str) and not value.strip())):
        raise BadRow(f"the field {name!r} is empty")
    if value is None:
        return ""
    if role == "context" and isinstance(value, list | Mapping):
        return json.dumps(value, ensure_ascii=False, default=str)
    text = _as_text(value)
    if text is None:
        inside = next(iter(value), "") if isinstance(value, Mapping) else 0
        hint = f"Name what is inside it with dots, like {_flag(role)} {name}.{inside}." if value else ""
        raise BadRow(
            f"the field {name!r} is not text but {_described(value)}",
            hint if isinstance(value, list | dict) else "",
        )
    return text


@lru_cache(maxsize=64)
def _in_any_case(names: tuple[object, ...], wanted: str) -> str:
    """The one of ``names`` that is ``wanted`` but for case and spaces around it; without one, ``wanted`` itself."""
    folded = wanted.strip().casefold()
    alike = [name for name in names if isinstance(name, str) and name.strip().casefold() == folded]
    return alike[0] if len(alike) == 1 else wanted


def _find(values: Mapping[object, object], name: str, role: str, fields: FieldMap) -> object:
    if name in values:
        return values[name]
    here: object = values
    for step in name.split("."):
        if isinstance(here, Mapping) and step in here:
            here = here[step]
        elif isinstance(here, list) and step.isdecimal() and len(step) < 9 and int(step) < len(here):
            here = here[int(step)]
        else:
            raise _missing(values, name, role, fields)
    return here


def _missing(values: Mapping[object, object], name: str, role: str, fields: FieldMap) -> BadRow:
    """Of one field, or of both without which there is no example; the hint knows what stands inside of objects, too."""
    names: list[object] = []
    for outer, value in values.items():
        names.extend(
            (f"{outer}.{inner}" for inner in value) if isinstance(value, dict) and value else [outer]
        )
    other = fields.name_of("answer")
    if role != "question" or other in names or _in_any_case(tuple(names), other) != other or "." in other:
        return BadRow(f"there is no field {name!r}", field_hint(names, name, role))
    hint = field_hint(names, name, role).partition(" Perhaps ")[0].partition(" Name ")[0]
    return BadRow(
        f"there is no field {name!r} and no {other!r}",
        f"{hint} Name them with --question-field and --answer-field.",
    )


def field_hint(names: Iterable[object], wanted: str, role: str) -> str:
    """Which fields there are, and the flag that names the right one."""
    known = [str(name) for name in names][:30]
    if not known:
        return "The row has no fields."
    inner = [name for name in known if name.rpartition(".")[2].casefold() == wanted.casefold()]
    near = inner[:1] or difflib.get_close_matches(wanted, known, n=1)
    flag = _flag(role)
    guess = f" Perhaps {flag} {near[0]}?" if near else f" Name the right one with {flag}."
    return f"Available fields: {', '.join(known)}.{guess}"


def _flag(role: str) -> str:
    return "--cluster" if role == "cluster" else f"--{role}-field"


def _as_text(value: object) -> str | None:
    """A scalar as JSON writes it; None for anything else."""
    match value:
        case str():
            return value.replace("\0", "\ufffd")
        case bool():
            return "true" if value else "false"
        case float() if math.isfinite(value):
            return repr(value)
        case int() if value.bit_length() < 10_000:
            return str(value)
        case decimal.Decimal() if value.is_finite():
            return str(value)
        case datetime.date() | datetime.time():
            return value.isoformat()
    return None


def _described(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    if type(value) in kinds:
        return kinds[type(value)]
    return str(value)[:20] if isinstance(value, int | float) else type(value).__name__
