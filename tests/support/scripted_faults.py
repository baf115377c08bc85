"""How the scripted server misbehaves: the kinds of fault, and who meets which."""

from __future__ import annotations

from dataclasses import dataclass

from support.scripted_roles import pick, unit

MOMENT = (
    "rate_limit",  # 429, Retry-After in seconds
    "rate_limit_date",  # 429, Retry-After as an HTTP date
    "rate_limit_bare",  # 429 without Retry-After
    "error_500",
    "error_502",
    "error_503",
    "overloaded",  # 529
    "reset",  # half a reply, then RST
    "refuse",  # RST before the first byte
    "hang",  # no answer ever
    "trickle",  # a byte now and then, for longer than anybody waits
    "html",  # 200 with a web page
    "truncated",  # Content-Length promises more than comes
    "invalid_json",
    "wrong_schema",  # JSON without choices
    "empty_choices",
)
"""Faults that another try may get over."""
STICKY = (
    "null_content",
    "empty_content",
    "refusal",
    "length",  # the reply is cut off
    "content_filter",
    "chatty",  # the JSON stands in a fence between sentences
    "broken_content",  # JSON with its end missing
    "garbage_content",
    "context_length",  # 400
    "content_policy",  # 400
)
"""Faults of the request: whoever puts it again gets the same."""
PERMANENT = ("unauthorized", "forbidden", "unknown_model", "no_credit", "payment_required")
"""Faults that no request gets over. Only given when named in ``kinds``."""


@dataclass(frozen=True)
class Faults:
    """Which share of requests fails, and how. ``most``: faults of kind MOMENT that one request meets at most.

    ``retry_after`` is in seconds (a date in whole ones). ``hang_seconds`` bounds a hang and a trickle. ``echo``: an error's message
    repeats the request's headers, keys and all.
    """

    rate: float = 0.0
    kinds: tuple[str, ...] = MOMENT
    seed: int = 0
    most: int = 3
    retry_after: float = 0.05
    hang_seconds: float = 120.0
    echo: bool = False

    def __post_init__(self) -> None:
        unknown = set(self.kinds) - {*MOMENT, *STICKY, *PERMANENT}
        if unknown:
            raise ValueError(f"unknown faults: {sorted(unknown)}")

    def of(self, sha: str, number: int) -> str | None:
        """The fault of the ``number``-th try (from 0) of a request, or None."""
        if unit(self.seed, "sticky", sha) < self.rate:
            kind = pick(self.kinds, self.seed, "kind", sha)
            if kind not in MOMENT:
                return str(kind)
        moments = [kind for kind in self.kinds if kind in MOMENT]
        if moments and number < self.most and unit(self.seed, "moment", sha, number) < self.rate:
            return str(pick(moments, self.seed, "kind", sha, number))
        return None


@dataclass(frozen=True)
class Outage:
    """From the ``from_request``-th request on (from 0), ``seconds`` long, every request meets ``kind``."""

    from_request: int
    seconds: float
    kind: str = "refuse"


PAID = {"ok", "null_content", "empty_content", "refusal", "length", "content_filter", "chatty"}
PAID |= {"broken_content", "garbage_content"}
"""Outcomes that are a reply: the provider charges for them."""

ERRORS: dict[str, tuple[int, str, str, str | None]] = {
    "rate_limit": (429, "Rate limit reached for requests", "requests", "rate_limit_exceeded"),
    "rate_limit_date": (429, "Rate limit reached for requests", "requests", "rate_limit_exceeded"),
    "rate_limit_bare": (429, "Rate limit reached for tokens", "tokens", "rate_limit_exceeded"),
    "error_500": (500, "The server had an error while processing your request", "server_error", None),
    "error_502": (502, "Bad gateway", "server_error", None),
    "error_503": (503, "The server is unavailable", "service_unavailable", None),
    "overloaded": (529, "Overloaded", "overloaded_error", None),
    "context_length": (
        400,
        "This model's maximum context length is 128 tokens. However, your messages resulted in 4096 tokens.",
        "invalid_request_error",
        "context_length_exceeded",
    ),
    "content_policy": (
        400,
        "Your request was rejected as a result of our safety system.",
        "invalid_request_error",
        "content_policy_violation",
    ),
    "unauthorized": (401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    "forbidden": (403, "You are not allowed to use this model.", "permission_error", None),
    "unknown_model": (404, "The model does not exist.", "invalid_request_error", "model_not_found"),
    "no_credit": (429, "You exceeded your current quota.", "insufficient_quota", "insufficient_quota"),
    "payment_required": (402, "Insufficient balance.", "payment_required", None),
    "no_schema": (400, "response_format is not supported by this model.", "invalid_request_error", None),
}


def spoilt(content: str, fault: str | None) -> tuple[str | None, str]:
    """Content and finish_reason under a fault that is a reply all the same."""
    if fault in ("null_content", "refusal"):
        return None, "stop"
    if fault == "empty_content":
        return "", "stop"
    if fault == "content_filter":
        return None, "content_filter"
    if fault == "length":
        return content[: len(content) // 2], "length"
    if fault == "chatty":
        return f"Sure! Here is the object:\n```json\n{content}\n```\nI hope that helps.", "stop"
    if fault == "broken_content":
        return content[:-2], "stop"
    if fault == "garbage_content":
        return "lorem ipsum \u2603 \x1b[31m <b>dolor</b>", "stop"
    return content, "stop"
