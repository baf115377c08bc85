"""Types of values: how a text becomes one, what is allowed, and how it is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from ace_cli.settings.definition import ADDRESS, DURATION, MONEY, PATH, SIZE, TABLE, Form
from ace_cli.text import is_valid

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", re.I)


def _seconds(value: object) -> object:
    """``90``, ``90s``, ``15m``, ``1h30m`` as seconds; anything else is left to the validator."""
    if isinstance(value, str) and (found := _DURATION.fullmatch(value.strip())) and found.group():
        hours, minutes, seconds = (float(part or 0) for part in found.groups())
        return hours * 3600 + minutes * 60 + seconds
    return value


def _failures(value: object) -> object:
    """``10`` is a count, ``0.2`` or ``20%`` a share of the examples attempted."""
    if isinstance(value, str):
        text = value.strip()
        if text.endswith("%"):
            return float(text[:-1]) / 100
        return float(text) if "." in text else int(text)
    return value


def _check_failures(value: int | float) -> int | float:
    if isinstance(value, float) and not 0 <= value <= 1:
        raise ValueError("a share lies between 0 and 1")
    return value


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.I)


def _bytes(value: object) -> object:
    """``500MB``, ``2G`` and the like as bytes, in powers of 1024; anything else is left to the validator."""
    if isinstance(value, str) and (found := _SIZE.fullmatch(value.strip())):
        return int(float(found[1]) * 1024 ** " kmgt".index(found[2].lower() or " "))
    return value


def _at_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError("a path whose ~ is the folder of a user who is known here") from None


_NEXT_ADDRESS = re.compile(r"\s*,\s*(?=https?://)", re.I)


def _addresses(value: object) -> object:
    """``A, B`` as addresses, cut where a scheme follows: a password or a parameter may hold a comma as well."""
    return _NEXT_ADDRESS.split(value.strip(" ,")) if isinstance(value, str) else value


def _check_address(address: str) -> str:
    parts = urlsplit(address)  # raises ValueError
    if "\0" in address or not is_valid(address):
        raise ValueError("valid Unicode text without NUL characters")
    if "," in parts.netloc.rpartition("@")[2] + parts.path:
        raise ValueError("several addresses with commas between them, each with http:// or https://")
    return address


def _check_addresses(addresses: tuple[str, ...]) -> tuple[str, ...]:
    if not addresses:
        raise ValueError("an address, or several")
    if len(set(addresses)) < len(addresses):
        raise ValueError("each address once")
    return addresses


def written(addresses: tuple[str, ...]) -> str | list[str]:
    """As a person would write them: a single one without a list around it."""
    return addresses[0] if len(addresses) == 1 else list(addresses)


_SECRET = re.compile(r"(api|access)[_-]?key|authorization|token$|secret|password|headers$", re.I)


def _check_table(node: Any) -> Any:
    """No keys, at any depth, and nothing that JSON has no form for: it goes into the store and over the wire."""
    if isinstance(node, dict):
        for name, inner in node.items():
            _check_table(name)
            if _SECRET.search(str(name)):
                raise ValueError(f"{name!r} belongs in api_key or headers, which are never written to disk")
            _check_table(inner)
    elif isinstance(node, list):
        for inner in node:
            _check_table(inner)
    elif not (
        node is None
        or (isinstance(node, str) and is_valid(node))
        or (isinstance(node, int | float) and abs(node) < 2**63)
    ):
        raise ValueError("texts, switches, finite numbers, and tables and lists of them")
    return node


_ROUTE = re.compile(
    r"api_base|base_url|(^|_)(uri|url|host|endpoint|proxy|role_name|profile_name|scope)(_|$)|^organization$"
    r"|^fallbacks$|fallback_dict|^model_list$|callback|^litellm_|^custom_llm_|_header$|^client|tenant_id|username|credential|ssl|_file$",
    re.I,
)
_PLACE = re.compile(r"(location|region|region_name|zone|project|project_id)$", re.I)


def _check_extra(table: dict[str, Any]) -> dict[str, Any]:
    """Parameters that go with a call, but say nothing about where it goes, as whom, or who else hears of it."""
    for name, value in _check_table(table).items():
        if _ROUTE.search(name) or (isinstance(value, str) and "://" in value):
            raise ValueError(
                f"{name!r} says where calls go or who pays; that is for api_base, headers, or the provider's variables"
            )
        if _PLACE.search(name) and not re.fullmatch(r"[\w.:-]+", str(value)):
            raise ValueError(f"{name!r} must be the name of a place, without / and the like")
    return table


def _names(value: object) -> object:
    """``a, b`` as a list; anything else is left to the validator."""
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


AUTO = "auto"
FIRST_IN_FLIGHT = 16
"""Calls at once that ``--concurrency auto`` begins with."""
MOST_IN_FLIGHT = 256
"""The most that it comes to."""

Count = Annotated[int, Field(ge=0), Form("N", "a whole number from 0")]
Positive = Annotated[int, Field(ge=1), Form("N", "a whole number from 1")]
Integer64 = Annotated[int, Field(ge=-(2**63), le=2**63 - 1), Form("N", "a whole number of 64 bits")]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), Form("N", "a number from 0 to 1")]
Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=0, allow_inf_nan=False), DURATION]
Money = Annotated[float, Field(ge=0, allow_inf_nan=False), MONEY]
Size = Annotated[int, BeforeValidator(_bytes), Field(ge=2**20, le=2**60), SIZE]
Failures = Annotated[
    Annotated[int, Field(ge=0)] | float,
    BeforeValidator(_failures),
    AfterValidator(_check_failures),
    Form("N", "a count such as 10, or a share such as 0.2 or 20%"),
]
Concurrency = Annotated[
    Annotated[int, Field(ge=1, le=1000)] | Literal["auto"], Form("N", "auto, or a number from 1 to 1000")
]
UserPath = Annotated[Path, AfterValidator(_at_home), PATH]
"""A file or folder; ``~`` is the user's own."""
Addresses = Annotated[
    tuple[Annotated[str, AfterValidator(_check_address)], ...],
    BeforeValidator(_addresses),
    AfterValidator(_check_addresses),
    ADDRESS,
]
"""One server or several that answer alike; a text holds them with commas between them."""
Extra = Annotated[dict[str, Any], AfterValidator(_check_extra), TABLE]
Table = Annotated[dict[str, Any], AfterValidator(_check_table), TABLE]
SecretTable = Annotated[dict[str, SecretStr], TABLE]
Names = Annotated[list[str], BeforeValidator(_names), Form("NAMES", "names, with commas between them")]
Trackers = Annotated[
    list[Literal["mlflow", "wandb"]],
    BeforeValidator(_names),
    Form("NAMES", "mlflow, wandb, or both with a comma"),
]
