"""What litellm's HTTP clients do on the wire, watched: where a call goes, where a redirect leads, and what stood in a body.

litellm has many ways to be sent elsewhere, by the name of a model or a parameter. It follows redirects to wherever they lead, with every header but ``Authorization``, and with the prompt. And
of a reply that it cannot read it keeps nothing, though it was paid for. So each transport that it makes is watched.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import httpx


class ForeignRedirect(Exception):
    """A server sends on to another one, which is not followed."""


class ForeignCall(Exception):
    """A call would go to another server than the one that it is for."""


class TooMuch(Exception):
    """A server announces more than a reply can be; litellm would take a minute for every 20 MB of it."""


@dataclass(slots=True)
class Heard:
    """The last body that came with status 200, None as long as there was none; calls may go to ``place`` alone, if it is known.

    A body of more than ``most`` bytes is not read. ``rates`` are the headers of the last answer, whatever its status, that tell of limits.
    """

    place: httpx.URL | None = None
    most: int | None = None
    body: bytes | None = None
    rates: Mapping[str, str] = field(default_factory=dict)


_heard: ContextVar[Heard | None] = ContextVar("heard", default=None)


@contextmanager
def listening(address: str | None = None, most: int | None = None) -> Iterator[Heard]:
    """What comes over the wire for calls inside the block, which may go to the server of ``address``, or one below it, alone.

    ``most`` bounds the bytes of a body.
    """
    heard = Heard(_place(address), most)
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


def is_listening() -> bool:
    """Whether a call is under way whose replies are heard."""
    return _heard.get() is not None


@contextmanager
def unheard() -> Iterator[None]:
    """Inside of :func:`listening`: what is sent here is another matter, and goes where it will."""
    token = _heard.set(None)
    try:
        yield
    finally:
        _heard.reset(token)


def watch() -> None:
    """From now on, litellm's clients refuse redirects to other servers and are heard by :func:`listening`."""
    import litellm
    from litellm.llms.custom_httpx import http_handler

    asynchronous: Any = http_handler.AsyncHTTPHandler
    synchronous: Any = http_handler.HTTPHandler
    make_transport, make_client = asynchronous.create_async_transport, synchronous.create_client

    def create_async_transport(
        ssl_context: ssl.SSLContext | None = None, ssl_verify: bool | None = None, **more: Any
    ) -> Any:
        transport: Any = make_transport(ssl_context=ssl_context, ssl_verify=ssl_verify, **more)
        if transport is None:  # httpx would make its own, unwatched
            verify = ssl_context or (True if ssl_verify is None else ssl_verify)
            certificate = os.getenv("SSL_CERTIFICATE", litellm.ssl_certificate)
            transport = httpx.AsyncHTTPTransport(verify=verify, cert=certificate)
        transport.handle_async_request = partial(_handle, transport.handle_async_request)
        return transport

    def create_client(handler: Any) -> httpx.Client:
        client: httpx.Client = make_client(handler)
        client.follow_redirects = False
        return client

    asynchronous.create_async_transport = staticmethod(create_async_transport)
    synchronous.create_client = create_client


async def _handle(
    send: Callable[[httpx.Request], Awaitable[httpx.Response]], request: httpx.Request
) -> httpx.Response:
    heard = _heard.get()
    if heard is not None and heard.place is not None and not _is_at(request.url, heard.place):
        raise ForeignCall(f"{_origin(request.url)} would be called instead of {_origin(heard.place)}")
    response = await send(request)
    if heard is not None:
        heard.rates = {name: value for name, value in response.headers.items() if "ratelimit" in name}
    if response.has_redirect_location and (target := _foreign(request.url, response.headers["location"])):
        await response.aclose()
        raise ForeignRedirect(f"{_origin(request.url)} sends on to {target}")
    if response.status_code == 200 and heard is not None:
        length = response.headers.get("content-length", "")
        if heard.most is not None and length.isdecimal() and int(length[:20]) > heard.most:
            await response.aclose()
            raise TooMuch(f"{_origin(request.url)} would send {int(length[:20]):,} bytes")
        heard.body = await response.aread()
    return response


@lru_cache(maxsize=64)
def _place(address: str | None) -> httpx.URL | None:
    try:
        url = httpx.URL(address or "")
    except httpx.InvalidURL:
        return None  # nobody can be called there
    return url if url.host else None


def _is_at(url: httpx.URL, place: httpx.URL) -> bool:
    return url.port == place.port and (url.host == place.host or url.host.endswith(f".{place.host}"))


def _foreign(url: httpx.URL, location: str) -> str | None:
    """The other server that ``location`` leads to. The same host by https instead of http is no other."""
    try:
        target = url.join(location)
    except httpx.InvalidURL:
        return None  # nobody can follow it
    is_upgrade = (url.scheme, target.scheme, target.port) == ("http", "https", None) and url.port is None
    if _origin(target) == _origin(url) or (is_upgrade and target.host == url.host):
        return None
    return _origin(target)


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"
