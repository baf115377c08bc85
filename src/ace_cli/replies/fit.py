"""Fitting a JSON value into a record: the object itself, one in a wrapper, or one in a list."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ace_cli.replies.base import Misfit
from ace_cli.replies.leniency import item_model, key

M = TypeVar("M", bound=BaseModel)


def fit(value: Any, model: type[M], *, wrapped: bool = False) -> M:
    """``value`` as ``model``; a list or one wrapper around the object is looked through.

    Raises:
        Misfit: with the reason.
    """
    if isinstance(value, list):
        return _fit_list(value, model)
    if not isinstance(value, dict):
        raise Misfit("the reply is not a JSON object")
    if not _has_keys_of(model, value):
        inner = next(iter(value.values())) if len(value) == 1 else None
        if isinstance(inner, dict) and not wrapped:
            return fit(inner, model, wrapped=True)
        raise Misfit(f"the object has none of the keys {', '.join(model.model_fields)}")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Misfit(f"{where}: {first['msg']}" if where else first["msg"]) from error


def _fit_list(values: list[Any], model: type[M]) -> M:
    """A list instead of an object: its first fitting object, or the list as the value of the field that takes objects."""
    problem = Misfit("the reply is a list, not a JSON object")
    objects = [value for value in values if isinstance(value, dict)]
    for value in objects:
        try:
            return fit(value, model)
        except Misfit as misfit:
            problem = misfit
    for name, info in model.model_fields.items():
        item = item_model(info.annotation)
        if item and any(_has_keys_of(item, value) for value in objects):
            return fit({name: values}, model)
    raise problem


def _has_keys_of(model: type[BaseModel], value: dict[str, Any]) -> bool:
    return not model.model_fields.keys().isdisjoint(map(key, value))
