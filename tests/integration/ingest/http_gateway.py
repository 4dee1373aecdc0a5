"""A gateway behind a real HTTP server on a free port, in a thread with its own event loop."""

from __future__ import annotations

import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from schemas.instants import Instant, parse_instant
from services.ingest.archive import LookUp
from services.ingest.gateway import Gateway
from services.ingest.router import create_router
from services.ingest.sender import MIB, Sender
from services.web.problems import install_problem_handlers
from tests.support.waiting import await_that

PARTITIONS = 4
NOW: Instant = parse_instant("2026-07-03T12:00:00+08:00")


class Push:
    """Pushes to a running gateway."""

    def __init__(self, gateway: Gateway, sender: Sender, url: str) -> None:
        self.gateway = gateway
        self.sender = sender
        self.url = url
        self.client = httpx.Client(base_url=url, timeout=30)

    def __call__(self, events: Any) -> httpx.Response:
        return self.client.post("/v1/events", json=events)

    def raw(self, body: Any, **headers: str) -> httpx.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post("/v1/events", content=body, headers=names)


@contextmanager
def pushing(
    bootstrap: str,
    *,
    limit_bytes: int = 64 * MIB,
    seconds: float = 10,
    archived: LookUp | None = None,
    wait_stored: Callable[[Mapping[int, int]], Awaitable[None]] | None = None,
    **limits: Any,
) -> Iterator[Push]:
    """Serve a gateway; the clock stands at `NOW`."""
    sender = Sender(bootstrap, limit_bytes=limit_bytes, delivery_limit=seconds)
    sender.start()
    gateway = Gateway(
        sender=sender,
        partitions=PARTITIONS,
        clock=lambda: NOW,
        archived=archived,
        wait_stored=wait_stored,
        **limits,
    )
    app = FastAPI()
    install_problem_handlers(app)
    app.include_router(create_router(gateway))
    with serving(app) as url:
        push = Push(gateway, sender, url)
        try:
            yield push
        finally:
            push.client.close()
            sender.stop(limit=seconds)


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Run uvicorn and give its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http="httptools", log_level="info", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    await_that(lambda: server.started, seconds=20)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
