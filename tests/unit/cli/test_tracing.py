"""Spans reach a collector, and none goes anywhere unless the settings say so."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from services.cli.errors import CommandError
from services.cli.tracing import tracing
from services.settings import Settings


class Collector(ThreadingHTTPServer):
    """Takes what is sent to it, at any path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[tuple[str, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/traces"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.bodies.append((self.path, body))
        self.send_response(HTTPStatus.OK)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


async def test_what_is_traced_has_reached_the_collector_when_the_process_ends() -> None:
    with collector() as server:
        async with tracing(Settings(traces_url=server.url), "gateway") as traces:
            with traces.begun("accept", None):
                pass
        [(path, body)] = server.bodies
    assert path == "/v1/traces"
    assert b"accept" in body
    assert b"hotline-gateway" in body


async def test_a_part_of_nothing_is_nothing_but_a_caller_decides_for_himself() -> None:
    with collector() as server:
        settings = Settings(traces_url=server.url, traces_ratio=0)
        async with tracing(settings, "gateway") as traces:
            with traces.begun("ours", None) as span:
                assert not span.is_recording()
            with traces.begun("theirs", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"):
                pass
        [(_, body)] = server.bodies
    assert b"theirs" in body
    assert b"ours" not in body


async def test_a_collector_that_is_away_stops_nobody() -> None:
    with Collector() as server:
        url = server.url  # closed again: nobody listens
    async with tracing(Settings(traces_url=url), "worker") as traces:
        with traces.begun("accept", None) as span:
            assert span.is_recording()


async def test_without_a_collector_nothing_is_traced() -> None:
    async with tracing(Settings(), "up") as traces:
        with traces.begun("accept", None) as span:
            assert not span.is_recording()


async def test_without_the_optional_part_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "services.traces.export", None)
    with pytest.raises(CommandError, match=r"hotline-rates\[otel\]"):
        async with tracing(Settings(traces_url="http://127.0.0.1:9/v1/traces"), "up"):
            pass
