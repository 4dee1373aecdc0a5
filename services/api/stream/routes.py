"""``GET /v1/stream``: rankings, rates and alerts as they change, as Server-Sent Events."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.api.context import ApiContext
from services.api.refusals import refusal
from services.api.stream.client import BoundedEventSource, Wish
from services.api.stream.hub import Hub
from services.api.stream.position import RANKINGS, RATES, TOPICS
from services.web.access.caller import Restriction, restriction_of
from services.web.access.refusals import outside_restriction

UNITS: Final = 50
"""How many units a client may choose."""

_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Events · 事件流",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    503: {"description": "There are too many streams · 连接数已满"},
}


class StreamQuery(BaseModel):
    """What to listen to."""

    model_config = ConfigDict(extra="forbid")

    topics: Annotated[str, Field(max_length=100)] = Field(
        "rankings,alerts",
        description=f"Of {', '.join(TOPICS)}, with commas between. 主题，以逗号分隔。",
    )
    units: Annotated[str, Field(max_length=4000)] = Field(
        "",
        description=f"Codes with commas between, {UNITS} at most: whose rates, and whose alerts "
        "(of all if empty). 单位代码，以逗号分隔。",
    )
    last_event_id: Annotated[str | None, Field(max_length=4000)] = Field(
        None,
        description="As the header of this name, for clients that cannot set it. 上次事件编号。",
    )


def create_stream_router(context: ApiContext) -> APIRouter:
    """Build the route."""
    router = APIRouter(tags=["push"])
    hub = Hub(context)
    context.on_stop.append(hub.stop)

    @router.get(
        "/v1/stream",
        response_class=Response,
        responses=_ANSWERS,
        summary="Rankings, rates and alerts as they change · 实时推送",
    )
    async def stream(
        request: Request,
        query: Annotated[StreamQuery, Query()],
        last_event_id: Annotated[str | None, Header(max_length=4000)] = None,
    ) -> Response:
        """Server-Sent Events; with the last id a client misses and repeats nothing.

        服务器推送事件；带上次事件编号重连，不漏不重。
        """
        wish, only = _wish(query), restriction_of(request)
        if only is not None and not _is_own(wish, only):
            raise outside_restriction()
        client = await hub.join(wish, last_event_id or query.last_event_id)
        return BoundedEventSource(client.frames(), _HEADERS, lambda: hub.leave(client))

    return router


def _is_own(wish: Wish, only: Restriction) -> bool:
    """Whether all that is asked for is about units that the caller sees."""
    return RANKINGS not in wish.topics and bool(wish.units) and all(map(only.sees, wish.units))


def _wish(query: StreamQuery) -> Wish:
    """Read what is asked for.

    Raises:
        Problem: 422.
    """
    topics = frozenset(filter(None, query.topics.split(",")))
    units = frozenset(filter(None, query.units.split(",")))
    if not topics or not topics <= set(TOPICS):
        raise refusal(
            "invalid_stream", f"Topics are {', '.join(TOPICS)}.", f"主题：{'、'.join(TOPICS)}。",
            path="topics",
        )  # fmt: skip
    if len(units) > UNITS or (RATES in topics and not units):
        raise refusal(
            "invalid_stream",
            f"Choose one to {UNITS} units; rates are of chosen units only.",
            f"请选择 1 至 {UNITS} 个单位；rates 须指定单位。",
            path="units",
        )
    return Wish(topics, units)
