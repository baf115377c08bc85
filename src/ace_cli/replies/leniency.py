"""What is forgiven in a reply. All of it in one place, and no more than can be understood without guessing.

======================  ==========================================================================================
asked for               taken as well
======================  ==========================================================================================
a key                   another spelling of it (``Final Answer``, ``final-answer``); unknown keys are ignored
a value                 null, for the default
a text                  a number, a boolean, a list of words; ``\\f`` and ``\\b``, which nobody means, are the start
                        of the LaTeX command that they were (``\\frac``, ``\\boxed``)
a list                  null, for an empty one; one value, for a list of one; items that are null are left out
an object in a list     a bare text, for an object of which only the first field is given
a confidence            a percentage, a fraction, a word (:data:`_SHARES`); 0.5 for anything else
a section or a tag      a synonym (:data:`_SYNONYMS`); neutral for anything else
======================  ==========================================================================================
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, ClassVar, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from ace_cli.playbook import Section
from ace_cli.text import valid


class Reply(BaseModel):
    """What a stage asks a model for; a field without a default is required. Reads what models really write."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, str_strip_whitespace=True)

    written_first: ClassVar[tuple[str, ...]] = ()
    """Fields that a model writes before the others, whatever the order here: that one stands in the keys of recorded replies."""

    @model_validator(mode="before")
    @classmethod
    def _forgive(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        values: dict[str, Any] = {}
        for spelling, value in data.items():
            info = cls.model_fields.get(name := key(spelling))
            if info is None:
                continue
            if get_origin(info.annotation) is list:
                values[name] = _as_list(value, info.annotation)
            elif value is not None:
                values[name] = _as_text(value) if info.annotation is str else value
        return values


@lru_cache(maxsize=256)
def key(spelling: object) -> str:
    """The name of a field from how a model spells it."""
    return re.sub(r"[\s-]+", "_", str(spelling)[:100].strip().lower())


def item_model(annotation: Any) -> type[Reply] | None:
    """``R`` of ``list[R]`` when R is a Reply."""
    if get_origin(annotation) is not list:
        return None
    (item,) = get_args(annotation)
    return item if isinstance(item, type) and issubclass(item, Reply) else None


def _as_list(value: Any, annotation: Any) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    values = [v for v in values if v is not None and v != ""]
    item = item_model(annotation)
    if item is None:
        return [_as_text(v) for v in values]
    first = next(iter(item.model_fields))
    return [v if isinstance(v, dict) else {first: _as_text(v)} for v in values]


def _as_text(value: Any) -> Any:
    """Text from what stands where text was asked for; an object stays as it is and fails validation."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and all(v is None or isinstance(v, str | int | float) for v in value):
        value = ", ".join(str(v) for v in value if v is not None)
    if not isinstance(value, str):
        return value
    return valid(value).replace("\f", "\\f").replace("\b", "\\b")


_SHARES = {"very high": 0.95, "high": 0.85, "medium": 0.6, "moderate": 0.6, "very low": 0.1, "low": 0.3}
"""Words of a confidence; the first one found counts."""

_SHARE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})\s*(%|/\s*(\d{1,9}))?")

_FRACTION = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
"""As JSON writes it, which stays a text until it is known what is asked for."""


def _confidence(value: Any) -> float:
    """0..1 from a number, a percentage, a fraction or a word; 0.5 when it says nothing."""
    if isinstance(value, str):
        word = value.strip().lower()
        if _FRACTION.fullmatch(word):
            return _confidence(float(word))
        match = _SHARE.fullmatch(word)
        if match is None:
            return next((share for name, share in _SHARES.items() if name in word), 0.5)
        value = float(match[1])
        if match[3]:
            value = value / float(match[3]) if float(match[3]) else 0.5
        elif match[2]:
            value /= 100
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.5
    if isinstance(value, float) and not math.isfinite(value):
        return 0.5
    if 1 < value <= 100:  # 85 means 85 %
        value /= 100
    return float(min(max(value, 0), 1))


_HARMFUL = (
    "unhelpful, not helpful, not useful, incorrect, harm, pitfall, mistake, error, negative, avoid, bad, wrong, "
    "warning, mislead, don't"
)
_HELPFUL = "help, strateg, positive, good, useful, correct, tip, success, best, formula, rule"
# Harmful first: "unhelpful", "incorrect" and "not useful" hold the names of their opposites.
_SYNONYMS = ((Section.HARMFUL, _HARMFUL.split(", ")), (Section.HELPFUL, _HELPFUL.split(", ")))
"""Parts of words by which a section or a tag is known; the first one found counts."""


def _section(value: Any) -> Section:
    """A section or a tag from its name or a common synonym; what is not understood is neutral."""
    word = str(value).strip().lower() if isinstance(value, str | Section) else ""
    return next((s for s, parts in _SYNONYMS if any(part in word for part in parts)), Section.NEUTRAL)


Confidence = Annotated[float, BeforeValidator(_confidence)]
SectionName = Annotated[Section, BeforeValidator(_section)]
