"""The JSON schema that asks a model for a record."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from pydantic import BaseModel

_LEFT_OUT = frozenset({"$defs", "title", "default", "description", "required"})


@cache
def json_schema(model: type[BaseModel]) -> Mapping[str, Any]:
    """``model`` as a JSON schema in the strict subset: every key required, nothing else allowed, no references.

    Made once a model, since it takes longer than all else that is ours of a call.
    """
    schema = model.model_json_schema()
    first: tuple[str, ...] = getattr(model, "written_first", ())
    asked = cast(dict[str, Any], _strict(schema, schema.get("$defs", {})))
    properties = asked["properties"]
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
