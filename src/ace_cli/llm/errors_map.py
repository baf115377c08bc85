"""From litellm's exceptions to our three: try again, give this request up, or stop the run.

litellm's own classes lose much (a reset connection, a web page instead of JSON and a crash of the server are all an
``InternalServerError`` with status 500; an overloaded Anthropic is one, too). What really happened
stands in the chain of causes: the HTTP response, if there was one, or the failure of the transport. So
the chain is asked first, and litellm's class only where the chain knows nothing.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from ace_cli.llm.base import ModelError, PermanentError, RequestError, TransientError
from ace_cli.redact import redact

_LONGEST = 300
"""Characters of a provider's message that are shown; pages of HTML help nobody."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a failed call.

    ``status`` is that of the HTTP response (``is_http``), or what litellm makes of a provider's own
    library or of an error inside a body with status 200; None where litellm knows no better than 500.
    """

    status: int | None
    text: str
    is_http: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    transport: str = ""
    """``timeout``, ``connection`` or empty."""
    names: frozenset[str] = frozenset()
    """Class names in the chain of causes, and of their bases."""


def map_error(error: BaseException, model: str, secrets: Iterable[str] = ()) -> ModelError:
    """The error that the rest of the code knows, for whatever litellm raised.

    Args:
        error: the exception of a call.
        model: as the user named it; the message begins with it.
        secrets: further texts that must not be shown.
    """
    facts = _facts(error)
    kind = _kind(facts)
    what, hint = _WORDS[kind]
    status = f" (HTTP {facts.status})" if facts.is_http else ""
    said = _clean(redact(facts.text[:20_000], secrets))
    message = f"{redact(model, secrets)}: {what}{status}" + (f": {said}" if said else "")
    if kind in _PERMANENT:
        return PermanentError(message, hint, kind=kind)
    if kind in _REQUEST:
        return RequestError(message, hint, kind=kind)
    return TransientError(
        message,
        hint,
        kind=kind,
        retry_after=_retry_after(facts),
        endpoint=kind in ("rate_limit", "overloaded", "connection") or facts.status in _GATEWAY,
    )


def redacted_cause(error: BaseException, secrets: Iterable[str] = ()) -> BaseException:
    """What may stand behind ``raise ... from``: the traceback of ``error``, its message without keys."""
    cause = RuntimeError(redact(f"{type(error).__name__}: {error}", secrets))
    cause.__suppress_context__ = True
    return cause.with_traceback(error.__traceback__)


_WORDS = {
    "rate_limit": ("rate limit", "Fewer calls at once may help: --concurrency."),
    "overloaded": ("the provider is overloaded", ""),
    "server_error": ("the provider failed", ""),
    "timeout": ("no reply in time", "The timeout setting of the role says how long is waited."),
    "connection": ("no connection", "Is the address right, and the server running?"),
    "bad_body": ("the reply is not what an API sends", "Is the API base right? Many end with /v1."),
    "auth": (
        "not authorised",
        "Check the key in the provider's environment variable or the settings.",
    ),
    "unknown_model": (
        "no such model",
        "Check the name (provider/model, as litellm lists them) and the API base (many end with /v1).",
    ),
    "no_credit": ("no credit left", "Add credit with the provider, then: ace resume."),
    "context_length": ("the prompt is too long", "A smaller context budget leaves room."),
    "content_policy": ("refused by the provider's content policy", ""),
    "bad_request": ("the request was rejected", ""),
    "unsupported": ("a setting that this model does not take", "Remove it from the role's settings."),
    "missing_package": ("a package is missing", "Install what the message names."),
}
_PERMANENT = {"auth", "unknown_model", "no_credit", "unsupported", "missing_package"}
_REQUEST = {"context_length", "content_policy", "bad_request"}
_GATEWAY = {502, 503, 520, 521, 522, 523, 524, 529}
"""Statuses that a gateway gives for the server behind it (502, 503, Cloudflare's 52x, Anthropic's 529)."""

_CONTEXT = re.compile(
    r"context[ _](length|window|limit|size)|maximum context|prompt is too long|input is too long"
    r"|too many (input )?tokens|tokens? exceeds? the",
    re.IGNORECASE,
)
_POLICY = re.compile(
    r"content[ _](policy|filter|management)|safety system|responsibleai|flagged|moderation", re.IGNORECASE
)
_CREDIT = re.compile(
    r"insufficient_quota|insufficient (balance|credit|funds)|credit balance|out of credit|more credits",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"api[ _-]?key (is )?(not valid|invalid|missing)|invalid[ _]api[ _-]?key|missing credentials|Missing \w+ API Key",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"model[^.\n]{0,80}(not (be )?found|does ?n[o']t exist|not a valid|is not supported|unknown)"
    r"|unknown model|invalid model|not a valid model|LLM Provider NOT provided|model_not_found",
    re.IGNORECASE,
)


def _kind(facts: Facts) -> str:
    """The short word for what went wrong."""
    text, names, status = facts.text, facts.names, facts.status
    if facts.transport:
        return facts.transport
    if "UnsupportedParamsError" in names:
        return "unsupported"
    if "ImportError" in names:
        return "missing_package"
    if status == 402 or (status in (None, 400, 403, 429) and _CREDIT.search(text)):
        return "no_credit"
    if "ContextWindowExceededError" in names or status == 413:
        return "context_length"
    if status in (400, 422, 500) and _CONTEXT.search(text):
        return "context_length"
    if (
        status == 429 and "request too large" in text.lower()
    ):  # larger than a whole minute's tokens: never fits
        return "context_length"
    if "ContentPolicyViolationError" in names or (status in (400, 403, 422) and _POLICY.search(text)):
        return "content_policy"
    if status in (401, 403, 407) or (status in (None, 400, 500) and _KEY.search(text)):
        return "auth"
    if status == 404 or (status in (None, 400) and _MODEL.search(text)):
        return "unknown_model"
    if status is None:
        # litellm stumbled over the body (worth another try), or we or litellm have a bug (not worth one)
        return "bad_body" if names & {"APIError", "JSONDecodeError"} else "bad_request"
    if status == 429:
        return "rate_limit"
    if status in (503, 529):
        return "overloaded"
    if status in (408, 504, 524):
        return "timeout"
    if status in (409, 425) or status >= 500:
        return "server_error"
    return "bad_request" if status >= 400 else "bad_body"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and its causes, outermost first."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__


def _facts(error: BaseException) -> Facts:
    import httpx

    links = list(_chain(error))
    names = frozenset(base.__name__ for link in links for base in type(link).__mro__)
    response = next((link.response for link in links if isinstance(link, httpx.HTTPStatusError)), None)
    if response is not None:
        try:
            text = _message(response.text)
        except httpx.StreamError:  # the body was never read
            text = ""
        text = text or _strip(str(error))
        return Facts(response.status_code, text, True, response.headers, names=names)
    if any(isinstance(link, httpx.TimeoutException) for link in links):
        return Facts(None, "", transport="timeout", names=names)
    if any(isinstance(link, httpx.TransportError) for link in links):
        innermost = str(links[-1])  # the exact one: refused, reset, no such host
        return Facts(None, innermost, transport="connection", names=names)
    codes = (getattr(link, "status_code", None) for link in links)
    status = next((code for code in codes if isinstance(code, int) and code not in (200, 500)), None)
    # litellm's tracebacks and its advice to its own users are of no use to ours
    text = re.sub(
        r"\s*(Traceback \(most recent call last\)|To drop these, set).*", "", str(error), flags=re.DOTALL
    )
    return Facts(status, _strip(text), names=names)


def _message(body: str) -> str:
    """What a provider's error body says, with its code, which often is the only exact word in it."""
    try:
        parsed: Any = json.loads(body)
    except ValueError:
        return body
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    said = parsed.get("error", parsed) if isinstance(parsed, dict) else parsed
    if not isinstance(said, dict):
        return said if isinstance(said, str) else body
    message = next(
        (said[key] for key in ("message", "detail", "msg") if isinstance(said.get(key), str)), body
    )
    code = said.get("code")
    if isinstance(code, str) and code not in message:
        message = f"{message} ({code})"
    if found := re.search(r'"retryDelay":\s*"([\d.]+)s"', body):  # where Gemini puts its Retry-After
        message = f"{message} (retry in {found[1]}s)"
    return message


_PREFIX = re.compile(
    r"^(litellm\.\w+:\s*|LiteLLM:\s*|\w+(Error|Exception)\b(\s+-|:)\s*|\w+Exception \w+Error - )+"
)


def _strip(text: str) -> str:
    """A litellm message without the class names in front of it."""
    return _PREFIX.sub("", text)


def _clean(text: str) -> str:
    """One line of printable characters."""
    line = " ".join(
        "".join(c if c.isprintable() or c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text).split()
    )
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."


def _retry_after(facts: Facts) -> float | None:
    """Seconds that the provider asks to wait: retry-after-ms, Retry-After in seconds or as a date, Gemini's retryDelay."""
    headers = facts.headers
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    if value is None:
        found = re.search(r"\(retry in ([\d.]+)s\)", facts.text)
        return _number(found[1]) if found else None
    if (seconds := _number(value)) is not None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None
