"""Stands between the service and ClickHouse, and fails as a server and a network fail.

What passes is HTTP as it comes, so any server may be behind it: chDB of the test suite or a real
one. A request is read as a whole before it is passed on, so a client that freezes in the middle of
an insert has inserted nothing, as with a server's ``http_receive_timeout``.
"""

from __future__ import annotations

import http.client
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

_RECEIVE_SECONDS: Final = 3.0
_ANSWER_SECONDS: Final = 600.0
_SLOW_SECONDS: Final = (0.2, 1.5)
_NOT_ENOUGH_SPACE: Final = 243
_HALF: Final = 0.5
_HEAD: Final = 200  # bytes of a body in which INSERT stands, compressed or not
# Those that belong to one connection, or that are written anew.
_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})


class Trouble(Enum):
    """What ails the engine."""

    NONE = "none"
    REFUSING = "every request is answered with 503"
    SLOW = "every statement takes up to a second and a half longer"
    CUT_BEFORE = "half of the inserts: the connection is cut before the insert is executed"
    CUT_AFTER = "half of the inserts: the connection is cut after the insert was executed"
    DISK_FULL = "inserts are answered with NOT_ENOUGH_SPACE (243)"


class EngineProxy:
    """A proxy on a port of its own. Set `trouble` at any time.

    Args:
        upstream: URL of the engine.
        seed: Of the delays, and of which inserts are cut.
    """

    def __init__(self, upstream: str, seed: int) -> None:
        parts = urlsplit(upstream)
        self.upstream: Final = (parts.hostname or "127.0.0.1", parts.port or 8123)
        self.trouble = Trouble.NONE
        self.hit = 0  # requests that a trouble has spoilt
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._server = _Server(self)
        host, port = self._server.server_address[:2]
        assert isinstance(host, str)
        self.url: Final = parts._replace(
            netloc=parts.netloc.rpartition("@")[0]
            + ("@" if "@" in parts.netloc else "")
            + f"{host}:{port}"
        ).geturl()

    @contextmanager
    def running(self) -> Iterator[EngineProxy]:
        """Serve while the block runs."""
        thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def drawn(self) -> float:
        """A number in [0, 1)."""
        with self._lock:
            return self._random.random()

    def spoilt(self) -> None:
        """Count a request that came to grief."""
        with self._lock:
            self.hit += 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, proxy: EngineProxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Cut(Exception):  # noqa: N818 - an event on the wire, not a mistake
    """The connection ends here."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, and at most one to the engine for it."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._engine: http.client.HTTPConnection | None = None

    def finish(self) -> None:
        self._hang_up()
        super().finish()

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        try:
            body = self._received()
            self._serve(body, b"INSERT" in body[:_HEAD] or "INSERT" in self.path)
        except (_Cut, OSError, http.client.HTTPException):
            self._hang_up()
            self.close_connection = True

    def _serve(self, body: bytes, is_insert: bool) -> None:
        proxy, trouble = self.server.proxy, self.server.proxy.trouble
        if trouble is Trouble.REFUSING:
            proxy.spoilt()
            self._answer(503, b"the server is going away", [])
            return
        if trouble is Trouble.DISK_FULL and is_insert:
            proxy.spoilt()
            text = f"Code: {_NOT_ENOUGH_SPACE}. DB::Exception: Cannot reserve 1.00 MiB, not enough space"
            headers = [("X-ClickHouse-Exception-Code", str(_NOT_ENOUGH_SPACE))]
            self._answer(500, f"{text}. (NOT_ENOUGH_SPACE)".encode(), headers)
            return
        if trouble is Trouble.SLOW:
            proxy.spoilt()
            shortest, longest = _SLOW_SECONDS
            time.sleep(shortest + (longest - shortest) * proxy.drawn())
        cuts = is_insert and proxy.drawn() < _HALF
        if trouble is Trouble.CUT_BEFORE and cuts:
            proxy.spoilt()
            raise _Cut
        status, answer, headers = self._asked(body)
        if trouble is Trouble.CUT_AFTER and cuts:
            proxy.spoilt()
            raise _Cut
        self._answer(status, answer, headers)

    def _asked(self, body: bytes) -> tuple[int, bytes, list[tuple[str, str]]]:
        """Ask the engine once: whether to ask again is the client's business."""
        if self._engine is None:
            self._engine = http.client.HTTPConnection(
                *self.server.proxy.upstream, timeout=_ANSWER_SECONDS
            )
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        self._engine.request(self.command, self.path, body, headers)
        with self._engine.getresponse() as response:
            kept = [(n, v) for n, v in response.getheaders() if n.lower() not in _HOP]
            return response.status, response.read(), kept

    def _hang_up(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _answer(self, status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _received(self) -> bytes:
        """Read the body; the connection ends when the client went away, or froze, before its end."""
        self.connection.settimeout(_RECEIVE_SECONDS)
        try:
            return self._body()
        except ValueError:
            raise _Cut from None
        finally:
            self.connection.settimeout(None)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            if len(body) < length:
                raise _Cut
            return body
        chunks: list[bytes] = []
        while size := self.rfile.readline().strip():
            count = int(size, 16)
            chunk = self.rfile.read(count)
            if len(chunk) < count or self.rfile.read(2) != b"\r\n":
                raise _Cut
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
        raise _Cut

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as in the base class)
        """Keep quiet."""
