"""An OpenAI-compatible server on loopback that plays the models, and misbehaves on demand.

In a test::

    with ScriptedServer(truth="train.jsonl", faults=Faults(rate=0.3), delay=0.01) as server:
        ...                 # api_base=server.url; afterwards look at server.log

As a process: ``python -m support.scripted_server --port-file F --truth train.jsonl --log requests.jsonl``.

What is said is in ``scripted_roles.py``: a function of the request alone. Faults (``scripted_faults.py``) are a function of the
request and of how often it was put before; those of kind ``STICKY`` of the request alone, since a model
that refuses a prompt refuses it again. So nothing here depends on time or order, and after a crash the
same requests get the same replies.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import email.utils
import hashlib
import json
import os
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from support.scripted_faults import ERRORS, MOMENT, PAID, PERMANENT, STICKY, Faults, Outage, spoilt
from support.scripted_pace import Lognormal, Quota, Slots
from support.scripted_prefixes import Prefixes
from support.scripted_roles import Script, Truth, embed, text_of, unit

__all__ = ["MOMENT", "PERMANENT", "STICKY", "Entry", "Faults", "Outage", "ScriptedServer"]


@dataclass(frozen=True)
class Entry:
    """One request. ``outcome`` is ``ok``, a fault's kind, or ``gone`` (the client left before the reply).

    ``question`` is the number of the question in the truth table. Times are seconds since the epoch.
    """

    asked: float
    sent: float
    sha: str
    tries: int
    path: str
    role: str
    question: int | None
    model: str
    outcome: str


class ScriptedServer:
    """The server, on a thread of its own; a context manager.

    Args:
        truth: dataset (JSONL path, or question -> answer) that the model knows.
        delay: seconds before each reply; a pair is a range, out of which a hash of the request chooses, as out of a
            :class:`Lognormal`.
        slots: requests that are worked on at once; 0 for all that come.
        quota: a rate limit; what is beyond it gets 429.
        faults, outage: see their classes.
        log_file: JSON lines, one :class:`Entry` a request, written before the reply is sent.
        usage: False leaves the token counts out of the replies.
        cached_share: share of the prompt that is reported as read from the provider's cache.
        keep_requests: keep the parsed bodies in ``requests`` (memory!).
        no_schema: answer 400 to a request with ``response_format``.
        right, novelty, cite: see :class:`scripted_roles.Script`.
        reply: a fixed content for every reply instead of the script's.
        reply_tokens: the length of every reply, as it is counted; a smaller ``max_tokens`` of the request cuts it off.
        longest_reply: a request for a longer one is refused.
    """

    def __init__(
        self,
        truth: Truth | Mapping[str, str] | Path | str | None = None,
        *,
        delay: float | tuple[float, float] | Lognormal = 0.0,
        slots: int = 0,
        quota: Quota | None = None,
        faults: Faults | None = None,
        outage: Outage | None = None,
        log_file: Path | str | None = None,
        usage: bool = True,
        cached_share: float = 0.0,
        keep_requests: bool = False,
        no_schema: bool = False,
        right: float = 0.4,
        novelty: float = 0.2,
        cite: float = 0.5,
        reply: str | None = None,
        reply_tokens: int | None = None,
        longest_reply: int | None = None,
        port: int = 0,
    ) -> None:
        if truth is None or isinstance(truth, Mapping):
            truth = Truth(truth or {})
        elif not isinstance(truth, Truth):
            truth = Truth.load(truth)
        self.script = Script(truth, right=right, novelty=novelty, cite=cite)
        self.delay = (delay, delay) if isinstance(delay, int | float) else delay
        self.quota = quota
        self._slots = Slots(slots) if slots else None
        self.faults = faults or Faults()
        self.outage = outage
        self.usage = usage
        self.cached_share = cached_share
        self.no_schema = no_schema
        self.fixed_reply = reply
        self.reply_tokens = reply_tokens
        self.longest_reply = longest_reply
        self.longest_prompt = 10**9
        self.lengths: list[int] = []
        """Of the next replies, in place of ``reply_tokens``."""
        self.raw_body: bytes | None = None
        """Sent with status 200 instead of any reply, if set."""
        self.reshape: Callable[[dict[str, Any], int], dict[str, Any]] | None = None
        """Changes a good reply before it is sent; told how often the request was put before."""
        self.more_headers: list[dict[str, str]] = []
        """Sent with the next good replies, one each."""
        self.prefixes: Prefixes | None = None
        """Anthropic's cache of prompts, in place of ``cached_share``."""
        self.models: dict[str, Any] | None = None
        """What is at /models."""
        self.redirect: str | None = None
        """Where requests are sent on to, if set, but those with ``/moved/`` in their path."""
        self.port = port
        self.log: list[Entry] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        """Headers of each request, with the keys; in memory only."""
        self.connections = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self._keep_requests = keep_requests
        self._tries: Counter[str] = Counter()
        self._count = 0
        self._outage_until: float | None = None
        self._log_file = Path(log_file).open("a", encoding="utf-8") if log_file else None  # noqa: SIM115 - closed by stop()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="scripted-server", daemon=True)
        self._ready = threading.Event()

    @property
    def url(self) -> str:
        """What goes into ``api_base``."""
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> ScriptedServer:
        self._thread.start()
        self._ready.wait()
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        if self._log_file:
            self._log_file.close()

    def __enter__(self) -> ScriptedServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def answered(self) -> Counter[str]:
        """How often each request (by sha) was answered with a reply that is paid for."""
        return Counter(entry.sha for entry in self.log if entry.outcome in PAID)

    def outcomes(self) -> Counter[str]:
        return Counter(entry.outcome for entry in self.log)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        listener = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port, backlog=1024)
        )
        self.port = listener.sockets[0].getsockname()[1]
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            listener.close()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.close()

    def is_out(self) -> bool:
        """Is it now within the outage?"""
        return self._outage_until is not None and time.monotonic() < self._outage_until

    def _fault(self, sha: str) -> tuple[str | None, int]:
        count, self._count = self._count, self._count + 1
        number = self._tries[sha]
        if self.outage:
            if self._outage_until is None and count >= self.outage.from_request:
                self._outage_until = time.monotonic() + self.outage.seconds
            if self.is_out():
                return self.outage.kind, number
        self._tries[sha] += 1
        return self.faults.of(sha, number), number

    def _seconds(self, sha: str) -> float:
        """Until the reply to a request that came now."""
        if isinstance(self.delay, Lognormal):
            seconds = self.delay.of(sha)
        else:
            low, high = self.delay
            seconds = low + (high - low) * unit("delay", sha)
        return self._slots.until_done(time.monotonic(), seconds) if self._slots else seconds

    def _record(self, entry: Entry) -> None:
        self.log.append(entry)
        if self._log_file:
            self._log_file.write(json.dumps(asdict(entry)) + "\n")
            self._log_file.flush()

    async def answer(self, path: str, headers: dict[str, str], raw: bytes, out: asyncio.Transport) -> None:
        """Answer one request; an abort of the connection cancels this."""
        asked = time.time()
        self.headers.append(headers)
        if self.redirect and "/moved/" not in path:
            _send(out, 307, b"", headers={"Location": self.redirect})
            return
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            _send(out, 400, _error("this is not JSON", "invalid_request_error"))
            return
        if path.endswith("/models") and self.models is not None:
            _send(out, 200, self.models)
            return
        if not path.endswith(("/chat/completions", "/embeddings", "/messages")):
            _send(out, 404, _error(f"no such path: {path}", "invalid_request_error"))
            return
        if self._keep_requests:
            self.requests.append(body)
        sha = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        messages = _messages(body)
        prompt = "\n".join(text_of(message) for message in messages)
        role = self.script.role(messages)
        role = "embedding" if path.endswith("/embeddings") else role
        question = self.script.truth.find(prompt)
        fault, tries = self._fault(sha)

        def record(outcome: str) -> None:
            number = self.script.truth.numbers.get(question) if question else None
            model = str(body.get("model", ""))
            self._record(Entry(asked, time.time(), sha, tries, path, role, number, model, outcome))

        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.quota is not None and not self.quota.admits(len(prompt) // 4 + 1):
                fault = "rate_limit"
            elif seconds := self._seconds(sha):
                await asyncio.sleep(seconds)
            if (self.longest_reply or 10**9) < int(body.get("max_tokens") or 0) or len(
                prompt
            ) > self.longest_prompt:
                fault = "context_length"
            if self.no_schema and "response_format" in body:
                fault = "no_schema"
            if path.endswith("/embeddings"):
                reply = self._vectors(body)
            else:
                content = self.fixed_reply
                if content is None:
                    content = self.script.reply(role, prompt, question)
                shape = _anthropic if path.endswith("/messages") else _openai
                reply = shape(self, body, sha, prompt, content, fault)
        except asyncio.CancelledError:
            record("gone")
            raise
        finally:
            self.in_flight -= 1
        record(fault or "ok")
        if self.reshape and fault is None:
            reply = self.reshape(reply, tries)
        await self._deliver(fault, reply, headers, out)

    def _vectors(self, body: Mapping[str, Any]) -> dict[str, Any]:
        texts = body.get("input", [])
        texts = [texts] if isinstance(texts, str) else texts
        tokens = sum(len(text) // 4 + 1 for text in texts)
        return {
            "object": "list",
            "model": body.get("model"),
            "data": [{"object": "embedding", "index": i, "embedding": embed(t)} for i, t in enumerate(texts)],
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }

    async def _deliver(
        self, fault: str | None, reply: dict[str, Any], asked: dict[str, str], out: asyncio.Transport
    ) -> None:
        good = json.dumps(reply).encode() if self.raw_body is None else self.raw_body
        if fault in ERRORS:
            status, message, kind, code = ERRORS[fault]
            message += f" {asked}" if self.faults.echo else ""
            extra = {}
            if fault == "rate_limit":
                extra = {"Retry-After": f"{self.faults.retry_after:g}"}
            elif fault == "rate_limit_date":
                extra = {
                    "Retry-After": email.utils.formatdate(time.time() + self.faults.retry_after, usegmt=True)
                }
            _send(out, status, _error(message, kind, code), headers=extra)
        elif fault == "refuse":
            _reset(out)
        elif fault == "reset":
            _send(out, 200, good[: len(good) // 2], length=len(good))
            await asyncio.sleep(0)
            _reset(out)
        elif fault == "truncated":
            _send(out, 200, good[: len(good) // 2], length=len(good))
            out.close()
        elif fault == "hang":
            await asyncio.sleep(self.faults.hang_seconds)
            _reset(out)
        elif fault == "trickle":
            _send(out, 200, b"", length=len(good))
            until = time.monotonic() + self.faults.hang_seconds
            for byte in good:
                out.write(bytes([byte]))
                await asyncio.sleep(min(0.2, max(0.0, until - time.monotonic())))
        elif fault == "html":
            page = b"<html><body><h1>Welcome</h1>This is a gateway's page.</body></html>"
            _send(out, 200, page, kind="text/html; charset=utf-8")
        elif fault == "invalid_json":
            _send(out, 200, good[:-20] + b"!!")
        elif fault == "wrong_schema":
            _send(out, 200, {"hello": "world"})
        else:
            _send(out, 200, good, headers=self.more_headers.pop(0) if self.more_headers else None)


def _messages(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    messages = list(body.get("messages", []))
    if "system" in body:  # Anthropic's form
        messages.insert(0, {"role": "system", "content": body["system"]})
    return messages


def _openai(
    server: ScriptedServer, body: Mapping[str, Any], sha: str, prompt: str, content: str, fault: str | None
) -> dict[str, Any]:
    said, finish = spoilt(content, fault)
    message: dict[str, Any] = {"role": "assistant", "content": said}
    if fault == "refusal":
        message |= {"content": None, "refusal": "I cannot help with that."}
    prompt_tokens, completion_tokens = len(prompt) // 4 + 1, len(said or "") // 4 + 1
    if server.reply_tokens is not None:
        length = server.lengths.pop(0) if server.lengths else server.reply_tokens
        completion_tokens = min(length, body.get("max_tokens") or length)
        if completion_tokens < length:
            message["content"], finish = (said or "")[: completion_tokens % 50], "length"
    reply: dict[str, Any] = {
        "id": f"chatcmpl-{sha[:24]}",
        "object": "chat.completion",
        "created": 1700000000,
        "model": body.get("model"),
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }
    if fault == "empty_choices":
        reply["choices"] = []
    if server.usage:
        reply["usage"] = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
            "prompt_tokens_details": {"cached_tokens": int(prompt_tokens * server.cached_share)},
        }
    return reply


def _anthropic(
    server: ScriptedServer, body: Mapping[str, Any], sha: str, prompt: str, content: str, fault: str | None
) -> dict[str, Any]:
    said, finish = spoilt(content, fault)
    prompt_tokens = len(prompt) // 4 + 1
    cached, written = int(prompt_tokens * server.cached_share), 0
    if server.prefixes is not None:
        cached, written = server.prefixes.used(body.get("system", ""))
    return {
        "id": f"msg_{sha[:24]}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model"),
        "content": [{"type": "text", "text": said}] if said else [],
        "stop_reason": {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}[finish],
        "usage": {
            "input_tokens": prompt_tokens - cached - written,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": written,
            "output_tokens": len(said or "") // 4 + 1,
        },
    }


def _error(message: str, kind: str, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


def _send(
    out: asyncio.Transport,
    status: int,
    body: dict[str, Any] | bytes,
    *,
    kind: str = "application/json",
    length: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(data) if length is None else length}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    out.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)


def _reset(out: asyncio.Transport) -> None:
    """Close with RST instead of FIN, as a crashed peer does."""
    connection = out.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    out.abort()


class _Connection(asyncio.Protocol):
    """Just enough HTTP/1.1: keep-alive, Content-Length, one request after the other."""

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self.buffer = bytearray()
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.connections += 1
        if self.server.is_out() and self.server.outage and self.server.outage.kind == "refuse":
            _reset(transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if self.task and not self.task.done():
            self.task.cancel()

    def _next(self) -> None:
        if self.task and not self.task.done():
            return
        head, blank, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        if not blank:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self.buffer = bytearray(rest[length:])
        path = first.split(" ")[1].partition("?")[0]
        self.task = asyncio.ensure_future(self.server.answer(path, headers, rest[:length], self.transport))
        self.task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self.transport.is_closing():
            return
        if error := task.exception():  # a bug of this server: let the test see it
            _send(self.transport, 500, _error(f"scripted server: {error!r}", "bug"))
        self._next()


def main() -> None:
    parser = argparse.ArgumentParser(description="A scripted OpenAI-compatible server on loopback.")
    parser.add_argument("--port-file", type=Path, help="the port is written here when the server listens")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--question-field", default="question")
    parser.add_argument("--answer-field", default="answer")
    parser.add_argument("--log", type=Path, help="JSON lines, one a request")
    parser.add_argument(
        "--delay", type=float, nargs="+", default=[0.0], help="seconds, or lowest and highest"
    )
    parser.add_argument(
        "--lognormal", type=float, help="mean seconds of lognormal delays, instead of --delay"
    )
    parser.add_argument("--slots", type=int, default=0)
    parser.add_argument("--quota", type=float, help="requests a minute; more are answered with a ban")
    parser.add_argument("--right", type=float, default=0.4)
    parser.add_argument("--novelty", type=float, default=0.2)
    parser.add_argument("--fault-rate", type=float, default=0.0)
    parser.add_argument("--fault-kinds", nargs="+", default=list(MOMENT))
    parser.add_argument("--fault-seed", type=int, default=0)
    parser.add_argument("--outage", type=float, nargs=2, metavar=("FROM_REQUEST", "SECONDS"))
    chosen = parser.parse_args()
    truth = Truth.load(chosen.truth, chosen.question_field, chosen.answer_field) if chosen.truth else Truth()
    server = ScriptedServer(
        truth,
        port=chosen.port,
        delay=Lognormal(chosen.lognormal) if chosen.lognormal else (chosen.delay[0], chosen.delay[-1]),
        slots=chosen.slots,
        quota=Quota(chosen.quota) if chosen.quota else None,
        faults=Faults(chosen.fault_rate, tuple(chosen.fault_kinds), chosen.fault_seed),
        outage=Outage(int(chosen.outage[0]), chosen.outage[1]) if chosen.outage else None,
        log_file=chosen.log,
        right=chosen.right,
        novelty=chosen.novelty,
    ).start()
    if chosen.port_file:
        temporary = chosen.port_file.with_suffix(".tmp")
        temporary.write_text(str(server.port), encoding="utf-8")
        temporary.replace(chosen.port_file)
    print(server.url, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    os._exit(0)


if __name__ == "__main__":
    main()
