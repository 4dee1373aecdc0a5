"""``POST /v1/events``."""

from __future__ import annotations

from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from schemas.topics import BATCH_JSON, EVENT_JSON
from services.ingest.gateway import Gateway, Receipt
from services.ingest.intake import PLAIN_JSON, read_request
from services.traces.spans import TRACEPARENT

_EVENT: Final[dict[str, Any]] = {
    "specversion": "1.0",
    "type": "workorder.dispatched",
    "source": "12345.example.gov.cn",
    "id": "dispatch-070307-1",
    "subject": "热线-260703-070307",
    "time": "2026-07-03T07:05:00+08:00",
    "data": {"unit": "110105001"},
}
_LIST: Final[dict[str, Any]] = {"type": "array", "minItems": 1, "items": {"type": "object"}}
_ONE: Final[dict[str, Any]] = {"schema": {"type": "object"}, "example": _EVENT}
_MANY: Final[dict[str, Any]] = {"schema": _LIST, "example": [_EVENT]}
_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"description": "Empty body, not UTF-8, not JSON"},
    413: {"description": "Body too large, or too many events"},
    415: {"description": "Unsupported content type"},
    422: {"description": "Refused events, each with index, path and reason; nothing was accepted"},
    503: {"description": "Not logged in time or overloaded; repeat with the same ids"},
}


def create_router(gateway: Gateway) -> APIRouter:
    """Build the routes of the push gateway."""
    router = APIRouter(tags=["events"])

    @router.post(
        "/v1/events",
        status_code=202,
        response_model=Receipt,
        responses=_PROBLEMS,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    EVENT_JSON: _ONE,
                    BATCH_JSON: _MANY,
                    PLAIN_JSON: {
                        "schema": {"oneOf": [{"type": "object"}, _LIST]},
                        "example": _EVENT,
                    },
                },
            }
        },
    )
    async def push_events(request: Request) -> Response:
        """Accept one event or a batch: all of it, or nothing with every reason."""
        with gateway.admission(_size(request, gateway.body_limit)):
            intake = await read_request(
                request, body_limit=gateway.body_limit, event_limit=gateway.event_limit
            )
            receipt = await gateway.accept(intake, request.headers.get(TRACEPARENT))
        return Response(orjson.dumps(receipt), status_code=202, media_type="application/json")

    return router


def _size(request: Request, body_limit: int) -> int:
    """Bound the size of the body; a chunked one does not tell it beforehand."""
    announced = request.headers.get("content-length", "")
    return min(int(announced), body_limit) if announced.isdecimal() else body_limit
