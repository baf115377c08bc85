"""What a provider's body says: an error, or a reply in a shape that litellm makes nothing of."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SAYING = ("message", "detail", "msg", "error")
_THOUGHTS = ("thinking", "reasoning", "redacted_thinking")


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error. ``status`` is what its code says, None if it has no code that is one of HTTP."""

    text: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A reply; tokens that the provider does not tell, or that cannot be, are 0."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cached_prompt_tokens: int


def parse(body: bytes | str) -> Any:
    """The JSON value of a body, or None."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def complaint(body: str) -> Complaint:
    """The body of a failed call, by its message and its code, which often is the only exact word in it."""
    value = parse(body)
    if isinstance(value, list) and value:
        value = value[0]
    error = value.get("error") or value if isinstance(value, dict) else value
    if not isinstance(error, dict):
        return Complaint(error if isinstance(error, str) else body)
    text = next((error[key] for key in _SAYING if isinstance(error.get(key), str)), body)
    codes = [error.get(key) for key in ("code", "status", "status_code", "type")]
    for code in codes:
        if isinstance(code, str) and not code.isdecimal() and code not in text:
            text = f"{text} ({code})"
            break
    if found := re.search(r'"retryDelay":\s*"([\d.]+)s"', body):  # where Gemini puts its Retry-After
        text = f"{text} (retry in {found[1]}s)"
    numbers = (int(str(code)) for code in codes if re.fullmatch(r"[345]\d\d", str(code)))
    return Complaint(text, next(numbers, None))


def complaint_in(value: Any) -> Complaint | None:
    """The error in a parsed body that came with status 200, if that is what it is."""
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return None
    choice = _first(value.get("choices"))
    error = value.get("error") or choice.get("error")
    if not error and not value.keys() & {"choices", "content", "data"}:
        error = {key: value[key] for key in _SAYING if isinstance(value.get(key), str)}
    return complaint(json.dumps({"error": error}, ensure_ascii=False)) if error else None


def said_in(value: Any) -> Said | None:
    """The reply in a parsed body of OpenAI's or Anthropic's form, however odd its fields are."""
    if not isinstance(value, dict):
        return None
    choice = _first(value.get("choices"))
    message = choice.get("message")
    if isinstance(message, dict):
        text = text_in(message.get("content")) or text_in(message.get("refusal"))
    elif "text" in choice:
        text = text_in(choice["text"])
    elif isinstance(value.get("content"), list):
        text = text_in(value["content"])
    else:
        return None
    finish = choice.get("finish_reason") or value.get("stop_reason")
    usage = value.get("usage")
    usage = usage if isinstance(usage, Mapping) else {}
    details = usage.get("prompt_tokens_details")
    return Said(
        text=text,
        finish_reason=finish if isinstance(finish, str) else "stop",
        prompt_tokens=tokens(usage.get("prompt_tokens", usage.get("input_tokens"))),
        completion_tokens=tokens(usage.get("completion_tokens", usage.get("output_tokens"))),
        cached_prompt_tokens=tokens(details.get("cached_tokens") if isinstance(details, Mapping) else None),
    )


def text_in(content: Any) -> str:
    """The text of a message's content: itself, its parts without thoughts, or any other value as JSON."""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if isinstance(content, list):
        return "".join(map(text_in, content))
    if isinstance(content, dict):
        if content.get("type") in _THOUGHTS:
            return ""
        if "text" in content:
            return text_in(content["text"])
    return json.dumps(content, ensure_ascii=False)


def tokens(value: Any) -> int:
    """A server's count of tokens. One that cannot be is no count: it would spoil all totals."""
    if isinstance(value, str) and value.isdecimal():
        value = int(value[:20])
    count = int(value) if isinstance(value, int | float) and abs(value) < float("inf") else 0
    return count if 0 <= count < 2**40 else 0


def _first(choices: Any) -> dict[str, Any]:
    first = choices[0] if isinstance(choices, list) and choices else choices
    return first if isinstance(first, dict) else {}
