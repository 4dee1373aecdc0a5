"""A receiver of webhooks, written with the `standardwebhooks` library, on a free port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Request, Response
from standardwebhooks.webhooks import Webhook

from services.cli.http_server import bind, serving, url_of

Json = dict[str, Any]


@dataclass
class Receiver:
    """What came, in order; ``answers`` are the statuses to give next, then 204.

    ``silent`` receivers answer when it is set. Without ``in_time`` only signatures are verified,
    and not that they are fresh by this machine's clock, for tests with a clock of their own.
    """

    in_time: bool = True
    url: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)
    verified: list[tuple[str, Json]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    silent: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ids(self) -> list[str]:
        return [id_ for id_, _ in self.verified]

    async def take(self, name: str, request: Request) -> int:
        """Return the status to answer."""
        self.paths.append(name)
        id_ = request.headers["webhook-id"]
        if name == "silent":
            await self.silent.wait()
        if name == "moved":
            return 302
        if self.answers:
            self.refused.append(id_)
            return self.answers.pop(0)
        self.verified.append((id_, self._verify(name, await request.body(), request)))
        return 204

    def _verify(self, name: str, body: bytes, request: Request) -> Json:
        webhook = Webhook(self.secrets[name])
        if not self.in_time:
            at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
            signature = webhook.sign(request.headers["webhook-id"], at, body.decode())
            assert request.headers["webhook-signature"] == signature
            found: Json = json.loads(body)
            return found
        message: Json = webhook.verify(body, dict(request.headers))
        return message


@asynccontextmanager
async def receiving(*, in_time: bool = True) -> AsyncIterator[Receiver]:
    """Receive while the block runs."""
    receiver = Receiver(in_time=in_time)
    app = FastAPI()

    @app.post("/{name}")
    async def receive(name: str, request: Request) -> Response:
        status = await receiver.take(name, request)
        return Response(status_code=status, headers={"Location": "/elsewhere"})

    with bind("127.0.0.1", 0) as listener:
        receiver.url = url_of(listener)
        async with serving(app, listener):
            try:
                yield receiver
            finally:
                receiver.silent.set()
