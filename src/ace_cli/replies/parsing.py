"""From what a model wrote to a typed object, or to an :class:`UnusableReply` that says why not.

A reply should be one JSON object. In practice it comes in fences, in prose, after a draft, as a list,
with nulls, with words for numbers, or cut off. What can be understood without guessing is understood;
for anything else the model is asked once more, with the error. Reading is bounded: garbage of
any size is rejected in well under a second.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

from ace_cli.llm.base import ChatReply, Message
from ace_cli.playbook import Section
from ace_cli.stages.base import Ask, UnusableReply

M = TypeVar("M", bound=BaseModel)

_BLOCKED = frozenset({"content_filter", "refusal", "safety"})
"""Finish reasons after which asking again would only cost money."""

_SCAN_BUDGET = 400_000_000
"""Characters that starts may read in all. A failed start reads all text before it too (``json`` counts
its lines for the error), so without a bound 1 MB of brackets would take half a minute."""

_SCAN_STEP = 5_000
"""What a start costs at least, in characters: it takes some microseconds."""

_REPAIR_CHARS = 32_000
_REPAIR_BRACKETS = 1_000
"""json_repair takes quadratic time on nested garbage; replies are far below these sizes."""

_QUOTED_CHARS = 2_000
"""As much of the unusable reply as is sent back when asking again."""


async def ask_json(ask: Ask, messages: Sequence[Message], model: type[M]) -> tuple[M, ChatReply]:
    """Ask for one object of ``model``; if the reply is unusable, ask once more with the error.

    Returns:
        The object, and the reply that it was read from.

    Raises:
        UnusableReply: both replies were unusable, or the provider's filter withheld the reply.
    """
    schema = json_schema(model)
    reply = await ask(messages, schema=schema, schema_name=model.__name__)
    try:
        return read_reply(reply, model), reply
    except UnusableReply as error:
        if reply.finish_reason in _BLOCKED:
            raise
        again = (
            *messages,
            Message("assistant", _quoted(reply.text)),
            Message("user", f"Unusable: {error.message}. Reply with only the JSON object. {_keys(model)}"),
        )
    reply = await ask(again, schema=schema, schema_name=model.__name__)
    return read_reply(reply, model), reply


def read_reply(reply: ChatReply, model: type[M]) -> M:
    """The object in ``reply``: the last one that fits ``model``, outside of the model's thoughts.

    Raises:
        UnusableReply: there is none; the message says what was wrong.
    """
    text = without_thoughts(reply.text)
    cut = reply.finish_reason == "length"
    problem = "no JSON object in the reply"
    found: M | None = None
    if reply.finish_reason in _BLOCKED:
        raise UnusableReply(f"the provider withheld the reply ({reply.finish_reason})")
    for value in _json_values(text):
        try:
            found = _fit(value, model)
        except _DoesNotFit as error:
            problem = str(error)
    if found is None:
        try:
            found = _fit(_repaired(text, cut=cut), model)
        except _DoesNotFit as error:
            problem = str(error) or problem
    if found is not None:
        return found
    if cut:
        raise UnusableReply(
            "the reply was cut off at the token limit before it was complete",
            "Raise max_tokens of the role.",
        )
    if not text.strip():
        raise UnusableReply("the reply is empty" if not reply.text.strip() else "the reply is only thoughts")
    raise UnusableReply(problem)


def without_thoughts(text: str) -> str:
    """``text`` without the ``<think>...</think>`` that reasoning models put in front of the answer.

    Only in front: the same words inside an answer are part of it. Thoughts without an end leave nothing,
    and an end without a beginning (some chat templates swallow it) counts from the start.
    """
    rest = text.lstrip()
    while opening := _THINK.match(rest):
        end = rest.find(f"</{opening[1]}>", opening.end())
        if end < 0:
            return ""
        rest = rest[end + len(opening[1]) + 3 :].lstrip()
    if not rest.startswith(("{", "[", "`")) and (closing := re.search(r"</think(?:ing)?>", rest)):
        rest = rest[closing.end() :]
    return rest


_THINK = re.compile(r"<(think|thinking|thought|reasoning)>")


# Finding JSON -----------------------------------------------------------------------------------


class _DoesNotFit(Exception):
    """A value is not what was asked for; the text says how (empty: nothing was found)."""


_OPENING = re.compile(r"[{\[]")
_decode = json.JSONDecoder(strict=False).raw_decode


def _json_values(text: str) -> Iterator[Any]:
    """Every correct JSON object or list in ``text``, outermost, in order."""
    position, budget = 0, _SCAN_BUDGET
    while budget > 0 and (start := _OPENING.search(text, position)):
        position = start.start()
        try:
            value, position = _decode(text, position)
        except json.JSONDecodeError as error:
            budget -= error.pos + _SCAN_STEP
            position += 1
        except (ValueError, RecursionError):  # a number of 5,000 digits, 1,000 brackets
            budget -= 100 * _SCAN_STEP
            position += 1
        else:
            budget -= _SCAN_STEP
            yield value


def _repaired(text: str, *, cut: bool) -> Any:
    """The object that was meant by ``text``, which holds no correct one that fits.

    Of a cut-off text the last key is left out: its value may be half of what was meant.
    """
    fence = re.search(r"```(?:json)?\s*([{\[].*?)(?:```|\Z)", text, re.DOTALL | re.IGNORECASE)
    body = fence[1] if fence else text[start:] if (start := text.find("{")) >= 0 else ""
    if not body:
        raise _DoesNotFit
    if len(body) > _REPAIR_CHARS or len(_OPENING.findall(body)) > _REPAIR_BRACKETS:
        raise _DoesNotFit("the JSON is broken and too long to be repaired")
    import json_repair

    try:
        value = json_repair.loads(body)
    except Exception as error:  # whatever garbage does to the library, this reply is unusable
        raise _DoesNotFit(f"the JSON is broken ({type(error).__name__})") from error
    if isinstance(value, list):
        value = [item for item in value if isinstance(item, dict)]
        value = value[-1] if value else None
    if not isinstance(value, dict) or not value:
        raise _DoesNotFit
    if cut:
        value.popitem()
    return value


def _fit(value: Any, model: type[M], *, wrapped: bool = False) -> M:
    """``value`` as ``model``; a list or one wrapper around the object is looked through.

    Raises:
        _DoesNotFit: with the reason.
    """
    if isinstance(value, list):
        return _fit_list(value, model)
    if not isinstance(value, dict):
        raise _DoesNotFit("the reply is not a JSON object")
    known = set(model.model_fields)
    if not known & {_key(name) for name in value}:
        inner = next(iter(value.values())) if len(value) == 1 else None
        if isinstance(inner, dict) and not wrapped:
            return _fit(inner, model, wrapped=True)
        raise _DoesNotFit(f"the object has none of the keys {', '.join(model.model_fields)}")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _DoesNotFit(f"{where}: {first['msg']}" if where else first["msg"]) from error


def _fit_list(values: list[Any], model: type[M]) -> M:
    """A list instead of an object: its first fitting object, or the list as the value of the field that takes objects."""
    problem = _DoesNotFit("the reply is a list, not a JSON object")
    for value in values:
        if isinstance(value, dict):
            try:
                return _fit(value, model)
            except _DoesNotFit as error:
                problem = error
    for name, info in model.model_fields.items():
        item = _item_model(info.annotation)
        if item and any(
            isinstance(v, dict) and set(item.model_fields) & {_key(k) for k in v} for v in values
        ):
            return _fit({name: values}, model)
    raise problem


# Leniency ---------------------------------------------------------------------------------------


class Reply(BaseModel):
    """What a stage asks a model for. Reads what models really write; a field without a default is required.

    Keys may be spelled ``Final Answer`` or ``final-answer``; unknown ones are ignored. null gives the default (an
    empty list where a list is required); one value stands for a list of one; numbers, booleans and lists of
    words become text. Lone surrogates are replaced, and ``\\f`` and ``\\b``, which nobody means,
    become the start of the LaTeX command that they were (``\\frac``, ``\\boxed``).
    """

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _lenient(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        values: dict[str, Any] = {}
        for key, value in data.items():
            info = cls.model_fields.get(name := _key(key))
            if info is None:
                continue
            if get_origin(info.annotation) is list:
                values[name] = _as_list(value, info.annotation)
            elif value is not None:
                values[name] = _as_text(value) if info.annotation is str else value
        return values


@cache
def json_schema(model: type[BaseModel]) -> Mapping[str, Any]:
    """``model`` as a JSON schema in the strict subset: every key required, nothing else allowed, no references.

    Made once a model, since it takes longer than all else that is ours of a call.
    """
    schema = model.model_json_schema()
    return cast(dict[str, Any], _strict(schema, schema.get("$defs", {})))


def _confidence(value: Any) -> float:
    """0..1 from a number, a percentage, a fraction or a word; 0.5 when it says nothing."""
    if isinstance(value, str):
        word = value.strip().lower()
        match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})\s*(%|/\s*(\d{1,9}))?", word)
        if match is None:
            return next((share for name, share in _CONFIDENCE.items() if name in word), 0.5)
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


_CONFIDENCE = {"very high": 0.95, "high": 0.85, "medium": 0.6, "moderate": 0.6, "very low": 0.1, "low": 0.3}


def _section(value: Any) -> Section:
    """A section or a tag from its name or a common synonym; what is not understood is neutral."""
    word = str(value).strip().lower() if isinstance(value, str | Section) else ""
    return next((section for name, section in _SECTIONS if name in word), Section.NEUTRAL)


_SECTIONS = [
    # Harmful first: "unhelpful", "incorrect" and "not useful" hold the names of their opposites.
    *((name, Section.HARMFUL) for name in ("unhelpful", "not helpful", "not useful", "incorrect")),
    *((name, Section.HARMFUL) for name in ("harm", "pitfall", "mistake", "error", "negative", "avoid")),
    *((name, Section.HARMFUL) for name in ("bad", "wrong", "warning", "mislead", "don't")),
    *((name, Section.HELPFUL) for name in ("help", "strateg", "positive", "good", "useful", "correct")),
    *((name, Section.HELPFUL) for name in ("tip", "success", "best", "formula", "rule")),
]

Confidence = Annotated[float, BeforeValidator(_confidence)]
SectionName = Annotated[Section, BeforeValidator(_section)]


def _key(name: object) -> str:
    return re.sub(r"[\s-]+", "_", str(name)[:100].strip().lower())


def _item_model(annotation: Any) -> type[Reply] | None:
    """``R`` of ``list[R]`` when R is a Reply."""
    if get_origin(annotation) is not list:
        return None
    (item,) = get_args(annotation)
    return item if isinstance(item, type) and issubclass(item, Reply) else None


def _as_list(value: Any, annotation: Any) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    values = [v for v in values if v is not None and v != ""]
    item = _item_model(annotation)
    if item is None:
        return [_as_text(v) for v in values]
    # A bare word or sentence stands for an object of which only the first field is given.
    first = next(iter(item.model_fields))
    return [{first: _as_text(v)} if not isinstance(v, dict) else v for v in values]


def _as_text(value: Any) -> Any:
    """Text from what stands where text was asked for; an object stays as it is and fails validation."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and all(v is None or isinstance(v, str | int | float) for v in value):
        value = ", ".join(str(v) for v in value if v is not None)
    if not isinstance(value, str):
        return value
    clean = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return clean.replace("\f", "\\f").replace("\b", "\\b")


def _strict(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_strict(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _strict(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    out: dict[str, Any] = {}
    for name, value in schema.items():
        if name == "properties":
            out[name] = {key: _strict(part, definitions) for key, part in value.items()}
            out["required"] = list(value)
            out["additionalProperties"] = False
        elif name not in ("$defs", "title", "default", "description", "required"):
            out[name] = _strict(value, definitions)
    return out


def _keys(model: type[BaseModel]) -> str:
    return f"Its keys: {', '.join(model.model_fields)}."


def _quoted(text: str) -> str:
    """The reply as it is sent back: providers refuse an empty message, and a long one costs tokens."""
    if not text.strip():
        return "(empty)"
    return text if len(text) <= _QUOTED_CHARS else f"{text[:_QUOTED_CHARS]} [...]"
