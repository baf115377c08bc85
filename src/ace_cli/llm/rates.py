"""What a provider says in the headers of a reply about how much it will take: limits, what is left, and when it comes back.

OpenAI and those who follow it write ``x-ratelimit-remaining-requests`` and ``x-ratelimit-reset-requests: 6m0s``, Anthropic
``anthropic-ratelimit-requests-remaining`` and ``anthropic-ratelimit-requests-reset`` with a point in time; the same for ``tokens``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Room:
    """``remaining`` of ``limit`` units are left, and all of them again in ``reset`` seconds. ``limit`` is 0 where nobody says."""

    remaining: float
    limit: float
    reset: float


@dataclass(frozen=True, slots=True)
class Rates:
    """What is left of requests and of tokens; None where nothing is said."""

    requests: Room | None = None
    tokens: Room | None = None


def rates_in(headers: Mapping[str, str]) -> Rates | None:
    """What ``headers`` (names in lower case) say, None where they say nothing that can be used."""
    requests, tokens = _room(headers, "requests"), _room(headers, "tokens")
    return Rates(requests, tokens) if requests or tokens else None


def _room(headers: Mapping[str, str], unit: str) -> Room | None:
    def said(what: str) -> str:
        return (
            headers.get(f"x-ratelimit-{what}-{unit}")
            or headers.get(f"anthropic-ratelimit-{unit}-{what}")
            or ""
        )

    remaining, reset = _number(said("remaining")), _seconds(said("reset"))
    if remaining is None or reset is None:
        return None
    return Room(remaining, _number(said("limit")) or 0.0, reset)


_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")


def _seconds(text: str) -> float | None:
    """``6m0s``, ``20ms``, ``1.5`` or a time of day in ISO-8601, as seconds from now."""
    if (plain := _number(text)) is not None:
        return plain
    if text and (found := _DURATION.fullmatch(text)):
        sizes = (86400.0, 3600.0, 60.0, 1.0, 0.001)
        return sum(float(part or 0) * size for part, size in zip(found.groups(), sizes, strict=True))
    try:
        return max(0.0, datetime.fromisoformat(text).timestamp() - time.time())
    except ValueError:
        return None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,15}(\.\d{1,9})?", text) else None
