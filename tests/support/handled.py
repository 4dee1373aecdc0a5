"""Orders by what their unit did with them, and when."""

from __future__ import annotations

from typing import Any

from schemas.instants import Instant
from schemas.records import Event
from tests.support.orders import event

A = "110101001"


def order(
    subject: str,
    at: str | Instant,
    *more: Event,
    unit: str = A,
    signed: str | Instant | None = None,
    contacted: str | Instant | None = None,
    resolved: str | Instant | None = None,
    evidence: bool = False,
    **received: Any,
) -> list[Event]:
    """Received and dispatched at once; what the unit did, and whatever else happened."""
    photo: dict[str, Any] = {"evidence": ["photo/1"]} if evidence else {}
    none: dict[str, Any] = {}
    done = {"signed": (signed, none), "contacted": (contacted, none), "resolved": (resolved, photo)}
    return [
        event("received", at, subject=subject, demand_type="complaint", **received),
        event("dispatched", at, subject=subject, unit=unit),
        *(
            event(type_, when, subject=subject, unit=unit, **data)
            for type_, (when, data) in done.items()
            if when is not None
        ),
        *more,
    ]
