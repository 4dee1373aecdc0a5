"""Serves the HTTP application inside a running program: no signal handling of its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from services.cli.errors import CommandError
from services.cli.open_files import allow_open_files

_GRACE_SECONDS: Final = 5
_BACKLOG: Final = 2048


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the program, which has more to stop than this."""
        yield


def bind(host: str, port: int) -> socket.socket:
    """Take the address before anything else is started.

    Raises:
        CommandError: it is in use or not ours to take.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise CommandError(
            f"Port {port} of {host} cannot be used ({error.strerror}): stop what uses it, or "
            "choose another with --port and --host. "
            f"{host} 的端口 {port} 不可用，请用 --port 或 --host 更换。"
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the address a browser on this machine can open."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - a lookup
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve while the block runs; then answer the requests in work, for some seconds, and stop."""
    allow_open_files()
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
