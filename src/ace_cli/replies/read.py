"""Reading a reply: fitting the JSON in it into a record, and asking once more when nothing fits."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ace_cli.llm.base import ChatReply, Message
from ace_cli.replies.base import Ask, Misfit, UnusableReply
from ace_cli.replies.find import json_values, repaired, without_thoughts
from ace_cli.replies.leniency import item_model, key
from ace_cli.replies.schema import json_schema

M = TypeVar("M", bound=BaseModel)

_WITHHELD = frozenset({"content_filter", "refusal", "safety"})
"""Finish reasons after which asking again would only cost money."""

_QUOTED_CHARS = 2_000
"""As much of the unusable reply as is sent back when asking again."""


async def ask_json(
    ask: Ask,
    messages: Sequence[Message],
    model: type[M],
    rescue: Callable[[str], M | None] = lambda _: None,
    *,
    when_cut: type[BaseModel] | None = None,
    numbers: bool = True,
) -> tuple[M, ChatReply]:
    """Ask for one object of ``model``; if the reply is unusable, ask once more for the form.

    Args:
        rescue: makes the object of a text that holds no JSON that fits, if the text says what was asked for all
            the same. What it finds is taken, not asked away.
        when_cut: the fields of ``model`` to ask for again after a reply that came to the token limit: all of them would come to it once more.
        numbers: whether a :data:`~ace_cli.replies.schema.TextOrNumber` may be written as a number.

    Returns:
        The object, and the reply that it was read from.

    Raises:
        UnusableReply: both replies were unusable, or the provider's filter withheld the reply.
    """
    reply = await ask(messages, schema=json_schema(model, numbers=numbers), schema_name=model.__name__)
    try:
        return _read(reply, model, rescue), reply
    except UnusableReply:
        if reply.finish_reason in _WITHHELD:
            raise
        form = when_cut if when_cut and reply.finish_reason == "length" else model
        # Of the form alone: small models take what is said of the contents for the contents.
        again = Message("user", f"{messages[-1].content}\n\nReply in JSON: {', '.join(form.model_fields)}.")
        asked = (*messages, Message("assistant", _quoted(reply.text)), again)
    reply = await ask(asked, schema=json_schema(form, numbers=numbers), schema_name=form.__name__)
    return _read(reply, model, rescue), reply


def _read(reply: ChatReply, model: type[M], rescue: Callable[[str], M | None]) -> M:
    try:
        return read_reply(reply, model)
    except UnusableReply:
        if reply.finish_reason in _WITHHELD or (found := rescue(without_thoughts(reply.text))) is None:
            raise
        return found


def read_reply(reply: ChatReply, model: type[M]) -> M:
    """The object in ``reply``: the last one that fits ``model``, outside the model's thoughts.

    Raises:
        UnusableReply: there is none; the message says what was wrong.
    """
    text, cut = _said(reply), reply.finish_reason == "length"
    found, problem = None, "no JSON object in the reply"
    for value in json_values(text):
        try:
            found = _fit(value, model)
        except Misfit as misfit:
            problem = str(misfit)
    if found is None:
        try:
            if (meant := repaired(text, cut=cut)) is not None:
                found = _fit(meant, model)
        except Misfit as misfit:
            problem = str(misfit)
    if found is not None:
        return found
    if cut:
        raise _cut_off("before it was complete")
    if not text.strip():
        raise UnusableReply("the reply is empty" if not reply.text.strip() else "the reply is only reasoning")
    raise UnusableReply(problem)


def read_text(reply: ChatReply) -> str:
    """The text of a plain reply. Of one that was cut off, without the last word, which may be half a word.

    Raises:
        UnusableReply: there is none.
    """
    text = _said(reply).strip()
    if reply.finish_reason == "length":
        text = re.sub(r"\S+$", "", text).strip()
        if not text:
            raise _cut_off("before it said anything")
    if not text:
        raise UnusableReply("the reply is empty")
    return text


def _fit(value: Any, model: type[M], *, wrapped: bool = False) -> M:
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
            return _fit(inner, model, wrapped=True)
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
            return _fit(value, model)
        except Misfit as misfit:
            problem = misfit
    for name, info in model.model_fields.items():
        item = item_model(info.annotation)
        if item and any(_has_keys_of(item, value) for value in objects):
            return _fit({name: values}, model)
    raise problem


def _has_keys_of(model: type[BaseModel], value: dict[str, Any]) -> bool:
    return not model.model_fields.keys().isdisjoint(map(key, value))


def _said(reply: ChatReply) -> str:
    """What is left of a reply without the model's thoughts.

    Raises:
        UnusableReply: the provider withheld it.
    """
    if reply.finish_reason in _WITHHELD:
        raise UnusableReply(f"the provider withheld the reply ({reply.finish_reason})")
    return without_thoughts(reply.text)


def _cut_off(when: str) -> UnusableReply:
    return UnusableReply(f"the reply was cut off at the token limit {when}", "Raise max_tokens of the role.")


def _quoted(text: str) -> str:
    """The reply as it is sent back: providers refuse an empty message, and a long one costs tokens."""
    if not text.strip():
        return "(empty)"
    return text if len(text) <= _QUOTED_CHARS else f"{text[:_QUOTED_CHARS]} [...]"
