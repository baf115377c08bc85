"""Taking keys out of text before a person, a file or a log sees it."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, unquote, urlsplit

MASK = "***"

_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$")
_SHORTEST = 8
"""Shorter values are words (``true``, ``local``), not keys."""

_HARMLESS = "alt|api[-_]version|deployment|engine|location|model|region|v|version"
"""Parameters of an address that tell no secret; any other might (``?code=``, ``?subscription-key=``, ``?sig=``)."""

_PATTERNS = (
    # what providers' keys look like, also half masked by the provider ("sk-abc****wxyz")
    (re.compile(r"\b(?:sk|rk|pk|gsk|xai|hf|r8|pplx|tgp|fw|nvapi|csk)[-_][\w*.-]{6,}"), MASK),
    (re.compile(r"\bAIza[\w*-]{10,}|\bAKIA[A-Z0-9*]{8,}|\bya29\.[\w.*-]{8,}"), MASK),
    # user:password@host in an address
    (re.compile(r"(?<=://)[^\s/'\"]+(?=@)"), MASK),
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
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s\"'<>]+", re.IGNORECASE)
_PARAMETER = re.compile(rf"(?<=[?&;])(?!(?:{_HARMLESS})=)([^=&;#\s]{{1,80}}=)[^&;#\s\"']+", re.IGNORECASE)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` without keys, for messages and logs.

    Masked are ``secrets`` and the keys of the environment (as by :func:`mask`), and whatever has the form of a key, a
    password or a parameter in an address, or an authorization header.
    """
    text = mask(text, forms((*environment(), *secrets)))
    for pattern, told in _PATTERNS:
        text = pattern.sub(told, text)
    return _ADDRESS.sub(lambda address: _PARAMETER.sub(rf"\1{MASK}", address[0]), text)


def mask(text: str, told: Iterable[str]) -> str:
    """``text`` with each of ``told`` replaced, and nothing else: for texts that are used, not only shown."""
    for form in told:
        if form in text:
            text = text.replace(form, MASK)
    return text


def forms(secrets: Iterable[str]) -> tuple[str, ...]:
    """How ``secrets`` may come back, longest first: as they are, in base64, in an address, in JSON.

    Of a header such as ``Basic dXNlcjpw`` the last word is secret by itself.
    """
    found: set[str] = set()
    for secret in {part for whole in secrets for part in (whole, whole.rpartition(" ")[2])}:
        data = secret.encode("utf-8", "replace")
        encoded = (base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode())
        found.update((secret, quote(secret, safe=""), json.dumps(secret)[1:-1], *encoded))
        found.update(text.rstrip("=") for text in encoded)
    return tuple(sorted((form for form in found if len(form) >= _SHORTEST), key=len, reverse=True))


def environment() -> list[str]:
    """The values of environment variables whose name ends with KEY, TOKEN, SECRET and the like."""
    return [
        value
        for name, value in os.environ.items()
        if len(value) >= _SHORTEST and _SECRET_NAME.search(name.upper())
    ]


def public_address(address: str) -> str:
    """``address`` as a file may hold it: without user and password, and with harmless parameters only."""
    address = re.sub(r"(?<=://)[^/\s]*@", "", address).partition("#")[0]
    bare, _, query = address.partition("?")
    kept = [
        part for part in query.split("&") if re.fullmatch(rf"(?:{_HARMLESS})=[\w.-]*", part, re.IGNORECASE)
    ]
    return redact("?".join([bare, "&".join(kept)]) if kept else bare)


def secrets_of(address: str) -> list[str]:
    """What is secret in an address: user and password, and the values of parameters that are not known as harmless."""
    parts = urlsplit(address)
    found = [
        value for name, value in parse_qsl(parts.query) if not re.fullmatch(_HARMLESS, name, re.IGNORECASE)
    ]
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return [*found, *([password, f"{user}:{password}"] if password else [user])]
