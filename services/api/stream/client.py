"""One listener of the stream: what waits for it, in a queue that cannot grow without end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from typing import Final, NamedTuple

from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.types import Message, Receive, Scope, Send

from services.api.stream.position import Position, unit_key

RESET: Final = "reset"

HEARTBEAT_SECONDS: Final = 15.0
WRITE_SECONDS: Final = 30.0
QUEUE: Final = 512

_RETRY_MS: Final = 2000


class Wish(NamedTuple):
    """What a client asked for. ``units`` choose rates and alerts; alerts of all if empty."""

    topics: frozenset[str]
    units: frozenset[str] = frozenset()

    def hears_of(self, unit: str) -> bool:
        """Whether alerts of a unit are for it."""
        return not self.units or unit in self.units


def event_body(topic: str, data: bytes) -> bytes:
    """Write an event without its id, once for all clients; ``data`` is JSON without line breaks."""
    return b"event: %s\ndata: %s\n" % (topic.encode(), data)


class _Waiting(NamedTuple):
    body: bytes  # the same object for all clients
    id: str


class Client:
    """Written by the hub, read by the response, both on the event loop."""

    def __init__(self, wish: Wish, position: Position, *, heartbeat: float) -> None:
        self.wish = wish
        self.position = position
        self._heartbeat = heartbeat
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._end = ""  # why the stream ends, once the queue is empty

    def log_event(self, topic: str, sequence: int, body: bytes) -> None:
        """Give an event of a log, and move there."""
        self.position.set_log(topic, sequence)
        self._offer(body)

    def rates_event(self, unit: str, digest: str, body: bytes) -> None:
        """Give the rates of a unit."""
        if self.position.rates is not None:
            self.position.rates[unit_key(unit)] = digest
        self._offer(body)

    def reset_event(self, body: bytes) -> None:
        """Tell that events are missing, and from where it goes on."""
        self._offer(body)

    def close(self, why: str) -> None:
        """End the stream after what waits."""
        self._end = self._end or why
        self._wake.set()

    async def frames(self) -> AsyncGenerator[bytes]:
        """The stream as bytes; a comment when nothing happens."""
        yield format_sse_event(comment="hotline-rates", retry=_RETRY_MS)
        while True:
            while self._queue:
                body, id_ = self._queue.popleft()
                yield b"%sid: %s\n\n" % (body, id_.encode())
            if self._end:
                yield format_sse_event(comment=self._end)
                return
            self._wake.clear()
            try:
                async with asyncio.timeout(self._heartbeat):
                    await self._wake.wait()
            except TimeoutError:  # the id alone moves the client on, past what was not for it
                yield format_sse_event(comment="ping", id=self.position.text())

    def backlog(self) -> int:
        """How much waits."""
        return len(self._queue)

    def _offer(self, body: bytes) -> None:
        if self._end:
            return
        self._queue.append(_Waiting(body, self.position.text()))
        self._wake.set()


class BoundedEventSource(EventSourceResponse):
    """A stream that ends when the client takes nothing for some time.

    ``on_end`` is called however it ends, also when it never began.
    """

    def __init__(
        self,
        frames: AsyncIterator[bytes],
        headers: Mapping[str, str],
        on_end: Callable[[], None],
        *,
        write_seconds: float = WRITE_SECONDS,
    ) -> None:
        super().__init__(frames, headers=headers)
        self._on_end = on_end
        self._write_seconds = write_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and tell the end."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._on_end()

    async def stream_response(self, send: Send) -> None:
        """Send, each part in time."""

        async def in_time(message: Message) -> None:
            async with asyncio.timeout(self._write_seconds):
                await send(message)

        try:
            await super().stream_response(in_time)
        except TimeoutError:
            return  # the server closes the connection


def ended(clients: Iterable[Client], why: str) -> None:
    """End the streams of all of them."""
    for client in clients:
        client.close(why)
