"""No key reaches a person, a file or a log; ordinary text stays as it is."""

from __future__ import annotations

import pytest

from ace_cli.llm.base import PermanentError, RequestError, TransientError
from ace_cli.llm.errors_map import map_error
from ace_cli.redact import redact

KEY = "a8f5f167f44f4964e6c998dee827110c"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Incorrect API key provided: sk-proj-abcDEF123456.", "Incorrect API key provided: ***"),
        ("key sk-abc***************wxyz is wrong", "key *** is wrong"),
        ("Authorization: Bearer " + KEY, "Authorization: ***"),
        ("{'authorization': 'Bearer " + KEY + "', 'x': 1}", "{'authorization': '***', 'x': 1}"),
        ('{"x-api-key": "' + KEY + '"}', '{"x-api-key": "***"}'),
        ("http://user:" + KEY + "@host/v1", "http://***@host/v1"),
        ("https://host/v1?alt=1&key=" + KEY + "&v=2", "https://host/v1?alt=1&key=***&v=2"),
        ("api_key=" + KEY + ", model=m", "api_key=***, model=m"),
        ("AIzaSyA1234567890abcdefghij is no key", "*** is no key"),
    ],
)
def test_keys_are_masked(text: str, clean: str) -> None:
    assert redact(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "maximum context length is 128 tokens: 4096 were sent",
        "http://127.0.0.1:8080/v1 refused the connection",
        "max_tokens: 4096, total_tokens=12, token: 5",
        "the key to the question is in the last sentence",
        "basic arithmetic, bearer of bad news",
        "mail me@example.org",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


def test_keys_of_the_environment_and_of_the_caller_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRANGE_PROVIDER_API_KEY", "correct-horse")
    monkeypatch.setenv("SHORT_TOKEN", "true")
    assert (
        redact("it was correct-horse and battery-staple, true", ["battery-staple"])
        == "it was *** and ***, true"
    )


def test_a_megabyte_is_no_trouble() -> None:
    text = "x" * 1_000_000
    assert redact(text) == text


@pytest.mark.parametrize(
    ("status", "body", "kind", "word"),
    [
        (400, '{"error": {"message": "Your credit balance is too low"}}', PermanentError, "no_credit"),
        (
            400,
            '[{"error": {"code": 400, "message": "API key not valid. Pass a valid one."}}]',
            PermanentError,
            "auth",
        ),
        (400, '{"error": {"message": "foo/bar is not a valid model ID"}}', PermanentError, "unknown_model"),
        (
            429,
            '{"error": {"message": "Request too large for gpt-4o: Limit 30000"}}',
            RequestError,
            "context_length",
        ),
        (
            500,
            '{"error": {"message": "the request exceeds the available context size"}}',
            RequestError,
            "context_length",
        ),
        (403, '{"error": {"message": "Your input was flagged"}}', RequestError, "content_policy"),
        (
            429,
            '{"message": "Too many tokens, please wait before trying again."}',
            TransientError,
            "rate_limit",
        ),
        (413, "too large", RequestError, "context_length"),
        (422, '{"detail": "top_k must be positive"}', RequestError, "bad_request"),
        (524, "<html>A timeout occurred</html>", TransientError, "timeout"),
        (520, "", TransientError, "server_error"),
    ],
)
def test_what_providers_hide_behind_the_wrong_status(
    status: int, body: str, kind: type[Exception], word: str
) -> None:
    error = map_error(_http(status, body), "m")
    assert (type(error), error.kind) == (kind, word)
    assert error.message.startswith("m: ")


def test_gemini_says_in_its_body_when_to_come_back() -> None:
    body = '{"error": {"code": 429, "message": "Quota exceeded", "details": [{"retryDelay": "35s"}]}}'
    error = map_error(_http(429, body), "m")
    assert isinstance(error, TransientError)
    assert error.retry_after == 35.0


@pytest.mark.parametrize(
    ("header", "value", "seconds"),
    [
        ("retry-after", "2.5", 2.5),
        ("retry-after-ms", "1500", 1.5),
        ("retry-after", "-3", None),
        ("retry-after", "nan", None),
        ("retry-after", "soon", None),
        ("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
def test_forms_of_retry_after(header: str, value: str, seconds: float | None) -> None:
    error = map_error(_http(429, "{}", {header: value}), "m")
    assert isinstance(error, TransientError)
    assert error.retry_after == seconds


def test_a_providers_message_is_one_line_of_plain_text() -> None:
    error = map_error(_http(400, '{"error": {"message": "a\\n\\u001b[31mb\\u0000 ' + "c" * 5000 + '"}}'), "m")
    assert error.message.isprintable()
    assert len(error.message) < 400


def test_a_bug_behind_a_call_fails_the_request_only() -> None:
    error = map_error(TypeError("unexpected keyword"), "m")
    assert isinstance(error, RequestError)
    missing = map_error(ImportError("No module named boto3"), "m")
    assert isinstance(missing, PermanentError)
    assert missing.kind == "missing_package"


def _http(status: int, body: str, headers: dict[str, str] | None = None) -> Exception:
    import httpx

    request = httpx.Request("POST", "http://127.0.0.1/v1")
    response = httpx.Response(status, text=body, headers=headers, request=request)
    return httpx.HTTPStatusError("failed", request=request, response=response)
