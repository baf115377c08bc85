"""A server on loopback that takes whatever is sent to it, and keeps it."""

from __future__ import annotations

import gzip
import http.server
import threading
from types import TracebackType


class Collector:
    """A context manager; ``bodies`` are path and content of what came, unpacked. It answers with ``status``."""

    def __init__(self, status: int = 200) -> None:
        bodies = self.bodies = list[tuple[str, bytes]]()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                bodies.append((self.path, gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Tests are silent."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Collector:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
