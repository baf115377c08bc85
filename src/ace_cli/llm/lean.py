"""What the OpenAI client does to every request and that changes nothing of ours, left out.

Before it sends a request it looks through all of it, beside the types that it has of each message and each parameter, for names and dates that
are written another way on the wire: a seventh of what a call of litellm takes. Messages with a role and a text, and the few parameters
that our requests have, come out as they went in. Whatever else is in a request is looked through as ever.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from ace_cli.llm.wire import is_listening

_PLAIN = frozenset(
    {
        "model",
        "temperature",
        "max_tokens",
        "max_completion_tokens",
        "top_p",
        "seed",
        "reasoning_effort",
        "stream",
    }
)
"""Parameters that are a number or a text, in whatever type."""


def lighten() -> None:
    """From now on, for calls inside :func:`~ace_cli.llm.wire.listening`. A client without this function does as it always did."""
    from openai import _utils
    from openai.resources.chat.completions import completions

    module: Any = completions
    original, is_given = getattr(module, "async_maybe_transform", None), getattr(_utils, "is_given", None)
    if (
        not original
        or not is_given
        or list(inspect.signature(original).parameters) != ["data", "expected_type"]
    ):
        return

    async def transform(data: object, expected_type: object) -> Any:
        if is_listening() and isinstance(data, dict) and "messages" in data:
            given = {name: value for name, value in data.items() if is_given(value)}
            if _is_plain(given):
                return given
        return await original(data, expected_type)

    module.async_maybe_transform = transform


def _is_plain(request: Mapping[str, Any]) -> bool:
    return all(
        _are_texts(value)
        if name == "messages"
        else _is_schema(value)
        if name == "response_format"
        else name in _PLAIN and isinstance(value, str | int | float | None)
        for name, value in request.items()
    )


def _are_texts(messages: Any) -> bool:
    return isinstance(messages, list) and all(
        type(message) is dict and message.keys() == {"role", "content"} and type(message["content"]) is str
        for message in messages
    )


def _is_schema(value: Any) -> bool:
    return (
        type(value) is dict and value.get("type") == "json_schema" and type(value.get("json_schema")) is dict
    )
