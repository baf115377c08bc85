"""The JSON schema that asks a model for a record."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, cast

from pydantic import BaseModel, WithJsonSchema

_TEXT: Mapping[str, Any] = {"type": "string"}
_TEXT_OR_NUMBER: Mapping[str, Any] = {"anyOf": [_TEXT, {"type": "number"}]}

TextOrNumber = Annotated[str, WithJsonSchema(dict(_TEXT_OR_NUMBER))]
"""A text that a model may write without quotes if it is a number; it is read as it was written.

Small models want to write a number there, and bound to a text they write another answer than their reasoning came to; what only begins with
a digit (``12:30``, ``3/4``, ``0042``) they put in quotes all the same. Measured in ``docs/learning.md``.
"""

_LEFT_OUT = frozenset({"$defs", "title", "default", "description", "required"})


@cache
def json_schema(model: type[BaseModel], *, numbers: bool = True) -> Mapping[str, Any]:
    """``model`` as a JSON schema in the strict subset: every key required, nothing else allowed, no references.

    Made once a model, since it takes longer than all else that is ours of a call.

    Args:
        numbers: whether a :data:`TextOrNumber` may be written as a number.
    """
    schema = model.model_json_schema()
    first: tuple[str, ...] = getattr(model, "written_first", ())
    asked = cast(dict[str, Any], _strict(schema, schema.get("$defs", {})))
    properties = asked["properties"]
    if not numbers:
        properties = {name: _TEXT if part == _TEXT_OR_NUMBER else part for name, part in properties.items()}
    return {**asked, "properties": {name: properties[name] for name in dict.fromkeys((*first, *properties))}}


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
        elif name not in _LEFT_OUT:
            out[name] = _strict(value, definitions)
    return out
