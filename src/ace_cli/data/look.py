"""A look at a data file that nobody has described yet: its fields, and which of them are what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ace_cli.data.example import DatasetSpec, FieldMap, Skipped
from ace_cli.data.localfile import check_path, read_file
from ace_cli.data.reader import CUSTOM, Source, read_examples
from ace_cli.data.rows import Row
from ace_cli.errors import UsageError
from ace_cli.scoring.scorers import scorer_for
from ace_cli.text import is_valid

_NAMES = {
    "question": ("question", "query", "input", "prompt", "problem", "instruction", "text", "sentence", "request", "message", "title"),
    "answer": ("answer", "output", "target", "label", "response", "completion", "expected", "solution", "gold", "truth", "result", "reply"),
    "domain": ("domain", "category", "topic", "subject", "area", "group"),
    "context": ("context", "passage", "background", "document", "reference"),
    "id": ("id", "uid", "uuid", "key"),
}  # fmt: skip
"""What fields are often called, the likeliest name first."""
_FIELDS = 200
_LOOKED_AT = 2000
"""Rows whose fields are looked at. All are counted and checked."""
_MOST_DOMAINS = 50


@dataclass(frozen=True, slots=True)
class Look:
    """What was found.

    Attributes:
        fields: role -> field, of those that there are.
        rows, bad: all rows, and those that make no example.
        domains: rows by domain; only "general" where no field holds one.
        scorer, reason: what fits the answers, and why.
        others: fields that stand for nothing.
        guessed: roles whose field was found by its place, not by its name.
    """

    path: Path
    fields: Mapping[str, str]
    rows: int
    bad: int
    domains: Mapping[str, int]
    scorer: str
    reason: str
    others: Sequence[str] = ()
    guessed: Sequence[str] = ()

    @property
    def field_map(self) -> FieldMap:
        """As a setting would name them: those with another name than the usual one."""
        return FieldMap(**{role: name for role, name in self.fields.items() if name != role})


@dataclass(slots=True)
class _Field:
    """``filled`` rows have text in it, of so many ``characters``; ``values`` are the different ones."""

    filled: int = 0
    characters: int = 0
    values: set[str] = field(default_factory=set)


def look_at(path: Path) -> Look:
    """Read all of ``path``, a file or a folder in the layout of the hub.

    Raises:
        UsageError: it is missing or unreadable, or holds nothing that can be a question with an answer.
    """
    source = Source(path=check_path(path))
    spec = DatasetSpec(name=CUSTOM, input=path, skip_invalid=True)
    rows = source.rows(spec) if path.is_dir() else read_file(path, spec, whole=True)
    found, seen = _fields(rows)
    roles, guessed = _roles(found, seen)
    if missing := [role for role in ("question", "answer") if role not in roles]:
        raise UsageError(
            f"no field of {path} looks like the {missing[0]}",
            f"Fields with text: {', '.join(list(found)[:20]) or 'none'}. `ace train` takes their names: --question-field, --answer-field.",
        )
    fields = FieldMap(**{role: name for role, name in roles.items() if name != role})
    skipped: list[Skipped] = []
    domains: Counter[str] = Counter()
    scorers: Counter[str] = Counter()
    length = 0
    for example in read_examples(
        DatasetSpec(name=CUSTOM, input=path, skip_invalid=True, fields=fields), skipped
    ):
        domains[example.domain] += 1
        scorers[scorer_for(example.answer).name] += 1
        length += len(example.answer)
    good = domains.total()
    scorer, reason = _scorer(scorers, length / good)
    others = [name for name in found if name not in roles.values()]
    return Look(
        path,
        roles,
        good + len(skipped),
        len(skipped),
        dict(domains.most_common()),
        scorer,
        reason,
        others,
        guessed,
    )


def _fields(rows: Iterator[Row]) -> tuple[dict[str, _Field], int]:
    """The fields that hold text, in the order in which they come, and how many rows were looked at."""
    found: dict[str, _Field] = {}
    seen = 0
    for row in rows:
        if seen == _LOOKED_AT:
            break
        seen += 1
        if not isinstance(row.value, Mapping):
            continue
        for name, text in _texts(row.value):
            if name in found or len(found) < _FIELDS:
                column = found.setdefault(name, _Field())
                column.filled += 1
                column.characters += len(text)
                column.values.add(text[:200])
    return found, seen


def _texts(values: Mapping[object, object]) -> Iterator[tuple[str, str]]:
    """Scalars by name, also one step inside of objects and at the start of lists: ``answers.text``, ``answers.0``."""
    for name, value in values.items():
        inner: Mapping[object, object] = {"": value}
        if isinstance(value, Mapping):
            inner = {f".{key}": item for key, item in value.items() if str(key) not in ("", "None")}
        elif isinstance(value, list):
            inner = {".0": value[0]} if value else {}
        for step, item in inner.items():
            called = f"{name}{step}"
            if isinstance(item, str | int | float) and str(item).strip() and _can_be_named(called):
                yield called, str(item)


def _can_be_named(name: str) -> bool:
    """Whether a setting can hold it."""
    return bool(name.strip()) and "\0" not in name and is_valid(name)


def _roles(found: Mapping[str, _Field], seen: int) -> tuple[dict[str, str], list[str]]:
    """Role -> field, and which of them are a guess."""
    roles: dict[str, str] = {}
    for role, names in _NAMES.items():
        for wanted in names:
            called = [name for name in found if _plain(name) == wanted and name not in roles.values()]
            if called and _fits(role, found[called[0]], seen):
                roles[role] = called[0]
                break
    if "question" not in roles and "context" in roles and len(found) <= len(roles):
        roles["question"] = roles.pop("context")  # there is nothing else to ask
    guessed = []
    for role in ("question", "answer"):
        left = [name for name in found if name not in roles.values() and found[name].filled * 2 >= seen]
        if role not in roles and left:
            longest = max(left, key=lambda name: found[name].characters / found[name].filled)
            roles[role] = longest if role == "question" else left[-1]
            guessed.append(role)
    return roles, guessed


def _plain(name: str) -> str:
    return name.casefold().strip().removesuffix(".0").removesuffix(".text")


def _fits(role: str, column: _Field, seen: int) -> bool:
    if role == "id":
        return len(column.values) == column.filled
    if role == "domain":
        return 1 < len(column.values) <= min(_MOST_DOMAINS, max(seen // 2, 2))
    return True


def _scorer(scorers: Counter[str], mean: float) -> tuple[str, str]:
    """The scorer for answers of these kinds, and what is said for it."""
    if len(scorers) == 1 and (name := next(iter(scorers))) in ("numeric", "choice"):
        return name, "every answer is a number" if name == "numeric" else "every answer is a letter"
    if mean > 60:
        return (
            "auto",
            "answers are long: they seldom match word for word, a scorer of your own may fit better",
        )
    return "auto", "by what each answer is" if len(scorers) > 1 else "answers are names or short texts"
