"""From whatever a call raised to our three errors: try again, give this request up, or stop the run.

litellm's own classes lose much (a reset connection, a web page instead of JSON and a crash of the server are all an
``InternalServerError`` with status 500; an overloaded Anthropic is one, too). What really happened
stands in the chain of causes: the HTTP response, if there was one, or the failure of the transport; or in the body,
where a provider says "error" with status 200. So these are asked first, and litellm's class only where they know nothing.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from ace_cli.llm.base import ModelError, PermanentError, RequestError, TransientError
from ace_cli.llm.body import complaint, complaint_in, parse
from ace_cli.redact import redact

_LONGEST = 300
"""Characters of a provider's message that are shown; pages of HTML help nobody."""


_READ = 20_000
"""Characters of it that are looked at: a message may hold all that a server sent."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a failed call.

    ``status`` is that of the HTTP response (``is_http``), or what litellm makes of a provider's own
    library, or what an error in a body with status 200 says (200 if it names no status), or 0
    if such a body holds no error; None where nobody knows.
    """

    status: int | None
    text: str
    is_http: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    transport: str = ""
    """``timeout``, ``connection`` or empty."""
    names: frozenset[str] = frozenset()
    """Class names in the chain of causes, and of their bases."""


def map_error(
    error: BaseException, model: str, secrets: Iterable[str] = (), *, body: bytes | None = None
) -> ModelError:
    """The error that the rest of the code knows, for whatever litellm raised.

    Args:
        error: the exception of a call.
        model: as the user named it; the message begins with it.
        secrets: further texts that must not be shown.
        body: what came with status 200, if something did.
    """
    facts = _facts(error, body)
    kind = facts.transport or next((rule.kind for rule in _RULES if rule.holds(facts)), "bad_body")
    family, what, hint = _KINDS[kind]
    status = f" (HTTP {facts.status})" if facts.is_http else ""
    said = _shown(redact(facts.text[:_READ], secrets))
    message = f"{redact(model, secrets)}: {what}{status}" + (f": {said}" if said else "")
    if family is not TransientError:
        return family(message, hint, kind=kind)
    return TransientError(
        message,
        hint,
        kind=kind,
        retry_after=_retry_after(facts),
        endpoint=kind in ("rate_limit", "overloaded", "connection") or facts.status in _GATEWAY,
        paid=kind == "bad_body" and isinstance(parse(body or b""), dict),
    )


def redacted_cause(error: BaseException, secrets: Iterable[str] = ()) -> BaseException:
    """What may stand behind ``raise ... from``: the traceback of ``error``, its message without keys."""
    cause = RuntimeError(redact(f"{type(error).__name__}: {error}"[:_READ], secrets))
    cause.__suppress_context__ = True
    return cause.with_traceback(error.__traceback__)


_KINDS: dict[str, tuple[type[ModelError], str, str]] = {
    "rate_limit": (
        TransientError,
        "rate limit",
        "Tell the limit: --max-rpm, --max-tpm; or fewer calls at once: --concurrency.",
    ),
    "overloaded": (TransientError, "the provider is overloaded", ""),
    "server_error": (TransientError, "the provider failed", ""),
    "timeout": (
        TransientError,
        "no reply in time",
        "The role's timeout setting limits how long a call may take.",
    ),
    "connection": (TransientError, "no connection", "Is the address right, and is the server running?"),
    "bad_body": (
        TransientError,
        "the reply is not what an API sends",
        "Is the API base right? Many end with /v1.",
    ),
    "auth": (
        PermanentError,
        "not authorised",
        "Check the key in the provider's environment variable or the settings.",
    ),
    "unknown_model": (
        PermanentError,
        "no such model",
        "Check the name (provider/model, as litellm lists them) and the API base (many end with /v1).",
    ),
    "no_credit": (PermanentError, "no credit left", "Add credit with the provider, then: ace resume."),
    "redirect": (
        PermanentError,
        "redirects to other servers are not followed",
        "If you trust the other address, give it as the API base.",
    ),
    "foreign": (
        PermanentError,
        "no call goes to a server that was not told at the start",
        "Look at the model's name and at the `extra` of its role.",
    ),
    "unsupported": (
        PermanentError,
        "a setting that this model does not take",
        "Remove it from the role's settings.",
    ),
    "missing_package": (PermanentError, "a package is missing", "Install what the message names."),
    "context_length": (RequestError, "the prompt is too long", "Lower --context-budget to leave room."),
    "content_policy": (RequestError, "refused by the provider's content policy", ""),
    "bad_request": (RequestError, "the request was rejected", ""),
}
"""What a kind of failure means for the run, and how it is reported: in words, and with a hint."""

_GATEWAY = {502, 503, 520, 521, 522, 523, 524, 529}
"""Statuses that a gateway gives for the server behind it (502, 503, Cloudflare's 52x, Anthropic's 529)."""


class _Rule(NamedTuple):
    """A kind, for calls with one of ``names`` in the chain of causes, or with one of ``statuses`` and a text like ``says``."""

    kind: str
    statuses: Collection[int | None] = ()
    says: str = ""
    names: frozenset[str] = frozenset()

    def holds(self, facts: Facts) -> bool:
        return not self.names.isdisjoint(facts.names) or (
            facts.status in self.statuses and re.search(self.says, facts.text, re.IGNORECASE) is not None
        )


