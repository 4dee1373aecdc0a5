"""ETag and 304 for every answer of the service that a caller may keep: one place for all routes.

Whoever asks again with ``If-None-Match`` gets 304 and no body while the answer would be the same.
A route whose answer has other bytes each time, or that knows its tag before it has an answer, sets
the header itself (`tag_of`, `is_known`).
"""

from __future__ import annotations

import hashlib
from typing import Final

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OK: Final = 200
_NOT_MODIFIED: Final = 304


def install_etags(app: FastAPI) -> None:
    """Let the application tag its answers below ``/v1/``."""
    app.add_middleware(_Tagger)


def tag_of(content: bytes) -> str:
    """A weak ETag: the same for the same content."""
    return f'W/"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'


def is_known(tag: str, if_none_match: str) -> bool:
    """Whether the caller has this answer; tags are compared as RFC 9110 (13.1.2) says, weakly."""
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return tag.removeprefix("W/") in known or "*" in known


class _Tagger:
    """Adds the header to answers that come whole, and withholds those that the caller has.

    A stream has no length and passes as it comes, and so does what must not be kept.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_question = scope["type"] == "http" and scope["method"] == "GET"
        if not is_question or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        known = ", ".join(Headers(scope=scope).getlist("if-none-match"))
        held: Message | None = None

        async def tagged(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_to_tag(message):
                held = message
                return
            if held is not None:
                start, held = held, None
                await send(_tag(start, message, known))
            await send(message)

        await self._app(scope, receive, tagged)


def _is_to_tag(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return (
        start["status"] == _OK
        and "content-length" in headers
        and "no-store" not in headers.get("cache-control", "")
    )


def _tag(start: Message, body: Message, known: str) -> Message:
    """The head of the answer with its tag; 304, and the body emptied, where the caller has it."""
    headers = MutableHeaders(raw=list(start["headers"]))
    tag = headers.get("etag") or tag_of(body["body"])
    headers["ETag"] = tag
    headers.setdefault("Cache-Control", "no-cache")
    status = start["status"]
    if is_known(tag, known):
        status = _NOT_MODIFIED
        body["body"] = b""
        for name in ("content-length", "content-type", "content-disposition"):
            if name in headers:
                del headers[name]
    return {**start, "status": status, "headers": headers.raw}
