"""From a raw row, whatever file it came from, to an Example."""

from __future__ import annotations

import datetime
import decimal
import difflib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ace_cli.data.example import Example, FieldMap
from ace_cli.playbook import GENERAL
from ace_cli.scoring.truth import gsm8k_truth


@dataclass(frozen=True, slots=True)
class Row:
    """A row as a reader finds it.

    Attributes:
        number: from 1, in the order of the source; blank lines are not counted, bad rows are.
        place: where it is, for people: "line 17", "row 17".
        value: an object by field name, or something else that is no row.
        problem: why there is no value at all (a line that is no JSON); empty otherwise.
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
        BadRow: a field is missing, empty, or no text.
    """
    if row.problem:
        raise BadRow(row.problem)
    if not isinstance(row.value, Mapping):
        raise BadRow(f"expected an object with question and answer, found {_described(row.value)}")
    values = row.value
    question = _required(values, fields.question, "question")
    answer = gsm8k_truth(_required(values, fields.answer, "answer"))
    taken = {fields.question, fields.answer}
    domain = "" if "domain" in taken else _optional(values, fields.domain, "domain")
    context = (
        "" if "context" in taken and not fields.context else _optional(values, fields.context, "context")
    )
    identifier = "" if "id" in taken else _optional(values, fields.id, "id")
    return Example(
        id=identifier.strip() or f"{id_prefix}-{row.number:06d}",
        question=question,
        answer=answer,
        domain=domain.strip() or GENERAL,
        context=context,
    )


def columns(fields: FieldMap) -> tuple[set[str], set[str]]:
    """The columns without which there is no example, and all that an example may need, for readers that can leave others unread."""
    names = {
        role: getattr(fields, role) or role for role in ("question", "answer", "domain", "context", "id")
    }
    if any(
        "." in name for name in names.values()
    ):  # inside of a column, or a column's name: known only when it is read
        names |= {f"{role} (outer)": name.split(".")[0] for role, name in names.items()}
    return {names["question"], names["answer"]}, set(names.values())


def _required(values: Mapping[object, object], name: str | None, role: str) -> str:
    value = _find(values, name or role, role)
    if value is None or (isinstance(value, str) and not value.strip()):
        raise BadRow(f"the field {name or role!r} is empty")
    return _text(value, name or role)


def _optional(values: Mapping[object, object], name: str | None, role: str) -> str:
    if name is None and role not in values:
        return ""
    value = _find(values, name or role, role)
    if role == "context" and isinstance(value, list | Mapping):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else _text(value, name or role)


def _find(values: Mapping[object, object], name: str, role: str) -> object:
    if name in values:
        return values[name]
    here: object = values
    for step in name.split("."):
        if isinstance(here, Mapping) and step in here:
            here = here[step]
        elif isinstance(here, list) and step.isdecimal() and len(step) < 9 and int(step) < len(here):
            here = here[int(step)]
        else:
            raise BadRow(f"there is no field {name!r}", field_hint(values, name, role))
    return here


def field_hint(names: Iterable[object], wanted: str, role: str) -> str:
    """Which fields there are, and the flag that names the right one."""
    known = [str(name) for name in names][:30]
    if not known:
        return "The row has no fields."
    near = difflib.get_close_matches(wanted, known, n=1)
    guess = f" Perhaps --{role}-field {near[0]}?" if near else f" Name the right one with --{role}-field."
    return f"Fields there are: {', '.join(known)}.{guess}"


def _text(value: object, name: str) -> str:
    """A scalar as text, as JSON writes it."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    if isinstance(value, int) and value.bit_length() < 10_000:
        return str(value)
    if isinstance(value, decimal.Decimal) and value.is_finite():
        return str(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    hint = (
        f"Name what is inside it with dots, like --{name}-field {name}.0."
        if isinstance(value, list | dict)
        else ""
    )
    raise BadRow(f"the field {name!r} is no text but {_described(value)}", hint)


def _described(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    if type(value) in kinds:
        return kinds[type(value)]
    return (
        f"{str(value)[:20]}"
        if isinstance(value, int | float) and not isinstance(value, bool)
        else type(value).__name__
    )