_RULES = (
    _Rule("redirect", names=frozenset({"ForeignRedirect"})),
    _Rule("foreign", names=frozenset({"ForeignCall"})),
    _Rule("bad_body", names=frozenset({"TooMuch"})),
    _Rule("unsupported", names=frozenset({"UnsupportedParamsError"})),
    _Rule("missing_package", names=frozenset({"ImportError"})),
    _Rule("no_credit", {402}),
    _Rule(
        "no_credit",
        {None, 200, 400, 403, 429},
        r"insufficient_quota|insufficient (balance|credit|funds)|credit balance|out of credit|more credits",
    ),
    _Rule("context_length", {413}, names=frozenset({"ContextWindowExceededError"})),
    _Rule(
        "context_length",
        {200, 400, 422, 500},
        r"context[ _](length|window|limit|size)|maximum context|prompt is too long|input is too long"
        r"|too many (input )?tokens|tokens? exceeds? the",
    ),
    _Rule("context_length", {429}, "request too large"),  # larger than a whole minute's tokens: never fits
    _Rule(
        "content_policy",
        {200, 400, 403, 422},
        r"content[ _](policy|filter|management)|safety system|responsibleai|flagged|moderation",
        frozenset({"ContentPolicyViolationError"}),
    ),
    _Rule("auth", {401, 403, 407}),
    _Rule(
        "auth",
        {None, 200, 400, 500},
        r"api[ _-]?key (is )?(not valid|invalid|missing)|invalid[ _]api[ _-]?key|missing credentials|Missing \w+ API Key",
    ),
    _Rule("unknown_model", {404}),
    _Rule(
        "unknown_model",
        {None, 200, 400},
        r"model[^.\n]{0,80}(not (be )?found|does ?n[o']t exist|not a valid|is not supported|unknown)"
        r"|unknown model|invalid model|not a valid model|LLM Provider NOT provided|model_not_found",
    ),
    _Rule("rate_limit", {429}),
    _Rule("rate_limit", {200}, r"rate.?limit|too many requests|throttl|quota"),
    _Rule("overloaded", {503, 529}),
    _Rule("overloaded", {200}, r"overload|capacity|busy|high demand|loading|unavailable"),
    _Rule("timeout", {408, 504, 524}),
    _Rule("timeout", {200}, r"time[ds]?[ -]?out"),
    _Rule("server_error", {409, 425, *range(500, 600)}),
    _Rule("bad_request", range(400, 500)),
    _Rule(
        "bad_request",
        {200},
        r"invalid.?(request|param|argument|value|type)|bad.?request|malformed|unsupported|not supported",
    ),
    _Rule("server_error", {200}),  # an error that says nothing known may pass
    # litellm stumbled over the body (worth another try), or we or litellm have a bug (not worth one)
    _Rule("bad_body", names=frozenset({"APIError", "JSONDecodeError"})),
    _Rule("bad_request", {None}),
)
"""The first rule that holds says what went wrong; if none does, a body that came with success is no reply."""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and its causes, outermost first."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__


def _facts(error: BaseException, body: bytes | None) -> Facts:
    import httpx

    links = list(_chain(error))
    names = frozenset(base.__name__ for link in links for base in type(link).__mro__)
    response = next((link.response for link in links if isinstance(link, httpx.HTTPStatusError)), None)
    if response is not None:
        try:
            text = complaint(response.text).text
        except httpx.StreamError:  # the body was never read
            text = ""
        return Facts(response.status_code, text or _own_words(error), True, response.headers, names=names)
    if ours := next(
        (link for link in links if type(link).__name__ in ("ForeignRedirect", "ForeignCall", "TooMuch")), None
    ):
        return Facts(None, str(ours), names=names)
    if any(isinstance(link, httpx.TimeoutException) for link in links):
        return Facts(None, "", transport="timeout", names=names)
    if any(isinstance(link, httpx.TransportError) for link in links):
        return Facts(None, _unreached(links), transport="connection", names=names)
    if body is not None:
        if said := complaint_in(parse(body)):
            return Facts(said.status or 200, said.text)
        return Facts(0, _own_words(error), names=names)
    codes = (getattr(link, "status_code", None) for link in links)
    status = next((code for code in codes if isinstance(code, int) and code not in (200, 500)), None)
    return Facts(status, _own_words(error), names=names)


def _unreached(links: Sequence[BaseException]) -> str:
    """Why there was no connection. The innermost reason is the exact one; below it a library's probing may have failed."""
    import httpx

    reasons = [link for link in links if isinstance(link, OSError | httpx.TransportError)]
    if any(isinstance(link, ConnectionRefusedError) for link in reasons):
        return f"nothing listens at {place}" if (place := _asked(links)) else "nothing listens there"
    return str(reasons[-1])


def _asked(links: Sequence[BaseException]) -> str:
    """The host and port that was asked, if the failure says so."""
    import httpx

    for link in links:
        if isinstance(link, httpx.RequestError):
            with contextlib.suppress(RuntimeError):  # nobody noted the request
                return link.request.url.netloc.decode("ascii", "replace")
    return ""


_PREFIX = re.compile(
    r"^(litellm\.\w+:\s*|LiteLLM:\s*|\w+(Error|Exception)\b(\s+-|:)\s*|\w+Exception \w+Error - )+"
)
_TAIL = re.compile(r"\s*(Traceback \(most recent call last\)|To drop these, set).*", re.DOTALL)


def _own_words(error: BaseException) -> str:
    """A litellm message without class names in front of it, its tracebacks and its advice to its own users."""
    return _PREFIX.sub("", _TAIL.sub("", str(error)))


def _shown(text: str) -> str:
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
