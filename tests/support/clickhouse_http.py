"""chDB behind ClickHouse's HTTP interface, in a process of its own: a small stand-in for a server.

With it several processes share one engine, and what is written for a server runs without one.
It speaks as much of the protocol as clickhouse-connect needs: statements in the body, the URL or a
form, ``param_*``, settings, inserts in Native (lz4 or plain), errors with their code, query ids,
and ``system.processes`` with the ids of running inserts.

    python -m tests.support.clickhouse_http --path DIR --port PORT
"""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import chdb

from tests.support import usage

_LZ4: Final[Any] = import_module("lz4.frame")  # comes with clickhouse-connect, without types
_TRANSPORT: Final = frozenset(
    {
        "client_protocol_version",
        "compress",
        "decompress",
        "enable_http_compression",
        "http_headers_progress_interval_ms",
        "query",
        "query_id",
        "send_progress_in_http_headers",
        "session_id",
        "wait_end_of_query",
    }
)
_RECEIVE_SECONDS: Final = 3.0  # a server's http_receive_timeout, but shorter
_INSERT: Final = re.compile(rb"\s*INSERT INTO (\S+ \([^)]*\)) FORMAT (\w+)\n")
_QUERY_ID: Final = re.compile(r"[\w-]+", re.ASCII)
_CODE: Final = re.compile(r"Code: (\d+)")


