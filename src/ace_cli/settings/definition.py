"""What is said of a setting where it is defined, and reading it back.

A setting is *identity* (it decides what the playbook becomes; a run keeps it for life), *runtime* (it
decides how the run is carried out, never its result) or *secret* (as runtime, and never written anywhere). How its
value is written (a path, a duration, a table ...) follows from its type, see :mod:`.values`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.fields import FieldInfo

from ace_cli.text import is_valid


class Kind(StrEnum):
    IDENTITY = "identity"
    RUNTIME = "runtime"
    SECRET = "secret"


@dataclass(frozen=True, slots=True)
class Form:
    """How a value is written: the word that stands for it in the help, and what an error says about good ones.

    It stands in the annotation of a type. An empty ``allowed`` leaves it to the validator to say what is wrong.
    """

    metavar: str
    allowed: str = ""


TEXT = Form("TEXT")
SWITCH = Form("")
NUMBER = Form("N")
DURATION = Form("TIME", "a duration such as 90s, 15m or 8h")
MONEY = Form("USD", "an amount such as 2.50")
SIZE = Form("SIZE", "a size from 1MB, such as 500MB or 2GB")
PATH = Form("PATH")
ADDRESS = Form("URL")
TABLE = Form("TABLE")


@dataclass(frozen=True, slots=True)
class Definition:
    """One setting.

    ``in_header`` is its place in the ``training_config`` of a playbook, if it stands there. ``earlier`` is what runs worked with
    before there was this setting, where that is not its default.
    """

    path: str
    kind: Kind
    form: Form
    help: str
    default: Any
    may_be_unset: bool
    flag: str | None
    in_header: int | None
    earlier: Any = None

    @property
    def env(self) -> str:
        return "ACE_" + self.path.upper().replace(".", "__")

    @property
    def name(self) -> str:
        """Its name in the header of a playbook: that of its flag."""
        return self.flag.removeprefix("--").replace("-", "_") if self.flag else self.path

    @property
    def section(self) -> str:
        return self.path.split(".")[0]

    @property
    def shown_default(self) -> str:
        if self.default is None or self.default == []:
            return "unset"
        if self.form is SWITCH:
            return "on" if self.default else "off"
        if self.form is DURATION:
            return f"{self.default / 60:g}m" if self.default >= 60 else f"{self.default:g}s"
        if self.form is SIZE:
            return f"{self.default / 2**20:g}MB"
        return str(self.default)


def setting(
    kind: Kind,
    default: Any,
    help: str,
    *,
    flag: str | None = "",
    in_header: int | None = None,
    earlier: Any = None,
    **limits: Any,
) -> Any:
    """A field of a section.

    Args:
        flag: by default the field's name; None: it has none. Fields of a role, whose names three roles share, and tables
            have none by default.
        in_header: its place in the ``training_config`` of a playbook, if it stands there.
        earlier: what runs worked with before there was this setting, where that is not ``default``.
        limits: of its value, as pydantic names them.
    """
    facts: Any = {"kind": kind.value, "flag": flag, "in_header": in_header, "earlier": earlier}
    return Field(default, description=help, json_schema_extra=facts, validate_default=False, **limits)


identity = partial(setting, Kind.IDENTITY)
runtime = partial(setting, Kind.RUNTIME)
secret = partial(setting, Kind.SECRET, flag=None)


class Group(BaseModel):
    """A table of settings. Its validator is built when a value is first checked: the help needs none."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @field_validator("*", mode="before")
    @classmethod
    def _sound_text(cls, value: Any) -> Any:
        """Neither a path nor a name can hold NUL, nor a file or a request what is no Unicode: better said early."""
        if isinstance(value, str | Path) and ("\0" in str(value) or not is_valid(str(value))):
            raise ValueError("valid Unicode text without NUL characters")
        return value


def definitions(model: type[BaseModel], prefix: str = "") -> Iterator[Definition]:
    """Every setting of ``model``, in its order; paths begin with ``prefix``.

    Raises:
        TypeError: a field has no kind (every new one must choose).
    """
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, Group):
            yield from definitions(field.annotation, f"{path}.")
            continue
        facts: Any = field.json_schema_extra
        if not isinstance(facts, dict) or "kind" not in facts:
            raise TypeError(f"the setting {path} does not say whether it is identity, runtime or secret")
        form, flag = _form(field), facts["flag"]
        if flag == "":
            flag = f"--{name.replace('_', '-')}" if path.count(".") < 2 and form is not TABLE else None
        yield Definition(
            path=path,
            kind=Kind(facts["kind"]),
            form=form,
            help=field.description or "",
            default=field.default,
            may_be_unset=NoneType in get_args(field.annotation),
            flag=flag,
            in_header=facts["in_header"],
            earlier=facts["earlier"],
        )


def _form(field: FieldInfo) -> Form:
    """From the annotation: the form that it names, in a union as well, or the usual one of its type."""
    types = [field.annotation, *get_args(field.annotation)]
    marks = [*field.metadata, *(m for t in types if get_origin(t) is Annotated for m in t.__metadata__)]
    if named := [mark for mark in marks if isinstance(mark, Form)]:
        return named[0]
    if get_origin(field.annotation) is Literal:
        choices = get_args(field.annotation)
        return Form("|".join(choices), ", ".join(choices))
    if bool in types:
        return SWITCH
    return NUMBER if int in types or float in types else TEXT
