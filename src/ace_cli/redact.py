"""Taking keys out of text before a person, a file or a log sees it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

MASK = "***"

_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$")
_SHORTEST = 8
"""Shorter values of environment variables are words (``true``, ``local``), not keys."""

_PATTERNS = (
    # what providers' keys look like, also half masked by the provider ("sk-abc****wxyz")
    (re.compile(r"\b(?:sk|rk|pk|gsk|xai|hf|r8|pplx|tgp|fw|nvapi|csk)[-_][\w*.-]{6,}"), MASK),
    (re.compile(r"\bAIza[\w*-]{10,}|\bAKIA[A-Z0-9*]{8,}|\bya29\.[\w.*-]{8,}"), MASK),
    # user:password@host in an address
    (re.compile(r"(?<=://)[^\s/@'\"]+(?=@)"), MASK),
    # ?key=..., "api_key": "...", x-api-key: ..., password=...
    (
        re.compile(
            r"((?:[\w-]{0,40}api[-_ ]?key|(?<=[?&])key|[\w-]{0,40}(?:token|secret|password|signature)|sig)[\"']?\s*[=:]\s*[\"']?)"
            r"(?!\s|\d+\b)[^\s\"'&,;)}\]]+",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"(authorization[\"']?\s*[=:]\s*[\"']?)(?:\w+\s+)?[^\s\"',}]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"\b(Bearer|Basic)\s+(?=\S*\d)[\w.~+/=*-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` without keys.

    Masked are ``secrets``, the values of environment variables whose name ends with KEY, TOKEN, SECRET and
    the like, and whatever has the form of a key, a password in an address, or an authorization header.
    """
    known = [value for name, value in os.environ.items() if _SECRET_NAME.search(name.upper())]
    exact = {value for value in (*known, *secrets) if len(value) >= _SHORTEST}
    for value in sorted(exact, key=len, reverse=True):
        text = text.replace(value, MASK)
    for pattern, mask in _PATTERNS:
        text = pattern.sub(mask, text)
    return text
