"""A network in which every name leads to this machine, so that it shows who would be called."""

from __future__ import annotations

import socket
from typing import Any

import pytest


class Network:
    """``asked`` are the names that somebody looked up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: set[str] = set()
        real = socket.getaddrinfo

        def resolve(host: Any, *more: Any, **options: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else str(host)
            if name not in ("127.0.0.1", "localhost", "::1"):
                self.asked.add(name)
            return real("127.0.0.1", *more, **options)

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
