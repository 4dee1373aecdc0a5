"""What the service already holds of a source, for `hotline import` (chDB takes one process only)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final, Protocol

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from schemas.fields import Name
from schemas.instants import format_instant
from schemas.records import Event, LoggedEvent
from services.storage.errors import StorageUnavailable
from services.web.problems import Problem

ORDERS_AT_ONCE: Final = 2_000
PAGE: Final = 10_000


class ImportReaders(Protocol):
    """What these routes need of `services.storage.readers`; both calls block."""

    def order_events(self, subjects: Sequence[str]) -> Mapping[str, Sequence[LoggedEvent]]:
        """Every archived event of these orders."""
        ...

    def source_orders(self, source: str, after: str | None, limit: int) -> Sequence[str]:
        """Orders that hold events of a source, ascending, after a given one."""
        ...


class StoredRequest(BaseModel):
    """Which orders a file speaks of."""

    model_config = ConfigDict(extra="forbid")

    source: Name
    orders: Annotated[list[Name], Field(min_length=1, max_length=ORDERS_AT_ONCE)]


def create_import_router(readers: ImportReaders) -> APIRouter:
    """Build the routes that an import asks."""
    router = APIRouter(tags=["imports"])

    @router.post("/v1/imports/stored")
    def stored(request: StoredRequest) -> Response:
        """Give the stored events of the orders, those of this source that count."""
        with _available():
            logged = readers.order_events(request.orders)
        found = {
            order: [_shown(event) for event in counting(logged.get(order, ()), request.source)]
            for order in request.orders
        }
        body = orjson.dumps(
            {"orders": {order: events for order, events in found.items() if events}}
        )
        return Response(body, media_type="application/json")

    @router.get("/v1/imports/orders")
    def orders(
        source: Annotated[Name, Query()],
        after: Annotated[Name | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
    ) -> dict[str, list[str] | str | None]:
        """List the orders of a source, ascending; `next` is the `after` of the next page."""
        with _available():
            page = list(readers.source_orders(source, after, limit))
        return {"orders": page, "next": page[-1] if len(page) == limit else None}

    return router


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except StorageUnavailable:
        raise Problem(
            503,
            "unavailable",
            title="The service cannot answer now",
            title_zh="服务暂时不可用",
            detail="The archive cannot be asked now; repeat the request.",
            headers={"Retry-After": "1"},
        ) from None


def counting(logged: Iterable[LoggedEvent], source: str) -> list[Event]:
    """Of several contents under one id the one first in the log."""
    first: dict[str, LoggedEvent] = {}
    for candidate in logged:
        if candidate.event.source != source:
            continue
        held = first.setdefault(candidate.event.id, candidate)
        if (candidate.position, candidate.frame_index) < (held.position, held.frame_index):
            first[candidate.event.id] = candidate
    return [winner.event for winner in first.values()]


def _shown(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "type": event.type,
        "time": format_instant(event.occurred_at),
        "data": event.data,
        "digest": event.digest.hex(),
    }
