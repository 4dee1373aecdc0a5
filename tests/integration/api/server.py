"""The query layer behind a real server, for tests that need sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from services.api.access.keys import StoredKeys
from services.api.app import create_app
from services.web.access.guard import install_access
from tests.integration.api.city import City


class _Server(uvicorn.Server):
    """Tells when it listens, and cannot take signals in a thread."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@contextmanager
def serving(city: City, *, keys: bool = False) -> Iterator[str]:
    """Serve a city, to those who have a key or to everybody; gives the base URL."""
    app = create_app(city.context())
    if keys:
        install_access(app, StoredKeys(city.database, lambda: city.now, read_every=0), keys=True)
    listener = socket.create_server(("127.0.0.1", 0))
    server = _Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert server.listening.wait(20)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
