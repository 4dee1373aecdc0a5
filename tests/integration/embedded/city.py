"""A small city of the past: orders whose rates are easily computed by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.service import Service

Json = dict[str, Any]

UNITS = ("110101001", "110101002", "110101003", "110101004")
WINDOW = {"window": "month", "name": "2025-10", "as_of": "2025-11-20T00:00:00+08:00"}
# Everything that follows from events alone; positions and clocks differ from run to run.
_NUMBERS = ("ranked", "unranked", "unknown_units", "undispatched", "incomplete", "totals", "bottom")

_BEGIN = datetime(2025, 10, 8, 1, tzinfo=UTC)


def event(kind: str, number: int, hours: float, **data: Any) -> Json:
    """One event of order ``number``, some hours after the city's first."""
    moment = _BEGIN + timedelta(hours=hours, minutes=number)
    return {
        "specversion": "1.0",
        "type": f"workorder.{kind}",
        "source": "urn:test:city",
        "id": f"{number}-{kind}",
        "subject": f"order-{number}",
        "time": moment.isoformat(),
        "data": data,
    }


def course(number: int) -> list[Json]:
    """The four events of an order; every third demand is not solved, every second one pleases."""
    solved, pleased = number % 3 != 0, number % 2 == 0
    answers = {
        "contacted": "yes",
        "solved": "yes" if solved else "no",
        "satisfaction": "satisfied" if pleased else "dissatisfied",
    }
    unit = UNITS[number % len(UNITS)]
    return [
        event("received", number, 0, demand_type="complaint", urgency="normal", channel="phone"),
        event("dispatched", number, 1, unit=unit),
        event("resolved", number, 24, unit=unit),
        event("callback", number, 48, attempt=1, channel="phone", reached=True, answers=answers),
    ]


def events(orders: range) -> list[Json]:
    """All events of some orders."""
    return [step for number in orders for step in course(number)]


def numbers(service: Service) -> Json:
    """All published numbers of the window."""
    page = service.rankings(**WINDOW)
    return {name: page[name] for name in _NUMBERS}


def live_numbers(service: Service) -> Json:
    """The same from the live counters."""
    page = service.rankings(window="month", name="2025-10")
    return {name: page[name] for name in _NUMBERS}


def archived(service: Service) -> set[str]:
    """Ids of all orders the service holds events of."""
    orders: set[str] = set()
    after: str | None = None
    while True:
        query = {"source": "urn:test:city"} | ({"after": after} if after else {})
        page = service.get("/v1/imports/orders", **query)
        orders |= set(page["orders"])
        after = page["next"]
        if after is None:
            return orders
