"""Finding JSON in what a model wrote. Reading is bounded: a megabyte of garbage is done with in well under a second."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ace_cli.replies.base import Misfit

_SCAN_BUDGET = 400_000_000
"""Characters that starts may read in all. A failed start reads all text before it too (``json`` counts
its lines for the error), so without a bound 1 MB of brackets would take half a minute."""

_SCAN_STEP = 5_000
"""What a start costs at least, in characters: it takes some microseconds."""

_REPAIR_CHARS = 32_000
_REPAIR_BRACKETS = 1_000
"""json_repair takes quadratic time on nested garbage; replies are far below these sizes."""

_OPENING = re.compile(r"[{\[]")
_FENCE = re.compile(r"```(?:json)?\s*([{\[].*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)
_THINK = re.compile(r"<(think|thinking|thought|reasoning)>")
_decode = json.JSONDecoder(strict=False, parse_float=str).raw_decode
"""Fractions stay as they were written: an answer of 20.00 is not 20.0 where texts are compared."""


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


def json_values(text: str) -> Iterator[Any]:
    """Every correct JSON object or list in ``text``, outermost, in order."""
    position, budget = 0, _SCAN_BUDGET
    while budget > 0 and (start := _OPENING.search(text, position)):
        position = start.start()
        try:
            value, position = _decode(text, position)
        except (
            ValueError,
            RecursionError,
        ) as error:  # also a number of 5,000 digits, 1,000 brackets
            budget -= error.pos + _SCAN_STEP if isinstance(error, json.JSONDecodeError) else 100 * _SCAN_STEP
            position += 1
        else:
            budget -= _SCAN_STEP
            yield value


def repaired(text: str, *, cut: bool) -> dict[str, Any] | None:
    """The object that was meant by ``text``, which holds no correct one that fits; None if nothing was.

    Of a cut-off text the last key is left out: its value may be half of what was meant.

    Raises:
        Misfit: it is beyond repair.
    """
    fence = _FENCE.search(text)
    body = fence[1] if fence else text[start:] if (start := text.find("{")) >= 0 else ""
    if not body:
        return None
    if len(body) > _REPAIR_CHARS or len(_OPENING.findall(body)) > _REPAIR_BRACKETS:
        raise Misfit("the JSON is broken and too long to be repaired")
    import json_repair

    try:
        value = json_repair.loads(body)
    except Exception as error:  # whatever garbage does to the library, this reply is unusable
        raise Misfit(f"the JSON is broken ({type(error).__name__})") from error
    if isinstance(value, list):
        value = next((item for item in reversed(value) if isinstance(item, dict)), None)
    if not isinstance(value, dict) or not value:
        return None
    if cut:
        value.popitem()
    return value
