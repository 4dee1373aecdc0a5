"""A client of the stream over a real connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx

from services.api.router import create_router
from services.cli.http_server import bind, serving, url_of
from services.cli.web_app import build_app
from tests.integration.api.city import City


class Event(NamedTuple):
    topic: str
    data: Any
    id: str


class Listener:
    """Reads events one by one, and remembers the last id as a browser does."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.last_id = ""
        self.comments: list[str] = []

    async def event(self) -> Event:
        """The next event; the test's own time limit ends the wait."""
        found = await self.event_or_end()
        assert found is not None, "the stream has ended"
        return found

    async def event_or_end(self) -> Event | None:
        fields: dict[str, str] = {}
        async for line in self._lines:
            name, _, value = line.partition(": ")
            if name == "id":
                self.last_id = value
            if line.startswith(":"):
                self.comments.append(line[1:].strip())
            elif line:
                fields[name] = value
            elif "data" in fields:
                return Event(fields["event"], json.loads(fields["data"]), self.last_id)
            else:
                fields = {}
        return None

    async def comment(self, text: str) -> None:
        """Return when this comment has come, and its frame is complete."""
        async for line in self._lines:
            name, _, value = line.partition(": ")
            self.last_id = value if name == "id" else self.last_id
            if not line and text in self.comments:
                return
            if line.startswith(":"):
                self.comments.append(line[1:].strip())


@asynccontextmanager
async def listening(url: str, last_id: str = "", **query: str) -> AsyncIterator[Listener]:
    """Connect while the block runs."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with (
        httpx.AsyncClient(base_url=url, timeout=60) as http,
        http.stream("GET", "/v1/stream", params=query, headers=headers) as response,
    ):
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Listener(response.aiter_lines())


@asynccontextmanager
async def served(city: City) -> AsyncIterator[str]:
    """A process that serves the city: its URL. Its streams end before it stops."""
    context = city.context()
    with bind("127.0.0.1", 0) as listener:
        async with serving(build_app([create_router(context)]), listener):
            try:
                yield url_of(listener)
            finally:
                for stop in context.on_stop:
                    stop()
                await asyncio.sleep(0)