class Engine:
    """Connections to one chDB path, kept by the settings they were opened with."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._lock = threading.Condition()
        self._busy = 0
        self._closed = False
        self._idle: dict[frozenset[tuple[str, str]], list[Any]] = {}
        self.running: set[str] = set()
        self._first = chdb.connect(self._path)  # holds the path open

    def run(self, sql: str, settings: dict[str, str], params: dict[str, str]) -> bytes:
        """Run one statement on a connection that no one else uses meanwhile."""
        key = frozenset(settings.items())
        with self._lock:
            idle = self._idle.setdefault(key, [])
            connection = idle.pop() if idle else None
            if self._closed:
                raise ConnectionAbortedError
            self._busy += 1
        try:
            connection = connection or self._connect(settings)
            return bytes(connection.query(sql, "TabSeparated", params=params).bytes())
        finally:
            with self._lock:
                self._busy -= 1
                if connection is not None:
                    idle.append(connection)
                self._lock.notify_all()

    def close(self) -> None:
        """Let the running statements end, then close all connections."""
        with self._lock:
            self._closed = True
            self._lock.wait_for(lambda: not self._busy)
            open_ones = [each for idle in self._idle.values() for each in idle]
            for connection in [self._first, *open_ones]:
                connection.close()

    def _connect(self, settings: dict[str, str]) -> Any:
        connection = chdb.connect(self._path)
        for name, value in settings.items():
            if not name.isidentifier():
                raise ValueError("not the name of a setting")
            if name == "database":
                connection.query(f"USE `{value}`")
            else:
                connection.query("SET " + name + " = '" + value.replace("'", "\\'") + "'")
        return connection


class Handler(BaseHTTPRequestHandler):
    """One client connection."""

    protocol_version = "HTTP/1.1"
    engine: Engine

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/ping":
            self._answer(200, b"Ok.\n")
        else:
            self.do_POST()

    def do_POST(self) -> None:
        url = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        query_id = url.get("query_id", "")
        self.engine.running.add(query_id)
        try:
            body = self._received()
            if body is None:
                self.close_connection = True  # the client is gone, and nothing of it is stored
                return
            self._answer(200, self._execute(url, body))
        except ConnectionAbortedError:
            self.close_connection = True  # as a server that is stopped
        except Exception as error:  # noqa: BLE001 (whatever the engine says is the answer)
            text = str(error)
            code = _CODE.search(text)
            headers = {"X-ClickHouse-Exception-Code": code[1]} if code else {}
            self._answer(500, text.encode(), headers)
        finally:
            self.engine.running.discard(query_id)

    def _execute(self, url: dict[str, str], body: bytes) -> bytes:
        if self.headers.get("Content-Encoding") == "lz4":
            body = _decompressed(body)
        if self.headers.get_content_type() == "multipart/form-data":
            url |= self._form(body)
            body = b""
        statement = url.get("query", "").encode() + body
        params = {name[6:]: value for name, value in url.items() if name.startswith("param_")}
        settings = {
            name: value
            for name, value in url.items()
            if name not in _TRANSPORT and not name.startswith("param_")
        }
        if insert := _INSERT.match(statement):
            with tempfile.NamedTemporaryFile(suffix=".native") as file:
                file.write(statement[insert.end() :])
                file.flush()
                target, kind = insert[1].decode(), insert[2].decode()
                sql = f"INSERT INTO {target} FROM INFILE '{file.name}' FORMAT {kind}"
                return self.engine.run(sql, settings, params)
        return self.engine.run(self._with_processes(statement.decode()), settings, params)

    def _with_processes(self, sql: str) -> str:
        ids = [f"'{name}'" for name in list(self.engine.running) if _QUERY_ID.fullmatch(name)]
        listed = f"(SELECT arrayJoin(CAST([{', '.join(ids)}], 'Array(String)')) AS query_id)"
        return sql.replace("system.processes", listed)

    def _form(self, body: bytes) -> dict[str, str]:
        head = b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n"
        fields: Any = message_from_bytes(head + body).get_payload()
        return {
            str(field.get_param("name", header="Content-Disposition")): _text(field)
            for field in fields
        }

    def _received(self) -> bytes | None:
        """Read the body; None when the client went away, or froze, before its end."""
        self.connection.settimeout(_RECEIVE_SECONDS)
        try:
            return self._body()
        except TimeoutError:
            return None
        finally:
            self.connection.settimeout(None)

    def _body(self) -> bytes | None:
        """Read the whole body; None when the client went away before its end."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            return body if len(body) == length else None
        chunks: list[bytes] = []
        while True:
            size = self.rfile.readline().strip()
            if not size:
                return None
            chunk = self.rfile.read(int(size, 16))
            if len(chunk) < int(size, 16) or self.rfile.read(2) != b"\r\n":
                return None
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("X-ClickHouse-Summary", "{}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            self.close_connection = True  # killed while it waited for the answer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as in the base class)
        """Keep quiet: tests read the output."""


class Server(ThreadingHTTPServer):
    daemon_threads = True  # else idle connections would keep the process alive
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def clickhouse_server(path: Path, port: int = 0) -> Iterator[str]:
    """Run the stand-in over a directory, and give the URL for `Database.open`.

    The process ends with the block, and with this process however that ends.
    """
    command = [sys.executable, "-m", "tests.support.clickhouse_http"]
    with subprocess.Popen(
        [*command, "--path", str(path), "--port", str(port), "--until-eof"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()  # it prints the URL when it is ready
        if not url:
            raise RuntimeError("chDB behind HTTP did not start; its error is above")
        usage.note(usage.CHDB)
        try:
            yield url
        finally:
            process.terminate()
            process.wait(30)


def main() -> None:
    parser = argparse.ArgumentParser(description="chDB behind HTTP, for tests")
    parser.add_argument("--path", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input ends")
    arguments = parser.parse_args()
    Handler.engine = Engine(arguments.path)
    server = Server(("127.0.0.1", arguments.port), Handler)

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    def until_eof() -> None:
        sys.stdin.read()
        stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if arguments.until_eof:
        threading.Thread(target=until_eof, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}/default\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    Handler.engine.close()


def _decompressed(body: bytes) -> bytes:
    """Each block of an insert is an lz4 frame of its own."""
    blocks: list[bytes] = []
    while body:
        frame = _LZ4.LZ4FrameDecompressor()
        blocks.append(frame.decompress(body))
        if not frame.eof:
            raise ValueError("the insert ends inside an lz4 frame")
        body = frame.unused_data or b""
    return b"".join(blocks)


def _text(field: Any) -> str:
    payload = field.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


if __name__ == "__main__":
    main()
