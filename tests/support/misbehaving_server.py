"""A server that answers every connection with something else than an API would, chosen by a seed."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

REPLY = {
    "id": "x",
    "object": "chat.completion",
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "{}"}}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 9, "total_tokens": 16},
}
MODELS = {"object": "list", "data": [{"id": "m", "max_model_len": 4096, "meta": {"n_ctx_train": 8192}}]}
HANG = 2.0
"""Seconds; whoever asks should have less patience."""


class MisbehavingServer:
    """On loopback, each connection in a thread of its own; a context manager. ``seed`` decides all that comes."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        over = self._over = threading.Event()

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    _read_request(self.request)
                    chance.choice(_WAYS)(self.request, chance, over)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler, bind_and_activate=True)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> MisbehavingServer:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()


def _read_request(connection: socket.socket) -> None:
    connection.settimeout(1)
    head = b""
    while b"\r\n\r\n" not in head and (part := connection.recv(65536)):
        head += part
    head, _, body = head.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.partition(b":")[2]) and (part := connection.recv(65536)):
                body += part


def _respond(
    connection: socket.socket, body: bytes, status: int = 200, kind: str = "application/json", more: str = ""
) -> None:
    head = f"HTTP/1.1 {status} Some Words\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}Connection: close\r\n\r\n"
    connection.sendall(head.encode() + body)


Way = Callable[[socket.socket, random.Random, threading.Event], None]


def _good(connection: socket.socket, chance: random.Random, _: threading.Event) -> None:
    _respond(connection, json.dumps(chance.choice([REPLY, MODELS])).encode())


def _bent(connection: socket.socket, chance: random.Random, _: threading.Event) -> None:
    """A good reply with one part of it replaced."""
    value = json.loads(json.dumps(chance.choice([REPLY, MODELS])))
    places = list(_places(value))
    for _place in range(chance.randint(1, 3)):
        holder, key = chance.choice(places)
        with contextlib.suppress(LookupError, TypeError):
            holder[key] = _junk(chance)
    _respond(connection, json.dumps(value).encode(), chance.choice([200, 200, 200, 400, 500]))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from _places(inner)


def _junk(chance: random.Random) -> Any:
    return chance.choice([
        None, True, -1, 10**30, 1e308, float("nan"), float("inf"), "", "\ud800", "x" * 5000, "\x1b[31m\x00", [], {}, [[]], {"": None}, [None] * 3,
        {"error": {"message": "sk-canary-0123456789abcdef"}}, "Infinity", {"text": {"text": {}}},
    ])  # fmt: skip


def _garbage(connection: socket.socket, chance: random.Random, _: threading.Event) -> None:
    connection.sendall(chance.randbytes(chance.choice([0, 1, 50, 70_000])))


def _half(connection: socket.socket, chance: random.Random, _: threading.Event) -> None:
    body = json.dumps(REPLY).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    whole = head.encode() + body
    connection.sendall(whole[: chance.randrange(len(whole))])


def _reset(connection: socket.socket, _: random.Random, __: threading.Event) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _hang(connection: socket.socket, chance: random.Random, over: threading.Event) -> None:
    connection.sendall(
        chance.choice([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"])
    )
    over.wait(HANG)


def _trickle(connection: socket.socket, _: random.Random, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n")
    for _byte in range(100):
        connection.sendall(b" ")
        if over.wait(HANG / 100):
            return


def _page(connection: socket.socket, chance: random.Random, _: threading.Event) -> None:
    page = b"<!doctype html><html><body><h1>Log in</h1>" + b"<p>&nbsp;" * chance.choice([1, 10_000])
    _respond(connection, page, chance.choice([200, 404, 403, 302, 502]), "text/html")


def _huge(connection: socket.socket, chance: random.Random, _: threading.Event) -> None:
    body = chance.choice(
        [b" " * 20_000_000, b"[" * 2_000_000, b'{"a":' * 500_000, b'"' + b"a" * 20_000_000 + b'"']
    )
    _respond(connection, body)


def _status(connection: socket.socket, chance: random.Random, _: threading.Event) -> None:
    more = chance.choice([
        "", "Retry-After: -1\r\n", "Retry-After: 1e400\r\n", "Retry-After: tomorrow\r\n", "Location: http://[\r\n", "Location: /v1/again\r\n",
        "Location: http://evil.invalid/\r\n", "Content-Encoding: gzip\r\n", "Content-Encoding: br\r\n", "Content-Encoding: nonsense\r\n",
    ])  # fmt: skip
    body = chance.choice(
        [b"", b"no", b"\xff\xfe\x00", b'{"error":"sk-canary-0123456789abcdef"}', gzip.compress(b"{")]
    )
    _respond(
        connection,
        body,
        chance.choice([100, 200, 204, 206, 301, 307, 400, 401, 404, 408, 418, 429, 500, 529, 599]),
        more=more,
    )


def _odd_head(connection: socket.socket, chance: random.Random, _: threading.Event) -> None:
    connection.sendall(chance.choice([
        b"HTTP/1.1 200\r\n\r\n", b"HTTP/9.9 200 OK\r\n\r\n{}", b"HTTP/1.1 abc OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {}\n\ndata: [DONE]\n\n", b"\x15\x03\x01\x00\x02\x02\x16",
    ]))  # fmt: skip


_WAYS: tuple[Way, ...] = (
    _good, _good, _bent, _bent, _bent, _garbage, _half, _reset, _hang, _trickle, _page, _huge, _status, _status, _odd_head,
)  # fmt: skip
