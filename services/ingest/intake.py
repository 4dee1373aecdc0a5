"""From a request to parsed JSON: size, content type, encoding and syntax, before any event is read.

Takes the structured and the batch mode of the CloudEvents HTTP binding, its binary mode
(``ce-`` headers), and plain ``application/json`` with one event or an array of events.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.message import Message
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import orjson
from fastapi import Request

from schemas.topics import BATCH_JSON, EVENT_JSON
from services.ingest.refusals import refusal

PLAIN_JSON: Final = "application/json"
_ACCEPTED: Final = (EVENT_JSON, BATCH_JSON, PLAIN_JSON)
_BINARY_PREFIX: Final = "ce-"


class Intake(NamedTuple):
    """Parsed JSON values, still to be validated. ``single``: the body was one event, no array."""

    raws: list[Any]
    single: bool


async def read_request(request: Request, *, body_limit: int, event_limit: int) -> Intake:
    """Read and parse a request.

    Args:
        request: its body has not been read yet.
        body_limit: bytes; a larger body is refused before it is read whole.
        event_limit: events.

    Raises:
        Problem: 400, 413 or 415.
    """
    content_type = _content_type(request.headers)
    body = await _read_body(request, body_limit)
    parsed = parse_json(body)
    if content_type == PLAIN_JSON and _BINARY_PREFIX + "specversion" in request.headers:
        return Intake([_from_binary_mode(request.headers, parsed)], single=True)
    return split(parsed, content_type, event_limit)


def split(parsed: object, content_type: str, event_limit: int) -> Intake:
    """Take a parsed body apart into events.

    Raises:
        Problem: 400 for an empty array or one where a single event was announced (or the other
            way round); 413 for too many events.
    """
    if isinstance(parsed, list):
        if content_type == EVENT_JSON:
            raise refusal(
                "unsupported_media_type",
                f"An array of events is sent as {BATCH_JSON}.",
                f"事件数组请使用 {BATCH_JSON}。",
            )
        if not parsed:
            raise refusal("no_events", "Send at least one event.", "请至少发送一个事件。")
        if len(parsed) > event_limit:
            raise refusal(
                "too_many_events",
                f"A request may hold {event_limit} events; send several requests.",
                f"单次请求最多 {event_limit} 个事件，请分多次发送。",
            )
        return Intake(parsed, single=False)
    if content_type == BATCH_JSON:
        raise refusal(
            "unsupported_media_type",
            f"A single event is sent as {EVENT_JSON}.",
            f"单个事件请使用 {EVENT_JSON}。",
        )
    return Intake([parsed], single=True)


def parse_json(body: bytes) -> Any:
    """Parse a body; what is wrong is told with its place.

    Raises:
        Problem: 400 with the byte (UTF-8) or line and column (JSON) of the first mistake.
    """
    if not body.strip():
        raise refusal(
            "empty_body", "Send one event or an array of events.", "请发送一个事件或事件数组。"
        )
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise refusal(
            "invalid_utf8",
            f"The first byte that is not UTF-8 is at offset {error.start}.",
            f"第一个非 UTF-8 字节位于偏移 {error.start} 处。",
        ) from None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise refusal(
            "malformed_json",
            f"The first mistake is at line {error.lineno}, column {error.colno}.",
            f"第一处错误位于第 {error.lineno} 行第 {error.colno} 列。",
        ) from None


def _content_type(headers: Mapping[str, str]) -> str:
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise refusal(
            "unsupported_media_type",
            "Send the body without a content encoding.",
            "请勿使用 Content-Encoding。",
        )
    header = Message()
    header["content-type"] = headers.get("content-type", "")
    content_type = header.get_content_type()
    if "content-type" not in headers or content_type not in _ACCEPTED:
        raise refusal(
            "unsupported_media_type",
            f"Send {', '.join(_ACCEPTED)}.",
            f"请使用 {'、'.join(_ACCEPTED)}。",
        )
    charset = header.get_content_charset("utf-8")
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise refusal("unsupported_media_type", "Send the body in UTF-8.", "请使用 UTF-8 编码。")
    return content_type


async def _read_body(request: Request, limit: int) -> bytes:
    too_large = refusal(
        "body_too_large",
        f"A body may have {limit} bytes; send several requests.",
        f"请求体最多 {limit} 字节，请分多次发送。",
    )
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)


def _from_binary_mode(headers: Mapping[str, str], data: object) -> dict[str, object]:
    """CloudEvents HTTP binding, section 3.1: attributes are percent-encoded ``ce-`` headers."""
    attributes: dict[str, object] = {
        name.removeprefix(_BINARY_PREFIX): unquote(value)
        for name, value in headers.items()
        if name.startswith(_BINARY_PREFIX)
    }
    return attributes | {"datacontenttype": PLAIN_JSON, "data": data}
