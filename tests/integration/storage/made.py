"""Orders, events and marks, made by hand or by the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.codec import decode_event
from schemas.instants import FOREVER, Instant, format_instant, parse_instant
from schemas.records import (
    Contribution,
    CounterKey,
    Fence,
    FlushMark,
    LoggedEvent,
    OrderRow,
    OrderSummary,
    Outcome,
    Position,
    Span,
    Sums,
)
from services.storage.shard_store import ShardStore

START = parse_instant("2026-07-03T07:03:07.123457+08:00")
FENCE = Fence(1, 10)
SUMMARY = OrderSummary(
    source="city",
    unit="110105001",
    received_at=START,
    demand_type="complaint",
    channel="phone",
    urgency="normal",
    category=("市容环卫", "垃圾"),
    community="东一社区",
    resolve_due=None,
    resolved_at=None,
)


def mark(
    flush: int = 1,
    *,
    fence: Fence = FENCE,
    position: Position | None = None,
    clock: Instant = START,
) -> FlushMark:
    return FlushMark(fence, flush, position or Position(fence.epoch, flush), clock)


def event(
    subject: str = "热线-260703-070307",
    id_: str = "1",
    *,
    source: str = "city",
    occurred_at: Instant = START,
    demand_type: str = "complaint",
    unknown: Sequence[str] = (),
    at: tuple[int, int, int] = (1, 0, 0),
) -> LoggedEvent:
    """A received event at (epoch, offset, frame index) of the log."""
    raw: dict[str, Any] = {
        "specversion": "1.0",
        "type": "workorder.received",
        "source": source,
        "id": id_,
        "subject": subject,
        "time": format_instant(occurred_at),
        "data": {"demand_type": demand_type, "community": "东一社区", **dict.fromkeys(unknown, 1)},
    }
    decoded = decode_event(raw)
    return LoggedEvent(decoded.event, Position(at[0], at[1]), at[2], decoded.dropped)


def order(
    subject: str,
    spans: Sequence[Span] = (),
    *,
    folded: Sequence[bytes] = (),
    boundaries: Sequence[Instant] = (),
    summary: OrderSummary = SUMMARY,
) -> OrderRow:
    return OrderRow(subject, frozenset(folded), Outcome(tuple(spans), tuple(boundaries), summary))


def span(
    unit: str = "110105001",
    indicator: str = "volume",
    *,
    attributed_at: Instant = START,
    begins_at: Instant = START,
    ends_at: Instant = FOREVER,
    denominator: int = 1,
    numerator: int = 0,
    ranking: str = "lead",
) -> Span:
    contribution = Contribution(ranking, unit, indicator, attributed_at, denominator, numerator)
    return Span(begins_at, ends_at, *contribution)


def key(unit: str, indicator: str, bucket: Instant) -> CounterKey:
    return CounterKey("lead", unit, indicator, bucket)


def owned(store: ShardStore, fence: Fence = FENCE) -> ShardStore:
    assert store.claim(fence, START)
    return store


def flush(
    store: ShardStore,
    of: FlushMark,
    *,
    events: Sequence[LoggedEvent] = (),
    orders: Sequence[OrderRow] = (),
    counters: dict[CounterKey, Sums] | None = None,
) -> None:
    store.write_events(of.fence, events)
    store.write_orders(of, orders)
    store.write_counters(of, counters or {})
    store.write_flush(of)
