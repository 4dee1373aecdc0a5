"""The events of an order as they should have been told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.instants import Instant, parse_instant
from schemas.records import Event


def corrected(events: Sequence[Event]) -> list[Event]:
    """All events, corrections among them, each as later corrections have corrected it, sorted."""
    once = {(event.source, event.id): event for event in sorted(events)}
    corrections = sorted(event for event in once.values() if event.type == "corrected")
    told = (as_told(event, corrections) for event in once.values())
    return sorted((event for event in told if event is not None), key=lambda event: event[:4])


def as_told(event: Event, corrections: Sequence[Event]) -> Event | None:
    """One event with its corrections applied; None if it is withdrawn."""
    data: dict[str, Any] = dict(event.data)
    at: Instant | None = event.occurred_at
    for number, original in enumerate(corrections):
        if event.type == "corrected" and original[:4] <= event[:4]:
            continue
        if original.source != event.source:
            continue
        correction = as_told(original, corrections[number + 1 :])
        if correction is None or "field" not in correction.data:
            continue
        if correction.data.get("event") != event.id:
            continue
        field, new = correction.data["field"], correction.data.get("new")
        if field == "time":
            at = None if new is None else parse_instant(new)
        else:
            data[field] = new
    if at is None:
        return None
    data = {name: value for name, value in data.items() if value is not None}
    return event._replace(occurred_at=at, data=data)
